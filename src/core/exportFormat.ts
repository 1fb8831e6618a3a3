/** @file The forms in which what was trained can leave, and the proof that what left is what was trained. */

import type { Said } from "./say";

/** Numbers of a GGUF file, by ggml's names. */
export const ggufWeightTypes = ["F32", "F16", "Q8_0", "Q4_0"] as const;
export type GgufWeightType = (typeof ggufWeightTypes)[number];

export const exportKinds = ["peft", "anneal", "merged", "gguf", "gguf-adapter", "loar"] as const;
export type ExportKind = (typeof exportKinds)[number];

export type ExportFormat =
  | { kind: "peft" | "anneal" | "gguf-adapter" | "loar" }
  | { kind: "merged"; dtype: "float32" | "float16" }
  | { kind: "gguf"; type: GgufWeightType };

/** The forms of each kind, the usual one first. */
export const formatsOf: Record<ExportKind, readonly [ExportFormat, ...ExportFormat[]]> = {
  peft: [{ kind: "peft" }],
  anneal: [{ kind: "anneal" }],
  merged: [
    { kind: "merged", dtype: "float16" },
    { kind: "merged", dtype: "float32" },
  ],
  gguf: [
    { kind: "gguf", type: "Q8_0" },
    { kind: "gguf", type: "F16" },
    { kind: "gguf", type: "F32" },
    { kind: "gguf", type: "Q4_0" },
  ],
  "gguf-adapter": [{ kind: "gguf-adapter" }],
  loar: [{ kind: "loar" }],
};

/** One word for a format: `merged-float16`, `gguf-Q8_0`, `peft`. */
export function formatKey(format: ExportFormat): string {
  if (format.kind === "merged") return `merged-${format.dtype}`;
  return format.kind === "gguf" ? `gguf-${format.type}` : format.kind;
}

export type ExportChoice = {
  kind: ExportKind;
  /** Why it cannot carry what was trained; null where it can. */
  reason: Said | null;
  /** What to take instead, where it cannot. */
  instead: ExportKind | null;
};

/** Every kind, and what each form of those that can carry it would take. */
export type ExportOffer = { choices: ExportChoice[]; sizes: { format: ExportFormat; bytes: number }[] };

/** An export on disk. `notes`: in what other programs will differ. */
export type MadeExport = { name: string; file: string; bytes: number; notes: Said[] };

/**
 * What a format may lose. Measured with LoRA on the embedded model, 667 places: f32 7e-7 and all tokens the same, f16
 * 2.4e-4 and all, Q8_0 0.9 % and 99.7 %, Q4_0 10.7 % and 97.0 %.
 */
export type ProofBound = {
  /** Of ‖a − b‖ / ‖b‖ of a prompt's logits. */
  relative: number;
  /** The least share of places whose likeliest token stays. */
  agreement: number;
};

export type ExportProof = {
  prompts: number;
  /** Places compared. */
  places: number;
  /** The largest |a − b| of any logit. */
  largestDifference: number;
  /** The largest ‖a − b‖ / ‖b‖ of a prompt's logits. */
  relative: number;
  /** The share of places whose likeliest token is the same. */
  agreement: number;
  bound: ProofBound;
  isGood: boolean;
};

/** Whether a format keeps every number as it is: what differs then is the order of sums. */
export const isExact = ({ relative }: ProofBound) => relative <= bounds.F32.relative;

/** The bound of each format. */
export function boundOf(format: ExportFormat): ProofBound {
  if (format.kind === "merged") return format.dtype === "float16" ? bounds.F16 : bounds.F32;
  return format.kind === "gguf" ? bounds[format.type] : bounds.F32;
}

const bounds = {
  F32: { relative: 1e-4, agreement: 0.99 },
  F16: { relative: 2e-3, agreement: 0.98 },
  Q8_0: { relative: 0.03, agreement: 0.97 },
  Q4_0: { relative: 0.25, agreement: 0.85 },
} as const;
