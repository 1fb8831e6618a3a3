/** @file PEFT's adapter_config.json (0.21), written and read for every kind of adapter that both know. */

import { type Lora, type Method, type MethodOf, newMethod } from "../core/adaptation";
import type { LinearName } from "../core/adapter";
import { architectures } from "../core/architectures";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import { failAdapter as fail, parseFeedForward, parsePattern, parseTargetModules, quoted } from "./peftModules";

/** The kinds that PEFT has a form for. */
export type PeftKind = "lora" | "ia3" | "prefix" | "prompt";
export type PeftMethod = MethodOf<PeftKind>;

const peftTypes: Record<PeftKind, string> = {
  lora: "LORA",
  ia3: "IA3",
  prefix: "PREFIX_TUNING",
  prompt: "PROMPT_TUNING",
};

export const isPeftMethod = (method: Method): method is PeftMethod => method.kind in peftTypes;

type Fields = Record<string, unknown>;

/** What PEFT itself would write of prompts: of a prefix, the keys' and values' heads stand for all. */
function promptFields(config: ModelConfig, { kind, virtualTokens }: MethodOf<"prefix" | "prompt">): Fields {
  const isPrefix = kind === "prefix";
  const width = isPrefix ? config.keyValueHeads * config.headDim : config.hiddenSize;
  return {
    num_attention_heads: isPrefix ? config.keyValueHeads : config.heads,
    num_layers: config.layers,
    num_transformer_submodules: 1,
    num_virtual_tokens: virtualTokens,
    token_dim: width,
    ...(isPrefix ? { encoder_hidden_size: width, prefix_projection: false } : { prompt_tuning_init: "RANDOM" }),
  };
}

/** Values of the layers that are adapted, where they are not the common one. */
const patternOf = (pattern: Lora["rankPattern"], targets: readonly LinearName[], common: number) =>
  Object.fromEntries(
    targets.flatMap((name) => (pattern[name] === undefined || pattern[name] === common ? [] : [[name, pattern[name]]])),
  );

function ownFields(config: ModelConfig, method: PeftMethod): Fields {
  const fan_in_fan_out = architectures[config.architecture].isTransposed;
  switch (method.kind) {
    case "lora":
      return {
        alpha_pattern: patternOf(method.alphaPattern, method.targetModules, method.alpha),
        bias: "none",
        fan_in_fan_out,
        init_lora_weights: true,
        lora_alpha: method.alpha,
        lora_dropout: method.dropout,
        r: method.rank,
        rank_pattern: patternOf(method.rankPattern, method.targetModules, method.rank),
        target_modules: method.targetModules,
        use_dora: method.dora,
        use_rslora: method.rslora,
      };
    case "ia3":
      return {
        fan_in_fan_out,
        feedforward_modules: method.feedForwardModules,
        init_ia3_weights: true,
        target_modules: method.targetModules,
      };
    default:
      return promptFields(config, method);
  }
}

