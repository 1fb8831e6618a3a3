/** @file Low-rank adaptation (Hu et al. 2021): small trained matrices beside frozen linears, as PEFT names them. */

import {
  type Lora,
  linearNamesOf,
  linearPath,
  type StackName,
  stackNames,
  stackRows,
  stackShape,
  stacksOf,
} from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { newRandom, seedFor } from "../core/random";
import { say } from "../core/say";
import { disposeFlat, type Flat, newFlat, readFlat } from "../kernels/flat";
import { linear } from "../kernels/linear";
import { loraLinear, type Pairs } from "../kernels/lora";
import type { tf } from "../kernels/tf";
import type { Weight } from "../kernels/weight";
import type { TensorData } from "./llama";

export type Adapter = {
  config: ModelConfig;
  lora: Lora;
  /**
   * The trained pairs of each stack that has any, by its path, `model.layers.0.qkv`. Layers of the stack that are not
   * adapted have pairs of zeros, which stay so: each is the other's only way to a gradient.
   */
  pairs: Map<string, Pairs>;
  /** The same numbers end to end, as the optimizer has them: `model.layers.0.qkv.a` and `.b`. */
  flat: Flat;
};

/** A stack's pairs, and what of them belongs to which layer. */
type Place = {
  path: string;
  rank: number;
  in_: number;
  /** Rows of a, and of b, of all the stack's layers, adapted or not. */
  rows: number;
  out: number;
  /** The adapted layers: row m · rank of a and row `from` of b are their first. */
  layers: { path: string; m: number; from: number; out: number }[];
};

const stackPath = (layer: number, stack: StackName) => `model.layers.${layer}.${stack}`;

/** Throws `adapter.invalid` where a layer to be adapted is none of this architecture's. */
function placesOf(config: ModelConfig, { rank, targetModules }: Lora): Place[] {
  const known = linearNamesOf(config);
  for (const name of targetModules) {
    if (!known.includes(name)) {
      throw new StudioError("adapter.invalid", say`${name} is not a layer of this model: it has ${known.join(", ")}`);
    }
  }
  return Array.from({ length: config.layers }, (_, layer) =>
    stackNames.map((stack): Place => {
      const rows = stackRows(config, stack);
      const [out, in_] = stackShape(config, stack);
      const layers = stacksOf(config)[stack].map((name, m) => ({
        name,
        path: linearPath(layer, name),
        m,
        from: rows.slice(0, m).reduce((a, b) => a + b, 0),
        out: rows[m] ?? 0,
      }));
      return {
        path: stackPath(layer, stack),
        rank,
        in_,
        rows: rank * rows.length,
        out,
        layers: layers.filter(({ name }) => targetModules.includes(name)),
      };
    }),
  )
    .flat()
    .filter(({ layers }) => layers.length > 0);
}

/**
 * A new adapter that changes nothing yet: A as PEFT draws it, kaiming_uniform_(a = √5), that is uniform within
 * ±1/√in; B zero.
 */
export function newLora(config: ModelConfig, lora: Lora, seed: number): Adapter {
  const tensors = new Map<string, TensorData>();
  for (const { in_, layers } of placesOf(config, lora)) {
    for (const { path, out } of layers) {
      const random = newRandom(seedFor(seed, path));
      const bound = 1 / Math.sqrt(in_);
      const values = Float32Array.from({ length: lora.rank * in_ }, () => (2 * random.next() - 1) * bound);
      tensors.set(`${path}.lora_A.weight`, { shape: [lora.rank, in_], values });
      tensors.set(`${path}.lora_B.weight`, { shape: [out, lora.rank], values: new Float32Array(out * lora.rank) });
    }
  }
  return loadLora(config, lora, tensors);
}

