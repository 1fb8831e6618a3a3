/** @file A LoRA adapter as PEFT (0.21) writes and reads it. */

import { type Lora, newMethod } from "../core/adaptation";
import { type LinearName, linearNamesOf, linearPath, linearShape } from "../core/adapter";
import { architectures } from "../core/architectures";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { type Said, say } from "../core/say";
import { parseSafetensors, type SafeTensorInput, writeSafetensors } from "./safetensors";
import type { NamedFile } from "./zip";

const prefix = "base_model.model.";
const encoder = new TextEncoder();

/** Tensors by module path: `model.layers.0.self_attn.q_proj.lora_A.weight` [r, in], `….lora_B.weight` [out, r]. */
export type LoraTensors = ReadonlyMap<string, SafeTensorInput>;

function fail(detail: Said): never {
  throw new StudioError("adapter.invalid", detail);
}

/** Every tensor an adapter of this shape has, with its shape. */
export function listLoraTensors(
  config: ModelConfig,
  lora: Pick<Lora, "rank" | "targetModules">,
): Map<string, number[]> {
  const expected = new Map<string, number[]>();
  const known = linearNamesOf(config);
  for (const name of lora.targetModules) {
    if (!known.includes(name)) fail(say`${name} is not a layer of this model: it has ${known.join(", ")}`);
  }
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of lora.targetModules) {
      const [out, in_] = linearShape(config, name);
      expected.set(`${linearPath(layer, name)}.lora_A.weight`, [lora.rank, in_]);
      expected.set(`${linearPath(layer, name)}.lora_B.weight`, [out, lora.rank]);
    }
  }
  return expected;
}

/** Throws `adapter.invalid` unless exactly the expected tensors are there, each with its shape. */
function checkTensors(expected: Map<string, number[]>, tensors: LoraTensors): void {
  for (const [name, shape] of expected) {
    const found = tensors.get(name);
    if (!found) fail(say`The tensor ${name} is missing`);
    if (found.shape.length !== 2 || found.shape[0] !== shape[0] || found.shape[1] !== shape[1])
      fail(say`${name} is [${found.shape.join(", ")}], the base model asks for [${shape.join(", ")}]`);
  }
  for (const name of tensors.keys())
    if (!expected.has(name)) fail(say`The tensor ${name} belongs to no module of the base`);
}

