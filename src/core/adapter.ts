/** @file An adaptation: which small weights are trained beside the frozen base, as PEFT names them. */

import type { ModelConfig } from "./model";

/** The linear layers of a decoder block, by Hugging Face's names. */
export const linearNames = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const;
export type LinearName = (typeof linearNames)[number];

/** Layers that read the same input: on the device their weights lie in one matrix, rows of one after rows of the other. */
export const stacks = {
  qkv: ["q_proj", "k_proj", "v_proj"],
  o: ["o_proj"],
  gateUp: ["gate_proj", "up_proj"],
  down: ["down_proj"],
} as const satisfies Record<string, readonly LinearName[]>;
export type StackName = keyof typeof stacks;
export const stackNames = Object.keys(stacks) as StackName[];

/** ΔW = (alpha / rank) · B · A, with A [rank, in] and B [out, rank], B starting at zero. */
export type Lora = { kind: "lora"; rank: number; alpha: number; dropout: number; targetModules: LinearName[] };

export type Adaptation = Lora;

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
  };
  return shapes[name];
}

/** The rows of each layer of a stack. */
export function stackRows(config: ModelConfig, stack: StackName): number[] {
  return stacks[stack].map((name) => linearShape(config, name)[0]);
}

/** The module path of a linear layer: `model.layers.0.self_attn.q_proj`. */
export function linearPath(layer: number, name: LinearName): string {
  const room = name === "gate_proj" || name === "up_proj" || name === "down_proj" ? "mlp" : "self_attn";
  return `model.layers.${layer}.${room}.${name}`;
}

export function countTrained(config: ModelConfig, adaptation: Adaptation): number {
  return adaptation.targetModules.reduce((sum, name) => {
    const [out, in_] = linearShape(config, name);
    return sum + config.layers * adaptation.rank * (out + in_);
  }, 0);
}
