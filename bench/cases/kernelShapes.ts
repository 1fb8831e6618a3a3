/** @file The shapes in which models of two sizes use each kernel, and how much work that is. */

import type { Attrs } from "../../src/kernels/kernel";
import { chunkLogits } from "../../src/kernels/linearCrossEntropy";
import { shapeOf } from "../shapes";
import { attentionOperations } from "../work";

export type KernelShape = {
  label: string;
  shapes: Record<string, number[]>;
  attrs?: Attrs;
  whole?: Record<string, number[]>;
  /** Operations, where arithmetic is what takes the time. */
  operations?: number;
  /** Bytes that must move, where it is not all of the inputs and the output. */
  bytes?: number;
  /** The only backend whose training or generation calls the kernel. */
  only?: "wasm" | "webgpu";
};

type Size = ReturnType<typeof sizeOfModel>;

/** Letters as in core/model.ts; N tokens of B rows by T, M of them trained, rank R, S cache slots for G rows. */
function sizeOfModel(label: string, name: string, trained: number) {
  const { config, rows: B, length: T } = shapeOf(name);
  return {
    label,
    ...{ B, T, N: B * T, M: B * T * trained, V: config.vocabSize, C: config.hiddenSize, F: config.intermediateSize },
    ...{ H: config.heads, K: config.keyValueHeads, D: config.headDim, P: config.maxPositions, R: 16, S: 128, G: 64 },
  };
}

/** 512 tokens of the tiny decoder, and 256 of the 135 M shape, half of them trained. */
export const sizes = [sizeOfModel("tiny", "decoder-step/tiny", 1), sizeOfModel("135m", "lora-step/135m", 0.5)];

/** [label, rows, inputs, outputs] of the linear layers that differ in shape. */
const linears = ({ N, M, C, F, V }: Size): [string, number, number, number][] => [
  ["q", N, C, C],
  ["gate", N, C, F],
  ["down", N, F, C],
  ["head", M, C, V],
];
const scale = { scale: 1 };
const lineup = (size: Size, make: (n: number, i: number, o: number) => Omit<KernelShape, "label">) =>
  linears(size).map(([label, n, i, o]) => ({ label, operations: 2 * n * i * o, ...make(n, i, o) }));

const one = (shape: Omit<KernelShape, "label">): KernelShape[] => [{ label: "", ...shape }];
const alike = (names: string[], shape: number[], attrs?: Attrs) =>
  one({ shapes: Object.fromEntries(names.map((name) => [name, shape])), ...(attrs && { attrs }) });

const attention = ({ B, T, N, H, K, D }: Size) => ({
  qkv: [B, H + 2 * K, T, D],
  segments: [N],
  y: [N, H * D],
  stats: [B, H, T, 2],
});
const attends = (size: Size, names: string[], products: number, only?: "wasm" | "webgpu") => {
  const { y, ...all } = attention(size);
  const every: Record<string, number[]> = { ...all, y, dy: y };
  return one({
    shapes: Object.fromEntries(names.map((name) => [name, every[name]!])),
    attrs: { heads: size.H, keyValueHeads: size.K },
    whole: { segments: [1] },
    operations: attentionOperations({ rows: size.B, length: size.T }, { heads: size.H, headDim: size.D }, products),
    ...(only && { only }),
  });
};

