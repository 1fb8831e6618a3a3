/** @file An adapter's parts, as the decoder and the optimizer ask for them. */

import { type Adaptation, methodOf } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import type { Faster } from "../kernels/adamW";
import type { Flat } from "../kernels/flat";
import type { tf } from "../kernels/tf";
import type { BottleneckPart } from "./adapters/bottleneck";
import type { HeadPart } from "./adapters/head";
import type { Ia3Part } from "./adapters/ia3";
import type { LoarPart } from "./adapters/loar";
import type { LoraPart } from "./adapters/lora";
import type { Llama } from "./llama";

/** What each method has for the decoder. */
export type Parts = {
  lora: LoraPart;
  loar: LoarPart;
  full: Llama;
  last: Llama;
  bias: Llama;
  prefix: tf.Tensor4D[];
  prompt: tf.Tensor2D;
  bottleneck: BottleneckPart;
  ia3: Ia3Part;
  head: HeadPart;
};

export type Adapter = {
  config: ModelConfig;
  adaptation: Adaptation;
  parts: Partial<Parts>;
  /** All trained numbers end to end, as the optimizer has them. Those of layer N are named `layers.N.…`. */
  flat: Flat;
};

/** The model as the adapter leaves it: its own trained weights in the base's place. */
export function adaptedModel(llama: Llama, adapter: Adapter | null): Llama {
  const { full, last, bias } = adapter?.parts ?? {};
  return full ?? last ?? bias ?? llama;
}

/** The trained tensors of one layer. */
export function layerWeights({ flat }: Adapter, layer: number): tf.Tensor[] {
  return [...flat.parts].filter(([name]) => name.startsWith(`layers.${layer}.`)).map(([, tensor]) => tensor);
}

/** LoRA+: every B lies behind all else of the adapter, and learns faster. */
export function fasterNumbers({ adaptation, flat }: Adapter): Faster | null {
  const ratio = methodOf(adaptation, "lora")?.plusRatio ?? 1;
  if (ratio === 1) return null;
  const first = [...flat.layout.places].find(([name]) => /^layers\.\d+\.\w+\.b$/.test(name));
  return { from: first?.[1].offset ?? flat.layout.size, ratio };
}

/** Trained tensors that the loss does not depend on yet. */
export function waitingTensors({ parts, flat }: Adapter): Set<string> {
  const from = parts.bottleneck?.from ?? 0;
  const waits = Array.from({ length: from }, (_, layer) => `layers.${layer}.bottleneck.`);
  return new Set([...flat.parts.keys()].filter((name) => waits.some((path) => name.startsWith(path))));
}

/** Places before every text that the adapter takes. */
export function virtualTokens({ parts }: Adapter): number {
  return parts.prompt?.shape[0] ?? parts.prefix?.[0]?.shape[2] ?? 0;
}
