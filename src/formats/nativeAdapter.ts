/**
 * @file The studio's own folder of an adapter, for what PEFT has no form for: several methods at once, LoAR, bottlenecks,
 * own weights. anneal_adapter.json says what the tensors are; adapter_model.safetensors holds them by the names of
 * `adaptationTensors`.
 */

import { type Adaptation, adaptationSchema, adaptationTensors, methodOf, wrongAdaptation } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import type { Dimension } from "../core/objective";
import { say } from "../core/say";
import { type AdapterFolder, checkTensors, type ReadTensors } from "./peft";
import { failAdapter as fail, quoted } from "./peftModules";
import { readDimensions, tensorMetadata } from "./readOut";
import { parseSafetensors, writeSafetensors } from "./safetensors";
import type { NamedFile } from "./zip";

const formatVersion = 1;

const encoder = new TextEncoder();

/** anneal_adapter.json, adapter_model.safetensors, README.md. Throws `adapter.invalid`. */
export function newNativeAdapterFiles(adapter: AdapterFolder & { adaptation: Adaptation }): NamedFile[] {
  const { config, adaptation, tensors, dimensions, baseName, card } = adapter;
  checkTensors(adaptationTensors(config, adaptation), tensors);
  const record = { version: formatVersion, base: baseName, adaptation };
  const named = new Map([...tensors].map(([name, { shape, values }]) => [name, { shape, values }] as const));
  return [
    { path: "anneal_adapter.json", bytes: encoder.encode(`${JSON.stringify(record, null, 2)}\n`) },
    { path: "adapter_model.safetensors", bytes: writeSafetensors(named, tensorMetadata(dimensions)) },
    { path: "README.md", bytes: encoder.encode(card) },
  ];
}

function parseRecord(value: unknown): Adaptation {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail(say`anneal_adapter.json is not an object`);
  const { version, base, adaptation, ...others } = value as Record<string, unknown>;
  const [strange] = Object.keys(others);
  if (strange !== undefined) fail(say`anneal_adapter.json: ${quoted(strange)} is not known`);
  if (version !== formatVersion)
    fail(say`anneal_adapter.json: version is ${quoted(version)}; ${formatVersion} is known`);
  if (typeof base !== "string") fail(say`anneal_adapter.json: base is ${quoted(base)}, not a name`);
  const parsed = adaptationSchema.safeParse(adaptation);
  if (!parsed.success) {
    const { path = [], message = "" } = parsed.error.issues[0] ?? {};
    fail(say`anneal_adapter.json: ${["adaptation", ...path.map(String)].join(".")}: ${message}`);
  }
  const wrong = wrongAdaptation(parsed.data);
  if (wrong) fail(say`anneal_adapter.json: adaptation.${wrong.field}: ${wrong.what}`);
  return parsed.data;
}

/** Throws `adapter.invalid`, naming the field or tensor, and `model.tensor` for the file of tensors itself. */
export function parseNativeAdapter(
  files: { anneal_adapter: unknown; safetensors: Uint8Array },
  config: ModelConfig,
): { adaptation: Adaptation; tensors: ReadTensors; dimensions?: Dimension[] } {
  const adaptation = parseRecord(files.anneal_adapter);
  const { tensors: stored, metadata } = parseSafetensors(files.safetensors);
  const tensors: ReadTensors = new Map();
  for (const [name, { shape, values }] of stored) tensors.set(name, { shape, values });
  checkTensors(adaptationTensors(config, adaptation), tensors);
  const dimensions = readDimensions(metadata, methodOf(adaptation, "head"));
  return { adaptation, tensors, ...(dimensions ? { dimensions } : {}) };
}