export const kernelShapes: Record<string, (size: Size) => KernelShape[]> = {
  Linear: (size) => lineup(size, (n, i, o) => ({ shapes: { x: [n, i], w: [o, i] }, attrs: scale })),
  LinearBack: (size) => lineup(size, (n, i, o) => ({ shapes: { dy: [n, o], w: [o, i] }, attrs: scale })),
  LinearWeight: (size) =>
    lineup(size, (n, i, o) => ({ shapes: { dy: [n, o], x: [n, i] }, attrs: scale })).filter(
      ({ label }) => size.label === "tiny" || label !== "head", // frozen where the vocabulary is large
    ),
  LoraLinear: (size) =>
    lineup(size, (n, i, o) => ({
      shapes: { x: [n, i], w: [o, i], u: [n, size.R], b: [o, size.R], a: [size.R, i] },
      attrs: scale,
      operations: 2 * n * (i + size.R) * o, // u is given
    })).filter(({ label }) => label !== "head"),
  LoraBack: (size) =>
    lineup(size, (n, i, o) => ({
      shapes: { dy: [n, o], w: [o, i], du: [n, size.R], a: [size.R, i] },
      operations: 2 * n * (o + size.R) * i,
    })).filter(({ label }) => label !== "head"),
  DropoutSeeded: ({ N, C }) => alike(["x"], [N, C], { p: 0.1, seed: 7 }),
  RmsNorm: ({ N, C }) => one({ shapes: { x: [N, C], g: [C] }, attrs: { eps: 1e-5 } }),
  RmsNormBack: ({ N, C }) => one({ shapes: { x: [N, C], g: [C], dy: [N, C] }, attrs: { eps: 1e-5 } }),
  RmsNormWeight: ({ N, C }) => alike(["x", "dy"], [N, C], { eps: 1e-5 }),
  SplitHeads: ({ B, T, N, H, K, D, P }) =>
    one({
      shapes: { q: [N, H * D], k: [N, K * D], v: [N, K * D], positions: [N], table: [P, D] },
      attrs: { rows: B, length: T, heads: H, keyValueHeads: K },
      whole: { positions: [P] },
    }),
  MergeHeads: ({ B, T, N, H, K, D, P }) =>
    one({
      shapes: { dy: [B, H + 2 * K, T, D], positions: [N], table: [P, D] },
      attrs: { first: 0, count: H, rotated: 1 },
      whole: { positions: [P] },
      bytes: 8 * N * H * D,
    }),
  Attention: (size) => attends(size, ["qkv", "segments"], 2),
  AttentionStatistics: (size) => attends(size, ["qkv", "segments", "y", "dy"], 1, "webgpu"),
  AttentionBack: (size) => attends(size, ["qkv", "segments", "dy", "stats"], 5, "webgpu"),
  AttentionBackWhole: (size) => attends(size, ["qkv", "segments", "dy"], 5, "wasm"),
  Swiglu: ({ N, F }) => alike(["a", "b"], [N, F]),
  SwigluGate: ({ N, F }) => alike(["a", "b", "dy"], [N, F]),
  SwigluUp: ({ N, F }) => alike(["a", "dy"], [N, F]),
  Rows: ({ N, V, C }) => one({ shapes: { x: [V, C], index: [N] }, whole: { index: [V] }, bytes: 8 * N * C }),
  // Where the vocabulary is large, the embedding is frozen.
  RowsBack: ({ label, N, V, C }) =>
    label === "tiny" ? one({ shapes: { dy: [N, C], index: [N] }, attrs: { rows: V }, whole: { index: [V] } }) : [],
  CrossEntropy: ({ M, V }) => one({ shapes: { logits: [M, V], targets: [M], weights: [M] }, whole: { targets: [V] } }),
  LinearCrossEntropy: ({ M, V, C }) =>
    one({
      shapes: { x: [M, C], head: [V, C], targets: [M], weights: [M] },
      attrs: { rows: Math.min(M, Math.floor(chunkLogits / V)) },
      whole: { targets: [V] },
      operations: 2 * M * C * V,
    }),
  CrossEntropyBack: ({ M, V }) =>
    one({ shapes: { logits: [M, V], targets: [M], weights: [M], dy: [M] }, whole: { targets: [V] } }),
  AddSame: ({ N, C }) => alike(["a", "b"], [N, C]),
  AdamMoment: ({ F, C }) => alike(["m", "g"], [F, C], { beta: 0.9, clip: 1 }),
  AdamVariance: ({ F, C }) => alike(["v", "g"], [F, C], { beta: 0.999, clip: 1 }),
  AdamStep: ({ F, C }) =>
    alike(["p", "m", "v"], [F, C], { rate: 1e-3, shrink: 1 - 1e-5, correction: 1, epsilon: 1e-8 }),
  SumOfSquares: ({ F, C }) => alike(["x"], [F, C]),
  CacheFill: ({ G, S, H, K, D }) =>
    one({
      shapes: { cache: [G, 2 * K, S, D], packed: [G, H + 2 * K, 1, D], starts: [G] },
      attrs: { heads: H, keyValueHeads: K },
      whole: { starts: [S] },
      bytes: 16 * G * K * D,
    }),
  CacheAttention: ({ G, S, H, K, D }) =>
    one({
      shapes: { packed: [G, H + 2 * K, 1, D], cache: [G, 2 * K, S, D], lengths: [G] },
      attrs: { heads: H, keyValueHeads: K },
      whole: { lengths: [S] },
      bytes: 4 * G * K * S * D, // half of the slots are seen, on average
    }),
};
