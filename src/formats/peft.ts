/** @file An adapter as PEFT (0.21) writes and reads it. */

import { type Adaptation, adaptationTensors, type MethodOf, methodOf } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import type { Dimension } from "../core/objective";
import { say } from "../core/say";
import { isPeftMethod, newAdapterConfig, type PeftMethod, parseAdapterConfig } from "./peftConfig";
import { failAdapter as fail } from "./peftModules";
import { hasReadOut, readDimensions, readOutFields, readOutOf, tensorMetadata } from "./readOut";
import { parseSafetensors, type SafeTensorInput, writeSafetensors } from "./safetensors";
import type { NamedFile } from "./zip";

export type { PeftMethod } from "./peftConfig";

/** Before the names of a model's modules; prompts stand beside the model, and have none. */
const prefix = "base_model.model.";
const prefixOf = ({ kind }: PeftMethod) => (kind === "prefix" || kind === "prompt" ? "" : prefix);

const encoder = new TextEncoder();

/** Tensors by the names of `methodTensors`: `model.layers.0.self_attn.q_proj.lora_A.weight` [r, in]. */
export type AdapterTensors = ReadonlyMap<string, SafeTensorInput>;
export type ReadTensors = Map<string, { shape: number[]; values: Float32Array<ArrayBuffer> }>;

/** Throws `adapter.invalid` unless exactly the expected tensors are there, each with its shape. */
export function checkTensors(expected: ReadonlyMap<string, readonly number[]>, tensors: AdapterTensors): void {
  for (const [name, shape] of expected) {
    const found = tensors.get(name);
    if (!found) fail(say`The tensor ${name} is missing`);
    if (found.shape.length !== shape.length || found.shape.some((n, i) => n !== shape[i]))
      fail(say`${name} is [${found.shape.join(", ")}], the base model asks for [${shape.join(", ")}]`);
  }
  for (const name of tensors.keys())
    if (!expected.has(name)) fail(say`The tensor ${name} belongs to no module of the base`);
}

/** What PEFT has a folder for: one method, in a reward model with a read-out beside it. */
export type PeftForm = { method: PeftMethod; head: MethodOf<"head"> | null };

/** Null where there is another method, or several; PEFT's prompts have no form for a classifier of whole answers. */
export function peftFormOf(adaptation: Adaptation): PeftForm | null {
  const head = methodOf(adaptation, "head") ?? null;
  const [method, ...others] = adaptation.filter(({ kind }) => kind !== "head");
  if (!method || others.length > 0 || !isPeftMethod(method)) return null;
  return head && prefixOf(method) === "" ? null : { method, head };
}

const methodsOf = ({ method, head }: PeftForm): Adaptation => (head ? [method, head] : [method]);

/** What any of an adapter's folders is made of. */
export type AdapterFolder = {
  config: ModelConfig;
  tensors: AdapterTensors;
  /** Of a reward model. */
  dimensions?: readonly Dimension[];
  baseName: string;
  card: string;
};

/** An adapter's folder: adapter_config.json, adapter_model.safetensors, README.md. Throws `adapter.invalid`. */
export function newPeftFiles(
  adapter: AdapterFolder & { method: PeftMethod; head?: MethodOf<"head"> | null },
): NamedFile[] {
  const { config, method, head = null, tensors, dimensions, baseName, card } = adapter;
  checkTensors(adaptationTensors(config, methodsOf({ method, head })), tensors);
  const adapterConfig = newAdapterConfig(config, method, baseName, head ? readOutFields : {});
  const named = new Map(
    [...tensors].map(([name, { shape, values }]) => [prefixOf(method) + name, { shape, values }] as const),
  );
  return [
    { path: "adapter_config.json", bytes: encoder.encode(`${JSON.stringify(adapterConfig, null, 2)}\n`) },
    { path: "adapter_model.safetensors", bytes: writeSafetensors(named, tensorMetadata(dimensions)) },
    { path: "README.md", bytes: encoder.encode(card) },
  ];
}

/**
 * Reads an adapter for this base. PEFT only warns of unknown and missing tensors; here each is counted.
 * Throws `adapter.invalid` (or `model.tensor` for the file itself), naming the setting or tensor.
 */
export function parsePeft(
  files: { adapter_config: unknown; safetensors: Uint8Array },
  config: ModelConfig,
): PeftForm & { tensors: ReadTensors; dimensions?: Dimension[] } {
  const method = parseAdapterConfig(files.adapter_config, config);
  const start = prefixOf(method);
  const tensors: ReadTensors = new Map();
  const file = parseSafetensors(files.safetensors);
  for (const [name, { shape, values }] of file.tensors) {
    if (!name.startsWith(start)) fail(say`The tensor ${name} does not begin with ${start}`);
    tensors.set(name.slice(start.length), { shape, values });
  }
  const isReward = hasReadOut(files.adapter_config as Readonly<Record<string, unknown>>);
  if (isReward && start === "") fail(say`A reward model by ${method.kind} tuning is not supported`);
  const head = isReward ? readOutOf(tensors) : null;
  checkTensors(adaptationTensors(config, methodsOf({ method, head })), tensors);
  const dimensions = readDimensions(file.metadata, head ?? undefined);
  return { method, head, tensors, ...(dimensions ? { dimensions } : {}) };
}
