/** @file An adapter on the device: the trained numbers of all its methods, and where the decoder finds them. */

import { type Adaptation, adaptationTensors, type MethodKind, methodOf } from "../core/adaptation";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { seedFor } from "../core/random";
import { say } from "../core/say";
import type { Faster } from "../kernels/adamW";
import { disposeFlat, type Flat, newFlat, readFlat } from "../kernels/flat";
import { tf } from "../kernels/tf";
import { type BottleneckPart, bottleneckModule, firstActive } from "./adapters/bottleneck";
import { type Ia3Part, ia3Module } from "./adapters/ia3";
import { type LoarPart, loarModule } from "./adapters/loar";
import { type LoraPart, loraModule } from "./adapters/lora";
import type { MethodModule, NumbersOf, Tensors } from "./adapters/method";
import { biasModule, fullModule, lastModule } from "./adapters/ownWeights";
import { prefixModule, promptModule } from "./adapters/softPrompt";
import type { Llama, TensorData } from "./llama";

type Parts = {
  lora: LoraPart;
  loar: LoarPart;
  full: Llama;
  last: Llama;
  bias: Llama;
  prefix: tf.Tensor4D[];
  prompt: tf.Tensor2D;
  bottleneck: BottleneckPart;
  ia3: Ia3Part;
};

const modules: { [K in MethodKind]: MethodModule<K, Parts[K]> } = {
  lora: loraModule,
  loar: loarModule,
  full: fullModule,
  last: lastModule,
  bias: biasModule,
  prefix: prefixModule,
  prompt: promptModule,
  bottleneck: bottleneckModule,
  ia3: ia3Module,
};

const moduleOf = (kind: MethodKind) => modules[kind] as unknown as MethodModule<MethodKind, unknown>;

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

/** A new adapter, drawn by the seed. Throws `adapter.invalid` where a method does not fit the model. */
export async function newAdapter(llama: Llama, adaptation: Adaptation, seed: number): Promise<Adapter> {
  const tensors: Tensors = new Map();
  for (const method of adaptation) {
    const drawn = await moduleOf(method.kind).draw(
      llama,
      method,
      adaptation.length > 1 ? seedFor(seed, method.kind) : seed,
    );
    for (const [name, data] of drawn) tensors.set(name, data);
  }
  return loadAdapter(llama, adaptation, tensors);
}

/** An adapter of saved numbers. Throws `adapter.invalid`, naming the tensor that is missing, extra or misshapen. */
export function loadAdapter(llama: Llama, adaptation: Adaptation, tensors: ReadonlyMap<string, TensorData>): Adapter {
  const { config } = llama;
  const expected = adaptationTensors(config, adaptation);
  for (const name of tensors.keys()) {
    if (!expected.has(name)) throw new StudioError("adapter.invalid", say`${name} is not a tensor of this adapter`);
  }
  for (const [name, shape] of expected) {
    const data = tensors.get(name);
    if (!data) throw new StudioError("adapter.invalid", say`${name} is missing`);
    if (data.shape.join() !== shape.join() || data.values.length !== shape.reduce((a, b) => a * b, 1)) {
      throw new StudioError(
        "adapter.invalid",
        say`${name} is [${data.shape.join(", ")}], expected [${shape.join(", ")}]`,
      );
    }
  }
  const flat = newFlat(joinNumbers(config, adaptation, (name) => tensors.get(name)?.values));
  const part = (name: string) => {
    const tensor = flat.parts.get(name);
    if (!tensor) throw new StudioError("bug", say`${name} is not a tensor of this adapter`);
    return tensor;
  };
  const parts = Object.fromEntries(
    adaptation.map((method) => [method.kind, moduleOf(method.kind).attach(llama, method, part)]),
  ) as Partial<Parts>;
  return { config, adaptation, parts, flat };
}

/** Numbers by files' names laid out as the device's tensors. */
export function joinNumbers(config: ModelConfig, adaptation: Adaptation, numbersOf: NumbersOf): Tensors {
  // LoRA last: all its B lie at the end then, where the optimizer can tell them from the rest.
  const ordered = adaptation.toSorted((a, b) => Number(a.kind === "lora") - Number(b.kind === "lora"));
  return new Map(ordered.flatMap((method) => [...moduleOf(method.kind).join(config, method, numbersOf)]));
}

/** The way back, in a fixed order. */
export function splitNumbers(config: ModelConfig, adaptation: Adaptation, numbersOf: NumbersOf): Tensors {
  const all = adaptation.flatMap((method) => [...moduleOf(method.kind).split(config, method, numbersOf)]);
  return new Map(all);
}

/** The trained tensors of one layer. */
export function layerWeights({ flat }: Adapter, layer: number): tf.Tensor[] {
  return [...flat.parts].filter(([name]) => name.startsWith(`layers.${layer}.`)).map(([, tensor]) => tensor);
}

/** The trained numbers, as loadAdapter takes them, all of one moment. */
export async function readAdapter({ config, adaptation, flat }: Adapter): Promise<Tensors> {
  const numbers = await readFlat(flat);
  return splitNumbers(config, adaptation, (name) => numbers.get(name));
}

export function disposeAdapter({ parts, adaptation, flat }: Adapter): void {
  for (const { kind } of adaptation) moduleOf(kind).dispose?.(parts[kind]);
  disposeFlat(flat);
}

/** Tells the adapter how much of its run is behind it, from 0 to 1: bottlenecks join in by stages. */
export function setProgress({ config, adaptation, parts }: Adapter, share: number): void {
  const method = methodOf(adaptation, "bottleneck");
  if (method && parts.bottleneck) parts.bottleneck.from = firstActive(config.layers, method, share);
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
