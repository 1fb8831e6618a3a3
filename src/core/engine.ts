/** @file What the engine says of itself and of a recipe before it runs. */

import type { Example } from "./dataset";
import type { Said } from "./say";
import type { Bytes } from "./units";

export type BackendChoice = "auto" | "webgpu" | "wasm" | "cpu";

export type EngineInfo = {
  backend: "webgpu" | "wasm" | "cpu";
  /** The adapter's name on WebGPU, else empty. */
  adapter: string;
  software: boolean;
  threads: number;
  features: string[];
  /** Why this backend runs and no faster one, in a sentence or two. */
  reason: Said;
};

/**
 * A token as the preview shows it. `trained` tokens count in the loss; `marked` ones carry logic, where LoAR asks; `part` is
 * what a token of the answer belongs to.
 */
export type PreviewToken = {
  id: number;
  text: string;
  trained: boolean;
  marked?: boolean;
  part?: "steps" | "final";
};

/** Attention of one head over a prompt's tokens, each row's shares of those up to it: [T, T]. */
export type PromptAttention = {
  tokens: PreviewToken[];
  base: Float32Array<ArrayBuffer>;
  tuned: Float32Array<ArrayBuffer>;
  /** The head's gate at each token; null where the adapter has none. [T] */
  gates: Float32Array<ArrayBuffer> | null;
};

/** A row as it was read and as the model will see it. `tooLong` rows, of more tokens than `context`, are left out of training. */
export type RowPreview = { example?: Example; tokens: PreviewToken[]; tooLong: boolean; context: number };

/** Where a run takes most memory: in a step, in writing answers, in an evaluation, or for the numbers trained alone. */
export type MemoryPart = "step" | "answers" | "evaluation" | "numbers";

/** What will happen if the recipe is started. */
export type Plan = {
  rows: number;
  evaluationRows: number;
  /** The longest row that is used, in tokens. */
  context: number;
  /** Rows longer than that: left out, counted here. */
  tooLong: number;
  longest: number;
  meanTokens: number;
  steps: number;
  epochs: number;
  trainedParameters: number;
  /** What was trained as one safetensors file in f32. */
  fileBytes: Bytes;
  parameters: number;
  /** `recompute`: activations are made again in the backward pass, as keeping them would not fit. */
  memory: {
    needed: Bytes;
    available: Bytes;
    verdict: "fits" | "tight" | "too large";
    recompute: boolean;
    /** What the peak is for. */
    part: MemoryPart;
  };
  /** Estimated seconds, from a measured step where there is one on this machine; null before. */
  seconds: number | null;
  /** Of those one step of the recipe's own objective takes so many. */
  stepSeconds: number | null;
  /** How the held-out rows can be scored. */
  scoring: "gsm8k" | "exact-match" | "none";
};

export type Sampling = {
  /** 0 is greedy. */
  temperature: number;
  /** 0 is off. */
  topK: number;
  /** 1 is off. */
  topP: number;
  /** 0 is off. */
  minP: number;
  seed: number;
};