/** An adapter of saved numbers. Throws `adapter.invalid`, naming the tensor that is missing, extra or misshapen. */
export function loadLora(config: ModelConfig, lora: Lora, tensors: ReadonlyMap<string, TensorData>): Adapter {
  const places = placesOf(config, lora);
  const expected = new Map<string, [number, number]>(
    places.flatMap(({ layers, in_ }) =>
      layers.flatMap(({ path, out }) => [
        [`${path}.lora_A.weight`, [lora.rank, in_]] as const,
        [`${path}.lora_B.weight`, [out, lora.rank]] as const,
      ]),
    ),
  );
  for (const name of tensors.keys()) {
    if (!expected.has(name)) throw new StudioError("adapter.invalid", say`${name} is not a tensor of this adapter`);
  }
  for (const [name, shape] of expected) {
    const data = tensors.get(name);
    if (!data) throw new StudioError("adapter.invalid", say`${name} is missing`);
    if (data.shape.join() !== shape.join() || data.values.length !== shape[0] * shape[1]) {
      throw new StudioError(
        "adapter.invalid",
        say`${name} is [${data.shape.join(", ")}], expected [${shape.join(", ")}]`,
      );
    }
  }
  const flat = newFlat(joinStacks(config, lora, (name) => tensors.get(name)?.values));
  const part = (name: string) => {
    const tensor = flat.parts.get(name);
    if (!tensor) throw new StudioError("bug", say`${name} is not a tensor of this adapter`);
    return tensor as tf.Tensor2D;
  };
  const pairs = new Map(places.map(({ path }) => [path, { a: part(`${path}.a`), b: part(`${path}.b`) }]));
  return { config, lora, pairs, flat };
}

/** Numbers by PEFT's names, `PATH.lora_A.weight`, laid out as the stacks' tensors, `model.layers.0.qkv.a` and `.b`. */
export function joinStacks(
  config: ModelConfig,
  lora: Lora,
  numbersOf: (name: string) => Float32Array | undefined,
): Map<string, TensorData> {
  const stacked = new Map<string, TensorData>();
  for (const { path, rank, in_, rows, out, layers } of placesOf(config, lora)) {
    const a = new Float32Array(rows * in_);
    const b = new Float32Array(out * rank);
    for (const layer of layers) {
      a.set(numbersOf(`${layer.path}.lora_A.weight`) ?? [], layer.m * rank * in_);
      b.set(numbersOf(`${layer.path}.lora_B.weight`) ?? [], layer.from * rank);
    }
    stacked.set(`${path}.a`, { shape: [rows, in_], values: a });
    stacked.set(`${path}.b`, { shape: [out, rank], values: b });
  }
  return stacked;
}

/** The way back: numbers of the stacks' tensors by PEFT's names, in a fixed order. */
export function splitStacks(
  config: ModelConfig,
  lora: Lora,
  numbersOf: (name: string) => Float32Array | undefined,
): Map<string, TensorData> {
  const named = new Map<string, TensorData>();
  for (const { path, rank, in_, layers } of placesOf(config, lora)) {
    const a = numbersOf(`${path}.a`) ?? new Float32Array(0);
    const b = numbersOf(`${path}.b`) ?? new Float32Array(0);
    for (const layer of layers) {
      const fromA = layer.m * rank * in_;
      const fromB = layer.from * rank;
      named.set(`${layer.path}.lora_A.weight`, { shape: [rank, in_], values: a.slice(fromA, fromA + rank * in_) });
      named.set(`${layer.path}.lora_B.weight`, {
        shape: [layer.out, rank],
        values: b.slice(fromB, fromB + layer.out * rank),
      });
    }
  }
  return named;
}

/** The trained tensors of one layer. */
export function layerWeights({ pairs }: Adapter, layer: number): tf.Tensor2D[] {
  return stackNames.flatMap((stack) => {
    const pair = pairs.get(stackPath(layer, stack));
    return pair ? [pair.a, pair.b] : [];
  });
}

/** The trained numbers, as loadLora takes them, all of one moment. */
export async function readAdapter({ config, lora, flat }: Adapter): Promise<Map<string, TensorData>> {
  const numbers = await readFlat(flat);
  return splitStacks(config, lora, (name) => numbers.get(name));
}

export function disposeAdapter({ pairs, flat }: Adapter): void {
  disposeFlat(flat);
  pairs.clear();
}

/**
 * x · wᵀ of a stack, and the low-rank part where the adapter has one for it: alpha/rank · drop(x) · Aᵀ · Bᵀ.
 * x [N, in], w [out, in] → [N, out]. Dropout only where a seed is given; one draw serves all layers of the stack.
 */
export function adaptedLinear(
  x: tf.Tensor2D,
  w: Weight,
  adapter: Adapter | null,
  layer: number,
  stack: StackName,
  dropoutSeed: number | undefined,
): tf.Tensor2D {
  const path = stackPath(layer, stack);
  const pair = adapter?.pairs.get(path);
  if (!adapter || !pair) return linear(x, w);
  const { alpha, rank, dropout: p } = adapter.lora;
  const isDropped = p > 0 && dropoutSeed !== undefined;
  return loraLinear(x, w, pair, {
    scale: alpha / rank,
    rows: stackRows(adapter.config, stack),
    ...(isDropped ? { dropout: { p, seed: seedFor(dropoutSeed, path) } } : {}),
  });
}
