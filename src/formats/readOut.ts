/** @file A reward model's read-out in an adapter's files: PEFT's saved module, and what its numbers are called. */

import * as z from "zod/mini";
import { headTensor, type MethodOf, newMethod } from "../core/adaptation";
import { type Dimension, dimensionsSchema } from "../core/objective";
import { say } from "../core/say";
import { failAdapter as fail, quoted } from "./peftModules";

/** As transformers' models for sequence classification call the module. */
const moduleName = "score";
/** PEFT lists both of its usual names, whichever the model has. */
const savedNames = ["score", "classifier"];
const mostOutputs = 16;
/** Beside `format` in the metadata of adapter_model.safetensors, which other programs leave alone. */
const metadataKey = "anneal_dimensions";

/** What adapter_config.json says of it. */
export const readOutFields = { modules_to_save: [moduleName], task_type: "SEQ_CLS" };

/**
 * Whether the settings are of an adapter with a read-out. Throws `adapter.invalid` where other modules are saved whole, or
 * where a classifier has none.
 */
export function hasReadOut(fields: Readonly<Record<string, unknown>>): boolean {
  const { modules_to_save: saved, task_type: task } = fields;
  const isNone = saved === undefined || saved === null || (Array.isArray(saved) && saved.length === 0);
  if (task !== "SEQ_CLS") {
    if (!isNone) fail(say`modules_to_save is ${quoted(saved)}, which is not supported`);
    return false;
  }
  if (
    isNone ||
    !Array.isArray(saved) ||
    !saved.includes(moduleName) ||
    !saved.every((name) => savedNames.includes(name as string))
  )
    fail(say`modules_to_save is ${quoted(saved)}; of a reward model it is ["${moduleName}"]`);
  return true;
}

/** The read-out among these tensors, as many numbers as it has rows. Throws `adapter.invalid`. */
export function readOutOf(tensors: ReadonlyMap<string, { shape: readonly number[] }>): MethodOf<"head"> {
  const [outputs = 0] = tensors.get(headTensor)?.shape ?? fail(say`The tensor ${headTensor} is missing`);
  if (outputs < 1 || outputs > mostOutputs)
    fail(say`${headTensor} reads out ${outputs} numbers; 1 to ${mostOutputs} are known`);
  return newMethod("head", { outputs });
}

/** Metadata of a file of tensors, with what a reward model's numbers are called and count. */
export const tensorMetadata = (dimensions: readonly Dimension[] | undefined): Record<string, string> => ({
  format: "pt",
  ...(dimensions ? { [metadataKey]: JSON.stringify(dimensions) } : {}),
});

/** Undefined where the file does not say. Throws `adapter.invalid` where it says what cannot be. */
export function readDimensions(
  metadata: Readonly<Record<string, string>>,
  head: MethodOf<"head"> | undefined,
): Dimension[] | undefined {
  const text = metadata[metadataKey];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail(say`${metadataKey} is not JSON`);
  }
  const parsed = z.safeParse(dimensionsSchema, value);
  if (!parsed.success) fail(say`${metadataKey} is not a list of names and weights`);
  const names = new Set(parsed.data.map(({ name }) => name));
  if (names.size < parsed.data.length) fail(say`${metadataKey} has a name twice`);
  const outputs = head?.outputs ?? 0;
  if (parsed.data.length !== outputs)
    fail(say`${metadataKey} names ${parsed.data.length} numbers, and ${outputs} are read out`);
  return parsed.data;
}
