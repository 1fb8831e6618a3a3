/** @file An adapter as PEFT (0.21) writes and reads it. */

import { methodTensors } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import { newAdapterConfig, type PeftMethod, parseAdapterConfig } from "./peftConfig";
import { failAdapter as fail } from "./peftModules";
import { parseSafetensors, type SafeTensorInput, writeSafetensors } from "./safetensors";
import type { NamedFile } from "./zip";

export { isPeftMethod, type PeftMethod } from "./peftConfig";

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

/** An adapter's folder: adapter_config.json, adapter_model.safetensors, README.md. Throws `adapter.invalid`. */
export function newPeftFiles(adapter: {
  config: ModelConfig;
  method: PeftMethod;
  tensors: AdapterTensors;
  baseName: string;
  card: string;
}): NamedFile[] {
  const { config, method, tensors, baseName, card } = adapter;
  checkTensors(methodTensors(config, method), tensors);
  const adapterConfig = newAdapterConfig(config, method, baseName);
  const named = new Map(
    [...tensors].map(([name, { shape, values }]) => [prefixOf(method) + name, { shape, values }] as const),
  );
  return [
    { path: "adapter_config.json", bytes: encoder.encode(`${JSON.stringify(adapterConfig, null, 2)}\n`) },
    { path: "adapter_model.safetensors", bytes: writeSafetensors(named, { format: "pt" }) },
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
): { method: PeftMethod; tensors: ReadTensors } {
  const method = parseAdapterConfig(files.adapter_config, config);
  const start = prefixOf(method);
  const tensors: ReadTensors = new Map();
  for (const [name, { shape, values }] of parseSafetensors(files.safetensors).tensors) {
    if (!name.startsWith(start)) fail(say`The tensor ${name} does not begin with ${start}`);
    tensors.set(name.slice(start.length), { shape, values });
  }
  checkTensors(methodTensors(config, method), tensors);
  return { method, tensors };
}
