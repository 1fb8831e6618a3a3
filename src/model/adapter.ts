/** @file An adapter on the device: the trained numbers of all its methods, and where the decoder finds them. */

import { type Adaptation, adaptationTensors, type MethodKind, methodOf } from "../core/adaptation";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { seedFor } from "../core/random";
import { say } from "../core/say";
import { disposeFlat, newFlat, readFlat } from "../kernels/flat";
import type { Adapter, Parts } from "./adapterParts";
import { bottleneckModule, firstActive } from "./adapters/bottleneck";
import { headModule } from "./adapters/head";
import { ia3Module } from "./adapters/ia3";
import { loarModule } from "./adapters/loar";
import { loraModule } from "./adapters/lora";
import type { MethodModule, NumbersOf, Tensors } from "./adapters/method";
import { biasModule, fullModule, lastModule } from "./adapters/ownWeights";
import { prefixModule, promptModule } from "./adapters/softPrompt";
import type { Llama, TensorData } from "./llama";

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
  head: headModule,
};

const moduleOf = (kind: MethodKind) => modules[kind] as unknown as MethodModule<MethodKind, unknown>;

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
