/** @file The linear layers of a block: their names, shapes and paths, and which of them lie in one matrix. */

import { architectures } from "./architectures";
import type { ModelConfig } from "./model";

/** The linear layers of a Llama's block, by Hugging Face's names; most architectures have these. */
export const linearNames = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const;
/** Those of every architecture. GPT-2 has two called c_proj, told apart as PEFT's target_modules can: by their ends. */
export const allLinearNames = [
  ...linearNames,
  "qkv_proj",
  "gate_up_proj",
  "c_attn",
  "attn.c_proj",
  "c_fc",
  "mlp.c_proj",
] as const;
export type LinearName = (typeof allLinearNames)[number];

/** Layers that read the same input: on the device their weights lie in one matrix, rows of one after rows of the other. */
export const stackNames = ["qkv", "o", "gateUp", "down"] as const;
export type StackName = (typeof stackNames)[number];

export function stacksOf({
  architecture,
}: Pick<ModelConfig, "architecture">): Record<StackName, readonly LinearName[]> {
  return architectures[architecture].stacks;
}

/** The linear layers of a block, in the order of its stacks. */
export function linearNamesOf(config: Pick<ModelConfig, "architecture">): LinearName[] {
  const stacks = stacksOf(config);
  return stackNames.flatMap((stack) => stacks[stack]);
}

/** This architecture's layers where those named stand: all of a stack where the names of another's stand in it. */
export function fittingTargets(config: Pick<ModelConfig, "architecture">, names: readonly LinearName[]): LinearName[] {
  const own = stacksOf(config);
  return stackNames.flatMap((stack) => {
    const kept = own[stack].filter((name) => names.includes(name));
    if (kept.length > 0) return kept;
    const isNamed = Object.values(architectures).some(({ stacks }) =>
      stacks[stack].some((name) => names.includes(name)),
    );
    return isNamed ? own[stack] : [];
  });
}

/** [out, in] of a block's linear layer. */
export function linearShape(config: ModelConfig, name: LinearName): [out: number, in_: number] {
  const { hiddenSize: C, intermediateSize: F } = config;
  const Q = config.heads * config.headDim;
  const KV = config.keyValueHeads * config.headDim;
  const shapes: Record<LinearName, [number, number]> = {
    q_proj: [Q, C],
    k_proj: [KV, C],
    v_proj: [KV, C],
    o_proj: [C, Q],
    gate_proj: [F, C],
    up_proj: [F, C],
    down_proj: [C, F],
    qkv_proj: [Q + 2 * KV, C],
    gate_up_proj: [2 * F, C],
    c_attn: [Q + 2 * KV, C],
    "attn.c_proj": [C, Q],
    c_fc: [F, C],
    "mlp.c_proj": [C, F],
  };
  return shapes[name];
}

/** [rows of all its layers, in] of a stack. */
export function stackShape(config: ModelConfig, stack: StackName): [out: number, in_: number] {
  const [first] = stacksOf(config)[stack];
  const rows = stackRows(config, stack).reduce((sum, n) => sum + n, 0);
  return [rows, first ? linearShape(config, first)[1] : 0];
}

/** The rows of each layer of a stack. */
export function stackRows(config: ModelConfig, stack: StackName): number[] {
  return stacksOf(config)[stack].map((name) => linearShape(config, name)[0]);
}

const rooms: Record<LinearName, (layer: number) => string> = {
  q_proj: (layer) => `model.layers.${layer}.self_attn.q_proj`,
  k_proj: (layer) => `model.layers.${layer}.self_attn.k_proj`,
  v_proj: (layer) => `model.layers.${layer}.self_attn.v_proj`,
  o_proj: (layer) => `model.layers.${layer}.self_attn.o_proj`,
  gate_proj: (layer) => `model.layers.${layer}.mlp.gate_proj`,
  up_proj: (layer) => `model.layers.${layer}.mlp.up_proj`,
  down_proj: (layer) => `model.layers.${layer}.mlp.down_proj`,
  qkv_proj: (layer) => `model.layers.${layer}.self_attn.qkv_proj`,
  gate_up_proj: (layer) => `model.layers.${layer}.mlp.gate_up_proj`,
  c_attn: (layer) => `transformer.h.${layer}.attn.c_attn`,
  "attn.c_proj": (layer) => `transformer.h.${layer}.attn.c_proj`,
  c_fc: (layer) => `transformer.h.${layer}.mlp.c_fc`,
  "mlp.c_proj": (layer) => `transformer.h.${layer}.mlp.c_proj`,
};

/** The module path of a linear layer: `model.layers.0.self_attn.q_proj`. */
export function linearPath(layer: number, name: LinearName): string {
  return rooms[name](layer);
}
