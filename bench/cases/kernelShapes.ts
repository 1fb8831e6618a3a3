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
  packed?: Record<string, number>;
  /** Operations, where arithmetic is what takes the time. */
  operations?: number;
  /** Bytes that must move, where it is not all of the inputs and the output. */
  bytes?: number;
  /** The only backend whose training or generation calls the kernel. */
  only?: "wasm" | "webgpu";
};

type Size = ReturnType<typeof sizeOfModel>;

/** Letters as in core/model.ts; L layers, N tokens of B rows by T, M of them trained, rank R, S cache slots for G rows. */
function sizeOfModel(label: string, name: string, trained: number) {
  const { config, rows: B, length: T } = shapeOf(name);
  return {
    label,
    ...{ B, T, N: B * T, M: B * T * trained, V: config.vocabSize, C: config.hiddenSize, F: config.intermediateSize },
    L: config.layers,
    ...{ H: config.heads, K: config.keyValueHeads, D: config.headDim, P: config.maxPositions, R: 16, S: 128, G: 64 },
  };
}

/** 512 tokens of the tiny decoder, and 256 of the 135 M shape, half of them trained. */
export const sizes = [sizeOfModel("tiny", "decoder-step/tiny", 1), sizeOfModel("135m", "lora-step/135m", 0.5)];

/** Linear layers that differ in shape: rows, inputs, outputs of each of its parts. */
const linears = ({ N, M, C, F, V, H, K, D }: Size) => [
  { label: "qkv", n: N, i: C, parts: [H * D, K * D, K * D] },
  { label: "gateUp", n: N, i: C, parts: [F, F] },
  { label: "down", n: N, i: F, parts: [C] },
  { label: "head", n: M, i: C, parts: [V] },
];
type Linear = { label: string; n: number; i: number; o: number; parts: number; cut1: number; cut2: number };
const scale = { scale: 1 };
const lineup = (size: Size, make: (of: Linear) => Omit<KernelShape, "label">) =>
  linears(size).map(({ label, n, i, parts }) => {
    const o = parts.reduce((a, b) => a + b, 0);
    const [first = 0, second = 0] = parts;
    const of = { label, n, i, o, parts: parts.length, cut1: first, cut2: first + second };
    return { label, operations: 2 * n * i * o, ...make(of) };
  });
/** Each shape with its weight plain, and in 4 bits where models have it so. */
const inFormats = (size: Size, make: (of: Linear, format: number) => Omit<KernelShape, "label">): KernelShape[] =>
  [0, 3]
    .filter((format) => format === 0 || size.label !== "tiny")
    .flatMap((format) =>
      lineup(size, (of) => make(of, format)).map((shape) => ({
        ...shape,
        label: format ? `${shape.label}-q4` : shape.label,
        packed: { w: format },
      })),
    );
const adapted = ({ label }: KernelShape) => !label.startsWith("head");

const one = (shape: Omit<KernelShape, "label">): KernelShape[] => [{ label: "", ...shape }];
const alike = (names: string[], shape: number[], attrs?: Attrs) =>
  one({ shapes: Object.fromEntries(names.map((name) => [name, shape])), ...(attrs && { attrs }) });

/** Numbers that are trained: all of the tiny decoder, else adapters of every linear layer of a block. */
function trainedNumbers(size: Size): number {
  const { label, L, V, C, F, H, K, D, R } = size;
  if (label === "tiny") return V * C + L * (C * (2 * H + 2 * K) * D + 3 * F * C + 2 * C) + C;
  const widths = [H * D, K * D, K * D, F, F].map((out) => C + out); // q, k, v, gate, up
  return L * R * [...widths, H * D + C, F + C].reduce((sum, each) => sum + each, 0);
}