/** An adapter's folder: adapter_config.json, adapter_model.safetensors, README.md. Throws `adapter.invalid`. */
export function newPeftFiles(adapter: {
  config: ModelConfig;
  lora: Lora;
  tensors: LoraTensors;
  baseName: string;
  card: string;
}): NamedFile[] {
  const { config, lora, tensors, baseName, card } = adapter;
  checkTensors(listLoraTensors(config, lora), tensors);
  const adapterConfig = {
    base_model_name_or_path: baseName,
    bias: "none",
    fan_in_fan_out: architectures[config.architecture].isTransposed,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout,
    modules_to_save: null,
    peft_type: "LORA",
    r: lora.rank,
    target_modules: lora.targetModules,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
  const named = new Map([...tensors].map(([name, { shape, values }]) => [prefix + name, { shape, values }] as const));
  return [
    { path: "adapter_config.json", bytes: encoder.encode(`${JSON.stringify(adapterConfig, null, 2)}\n`) },
    { path: "adapter_model.safetensors", bytes: writeSafetensors(named, { format: "pt" }) },
    { path: "README.md", bytes: encoder.encode(card) },
  ];
}

/** Settings of PEFT that change what an adapter computes and that we do not compute. Absent, null, false and empty pass. */
const unsupported = [
  "use_rslora",
  "use_dora",
  "use_qalora",
  "use_bdlora",
  "lora_bias",
  "modules_to_save",
  "rank_pattern",
  "alpha_pattern",
  "layers_to_transform",
  "layers_pattern",
  "layer_replication",
  "exclude_modules",
  "target_parameters",
  "trainable_token_indices",
  "alora_invocation_tokens",
  "arrow_config",
  "kasa_config",
  "monteclora_config",
  "velora_config",
];

/** Ways to start an adapter that change the base's weights too, so that the plain base does not fit. */
const startsFromChangedBase = /^(pissa|olora|corda|loftq|lora_ga)/;

function isSet(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** As PEFT matches them: by the whole last part of a path, or more of it, so that GPT-2's `c_proj` names two. */
function parseTargetModules(value: unknown, base: ModelConfig): LinearName[] {
  const names = linearNamesOf(base);
  if (value === "all-linear") return names;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const named = new Set<LinearName>();
  for (const item of list) {
    const known = names.filter((name) => typeof item === "string" && `.${linearPath(0, name)}`.endsWith(`.${item}`));
    if (known.length === 0) fail(say`target_modules: ${JSON.stringify(item)} is not one of ${names.join(", ")}`);
    for (const name of known) named.add(name);
  }
  if (named.size === 0) fail(say`target_modules is empty`);
  return names.filter((name) => named.has(name));
}

function parseAdapterConfig(value: unknown, base: ModelConfig): Lora {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail(say`adapter_config.json is not an object`);
  const config = value as Record<string, unknown>;
  if (config["peft_type"] !== "LORA")
    fail(say`peft_type is ${JSON.stringify(config["peft_type"])}; only "LORA" is supported`);
  for (const key of unsupported) {
    if (isSet(config[key])) fail(say`${key} is ${JSON.stringify(config[key])}, which is not supported`);
  }
  // Of Conv1D layers PEFT itself takes it for true, whatever the file says.
  if (isSet(config["fan_in_fan_out"]) && !architectures[base.architecture].isTransposed)
    fail(say`fan_in_fan_out is ${JSON.stringify(config["fan_in_fan_out"])}, which does not fit this base`);
  const bias = config["bias"] ?? "none";
  if (bias !== "none") fail(say`bias is ${JSON.stringify(bias)}; only "none" is supported`);
  const start = config["init_lora_weights"];
  if (typeof start === "string" && startsFromChangedBase.test(start))
    fail(say`init_lora_weights is ${JSON.stringify(start)}, which changes the base model and is not supported`);
  const rank = config["r"];
  if (typeof rank !== "number" || !Number.isInteger(rank) || rank < 1 || rank > 4096)
    fail(say`r is ${JSON.stringify(rank)}, not a whole number from 1 to 4096`);
  const alpha = config["lora_alpha"] ?? 8; // PEFT's default
  if (typeof alpha !== "number" || !(alpha > 0) || !Number.isFinite(alpha))
    fail(say`lora_alpha is not a positive number`);
  const dropout = config["lora_dropout"] ?? 0;
  if (typeof dropout !== "number" || !(dropout >= 0 && dropout < 1)) fail(say`lora_dropout is not in [0, 1)`);
  return newMethod("lora", { rank, alpha, dropout, targetModules: parseTargetModules(config["target_modules"], base) });
}

/**
 * Reads an adapter for this base. PEFT only warns of unknown and missing tensors; here each is counted.
 * Throws `adapter.invalid` (or `model.tensor` for the file itself), naming the setting or tensor.
 */
export function parsePeft(
  files: { adapter_config: unknown; safetensors: Uint8Array },
  config: ModelConfig,
): { lora: Lora; tensors: Map<string, { shape: number[]; values: Float32Array<ArrayBuffer> }> } {
  const lora = parseAdapterConfig(files.adapter_config, config);
  const tensors = new Map<string, { shape: number[]; values: Float32Array<ArrayBuffer> }>();
  for (const [name, { shape, values }] of parseSafetensors(files.safetensors).tensors) {
    if (!name.startsWith(prefix)) fail(say`The tensor ${name} does not begin with ${prefix}`);
    tensors.set(name.slice(prefix.length), { shape, values });
  }
  checkTensors(listLoraTensors(config, lora), tensors);
  return { lora, tensors };
}