/** The fields of adapter_config.json, in their order; `others` stand in the place of their own. */
export function newAdapterConfig(
  config: ModelConfig,
  method: PeftMethod,
  baseName: string,
  others: Fields = {},
): Fields {
  const fields = {
    base_model_name_or_path: baseName,
    inference_mode: true,
    modules_to_save: null,
    peft_type: peftTypes[method.kind],
    task_type: "CAUSAL_LM",
    ...ownFields(config, method),
    ...others,
  };
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Settings of PEFT that change what an adapter computes and that we do not compute. Absent, null, false and empty pass. */
const unsupported = [
  "use_qalora",
  "use_bdlora",
  "lora_bias",
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

const isRank = (value: unknown) => typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 4096;
const isAlpha = (value: unknown) => typeof value === "number" && value > 0 && Number.isFinite(value);

function parseFlag(fields: Fields, key: string): boolean {
  const value = fields[key] ?? false;
  if (typeof value !== "boolean") fail(say`${key} is ${quoted(value)}, not true or false`);
  return value;
}

/** PEFT takes it for true of Conv1D layers, whatever the file says. */
function checkFanInFanOut(fields: Fields, base: ModelConfig): void {
  const value = fields["fan_in_fan_out"];
  if (isSet(value) && !architectures[base.architecture].isTransposed)
    fail(say`fan_in_fan_out is ${quoted(value)}, which does not fit this base`);
}

function parseLora(fields: Fields, base: ModelConfig): Lora {
  checkFanInFanOut(fields, base);
  const bias = fields["bias"] ?? "none";
  if (bias !== "none") fail(say`bias is ${quoted(bias)}; only "none" is supported`);
  const start = fields["init_lora_weights"];
  if (typeof start === "string" && startsFromChangedBase.test(start))
    fail(say`init_lora_weights is ${quoted(start)}, which changes the base model and is not supported`);
  const rank = fields["r"] ?? 8; // PEFT's default
  if (!isRank(rank)) fail(say`r is ${quoted(rank)}, not a whole number from 1 to 4096`);
  const alpha = fields["lora_alpha"] ?? 8; // PEFT's default
  if (!isAlpha(alpha)) fail(say`lora_alpha is not a positive number`);
  const dropout = fields["lora_dropout"] ?? 0;
  if (typeof dropout !== "number" || !(dropout >= 0 && dropout < 1)) fail(say`lora_dropout is not in [0, 1)`);
  const targets = parseTargetModules(fields["target_modules"], base);
  const pattern = (key: string, common: unknown, isValid: (value: unknown) => boolean) =>
    parsePattern(key, fields[key], base, { targets, common: common as number, isValid });
  return newMethod("lora", {
    rank: rank as number,
    alpha: alpha as number,
    dropout,
    targetModules: targets,
    rslora: parseFlag(fields, "use_rslora"),
    dora: parseFlag(fields, "use_dora"),
    rankPattern: pattern("rank_pattern", rank, isRank),
    alphaPattern: pattern("alpha_pattern", alpha, isAlpha),
  });
}

function parseIa3(fields: Fields, base: ModelConfig): MethodOf<"ia3"> {
  checkFanInFanOut(fields, base);
  const targetModules = parseTargetModules(fields["target_modules"], base);
  const feedForwardModules = parseFeedForward(fields["feedforward_modules"], base, targetModules);
  return newMethod("ia3", { targetModules, feedForwardModules });
}

/** What is told of the base must be this base's; what is not told, PEFT takes from it. */
function parsePrompt<K extends "prefix" | "prompt">(fields: Fields, base: ModelConfig, kind: K): MethodOf<K> {
  const virtualTokens = fields["num_virtual_tokens"];
  if (
    typeof virtualTokens !== "number" ||
    !Number.isInteger(virtualTokens) ||
    virtualTokens < 1 ||
    virtualTokens > 65536
  )
    fail(say`num_virtual_tokens is ${quoted(virtualTokens)}, not a whole number from 1 to 65536`);
  const method = newMethod(kind, { virtualTokens } as Partial<MethodOf<K>>);
  const wanted = promptFields(base, method);
  // Heads are only counted where the width is cut into them.
  const told = [
    "num_layers",
    "num_transformer_submodules",
    "token_dim",
    ...(kind === "prefix" ? ["num_attention_heads"] : []),
  ];
  for (const key of told) {
    const value = fields[key] ?? wanted[key];
    if (value !== wanted[key]) fail(say`${key} is ${quoted(value)}, the base model asks for ${quoted(wanted[key])}`);
  }
  return method;
}

/** Throws `adapter.invalid`, naming the setting that is wrong, or that changes what is computed and is not supported. */
export function parseAdapterConfig(value: unknown, base: ModelConfig): PeftMethod {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail(say`adapter_config.json is not an object`);
  const fields = value as Fields;
  for (const key of unsupported) {
    if (isSet(fields[key])) fail(say`${key} is ${quoted(fields[key])}, which is not supported`);
  }
  switch (fields["peft_type"]) {
    case "LORA":
      return parseLora(fields, base);
    case "IA3":
      return parseIa3(fields, base);
    case "PREFIX_TUNING":
      return parsePrompt(fields, base, "prefix");
    case "PROMPT_TUNING":
      return parsePrompt(fields, base, "prompt");
    default:
      return fail(
        say`peft_type is ${quoted(fields["peft_type"])}; supported are ${Object.values(peftTypes).map(quoted).join(", ")}`,
      );
  }
}