const attends = ({ B, T, N, H, K, D }: Size, names: string[], products: number, only: "wasm" | "webgpu") => {
  const merged = [N, H * D];
  const every: Record<string, number[]> = {
    ...{ qkv: [B, H + 2 * K, T, D], segments: [N], y: merged, dy: merged },
    ...{ lse: [B, H, T], delta: [N, H] },
  };
  return one({
    shapes: Object.fromEntries(names.map((name) => [name, every[name]!])),
    attrs: { heads: H, keyValueHeads: K },
    ...(names.includes("segments") && { whole: { segments: [1] } }),
    ...(products > 0 && {
      operations: attentionOperations({ rows: B, length: T }, { heads: H, headDim: D }, products),
    }),
    only,
  });
};

/** Rows of a block whose part of a norm's weight gradient is summed first (rmsNorm.ts), for up to 2,048 rows. */
const rowsABlock = 8;

export const kernelShapes: Record<string, (size: Size) => KernelShape[]> = {
  Linear: (size) =>
    inFormats(size, ({ n, i, o }, format) => ({
      shapes: { x: [n, i], w: [o, i] },
      attrs: { ...scale, format, width: i },
    })),
  LinearBack: (size) =>
    inFormats(size, ({ n, i, o }, format) => ({
      shapes: { dy: [n, o], w: [o, i] },
      attrs: { ...scale, format, width: i },
    })),
  LinearWeight: (size) =>
    lineup(size, ({ n, i, o }) => ({ shapes: { dy: [n, o], x: [n, i] }, attrs: scale })).filter(
      ({ label }) => size.label === "tiny" || label !== "head", // frozen where the vocabulary is large
    ),
  LoraLinear: (size) =>
    inFormats(size, ({ n, i, o, parts, cut1, cut2 }, format) => ({
      shapes: { x: [n, i], w: [o, i], u: [n, parts * size.R], b: [o, size.R], a: [parts * size.R, i] },
      attrs: { ...scale, format, width: i, cut1, cut2, p: 0, seed: 0 },
      operations: 2 * n * (i + size.R) * o, // u is given
    })).filter(adapted),
  LoraBack: (size) =>
    inFormats(size, ({ n, i, o, parts }, format) => ({
      shapes: { dy: [n, o], w: [o, i], du: [n, parts * size.R], a: [parts * size.R, i] },
      attrs: { format, width: i },
      operations: 2 * n * (o + parts * size.R) * i,
    })).filter(adapted),
  LoraDown: (size) =>
    lineup(size, ({ n, o, parts, cut1, cut2 }) => ({
      shapes: { dy: [n, o], b: [o, size.R] },
      attrs: { ...scale, parts, cut1, cut2 },
      operations: 2 * n * o * size.R,
    })).filter(adapted),
  LoraUp: (size) =>
    lineup(size, ({ n, o, parts, cut1, cut2 }) => ({
      shapes: { dy: [n, o], u: [n, parts * size.R] },
      attrs: { parts, cut1, cut2 },
      operations: 2 * n * o * size.R,
    })).filter(adapted),
  WeightRows: ({ N, V, C }) =>
    one({
      shapes: { w: [V, C], index: [N] },
      attrs: { format: 3, width: C },
      whole: { index: [V] },
      packed: { w: 3 },
      bytes: 4.625 * N * C,
    }),
  DropoutSeeded: ({ N, C }) => alike(["x"], [N, C], { p: 0.1, seed: 7 }),
  RmsNorm: ({ N, C }) => one({ shapes: { x: [N, C], g: [C] }, attrs: { eps: 1e-5 } }),
  RmsNormBack: ({ N, C }) => one({ shapes: { x: [N, C], g: [C], dy: [N, C] }, attrs: { eps: 1e-5 } }),
  AddRmsNorm: ({ N, C }) => one({ shapes: { x: [N, C], r: [N, C], g: [C] }, attrs: { eps: 1e-5 }, bytes: 16 * N * C }),
  AddRmsNormBack: ({ N, C }) =>
    one({ shapes: { total: [N, C], g: [C], dy: [N, C], dsum: [N, C] }, attrs: { eps: 1e-5 } }),
  RmsNormWeight: ({ N, C }) => alike(["x", "dy"], [N, C], { eps: 1e-5 }),
  RmsNormWeightPartial: ({ N, C }) => alike(["x", "dy"], [N, C], { eps: 1e-5, block: rowsABlock }),
  SumRows: ({ N, C }) => alike(["x"], [Math.ceil(N / rowsABlock), C]),
  SplitHeads: ({ B, T, N, H, K, D, P }) =>
    one({
      shapes: { x: [N, (H + 2 * K) * D], positions: [N], table: [P, D] },
      attrs: { rows: B, length: T, heads: H, keyValueHeads: K },
      whole: { positions: [P] },
      bytes: 8 * N * (H + 2 * K) * D,
    }),
  MergeHeads: ({ B, T, N, H, K, D, P }) =>
    one({
      shapes: { dy: [B, H + 2 * K, T, D], positions: [N], table: [P, D] },
      attrs: { heads: H, keyValueHeads: K },
      whole: { positions: [P] },
      bytes: 8 * N * (H + 2 * K) * D,
    }),
  Attention: (size) => attends(size, ["qkv", "segments"], 2, "wasm"),
  AttentionBackWhole: (size) => attends(size, ["qkv", "segments", "dy"], 5, "wasm"),
  FlashAttention: (size) => attends(size, ["qkv", "segments"], 2, "webgpu"),
  FlashAttentionDelta: (size) => attends(size, ["y", "dy"], 0, "webgpu"),
  FlashAttentionBack: (size) => attends(size, ["qkv", "segments", "dy", "lse", "delta"], 5, "webgpu"),
  Swiglu: ({ N, F }) => alike(["x"], [N, 2 * F]),
  SwigluBack: ({ N, F }) => one({ shapes: { x: [N, 2 * F], dy: [N, F] } }),
  Rows: ({ N, V, C }) => one({ shapes: { x: [V, C], index: [N] }, whole: { index: [V] }, bytes: 8 * N * C }),
  // Where the vocabulary is large, the embedding is frozen.
  RowsBack: ({ label, N, V, C }) =>
    label === "tiny" ? one({ shapes: { dy: [N, C], index: [N] }, attrs: { rows: V }, whole: { index: [V] } }) : [],
  CrossEntropy: ({ M, V }) => one({ shapes: { logits: [M, V], targets: [M], weights: [M] }, whole: { targets: [V] } }),
  LinearCrossEntropy: ({ M, V, C }) =>
    one({
      shapes: { x: [M, C], head: [V, C], targets: [M], weights: [M] },
      attrs: { rows: Math.min(M, Math.floor(chunkLogits / V)), format: 0, width: C },
      whole: { targets: [V] },
      operations: 2 * M * C * V,
    }),
  Entropy: ({ M, V }) => alike(["logits"], [M, V]),
  EntropyBack: ({ M, V }) => one({ shapes: { logits: [M, V], dy: [M] } }),
  CrossEntropyBack: ({ M, V }) =>
    one({ shapes: { logits: [M, V], targets: [M], weights: [M], dy: [M] }, whole: { targets: [V] } }),
  AddSame: ({ N, C }) => alike(["a", "b"], [N, C]),
  SquaresPartial: (size) => alike(["x"], [trainedNumbers(size)]),
  AdamWFlat: (size) => {
    const n = trainedNumbers(size);
    return one({
      shapes: { p: [n], m: [n], v: [n], g: [n], squares: [256] },
      attrs: { limit: 1, beta1: 0.9, beta2: 0.999, rate: 1e-3, shrink: 1 - 1e-5, correction: 1, epsilon: 1e-8 },
      bytes: 28 * n, // p, m, v read and written, g read
    });
  },
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
  SampleTokens: ({ G, V }) =>
    one({
      shapes: { logits: [G, V], draws: [G] },
      attrs: { temperature: 0.8, topK: 40, topP: 0.95, minP: 0 },
    }),
};
