/** @file Low-rank adaptation (Hu et al. 2021): small trained matrices beside frozen linears, as PEFT names them. */

import { type Lora, linearNames, linearPath, linearShape } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { newRandom, seedFor } from "../core/random";
import { say } from "../core/say";
import { add } from "../kernels/add";
import { dropout } from "../kernels/dropout";
import { linear, loraLinear } from "../kernels/linear";
import { tf } from "../kernels/tf";
import type { TensorData } from "./llama";

/** The trained pair of one linear: a [R, in], b [out, R]. A step replaces both tensors. */
export type LoraPair = { a: tf.Tensor2D; b: tf.Tensor2D };

export type Adapter = {
  config: ModelConfig;
  lora: Lora;
  /** By the linear's path: `model.layers.0.self_attn.q_proj`. */
  pairs: Map<string, LoraPair>;
};

/**
 * A new adapter that changes nothing yet: A as PEFT draws it, kaiming_uniform_(a = √5), that is uniform within
 * ±1/√in; B zero.
 */
export function newLora(config: ModelConfig, lora: Lora, seed: number): Adapter {
  const tensors = new Map<string, TensorData>();
  for (const { path, out, in_ } of adaptedLinears(config, lora)) {
    const random = newRandom(seedFor(seed, path));
    const bound = 1 / Math.sqrt(in_);
    const values = Float32Array.from({ length: lora.rank * in_ }, () => (2 * random.next() - 1) * bound);
    tensors.set(`${path}.lora_A.weight`, { shape: [lora.rank, in_], values });
    tensors.set(`${path}.lora_B.weight`, { shape: [out, lora.rank], values: new Float32Array(out * lora.rank) });
  }
  return loadLora(config, lora, tensors);
}

/** An adapter of saved numbers. Throws `adapter.invalid`, naming the tensor that is missing, extra or misshapen. */
export function loadLora(config: ModelConfig, lora: Lora, tensors: ReadonlyMap<string, TensorData>): Adapter {
  const linears = adaptedLinears(config, lora);
  const known = new Set(linears.flatMap(({ path }) => [`${path}.lora_A.weight`, `${path}.lora_B.weight`]));
  for (const name of tensors.keys()) {
    if (!known.has(name)) throw new StudioError("adapter.invalid", say`${name} is not a tensor of this adapter`);
  }
  const check = (name: string, shape: [number, number]): TensorData => {
    const data = tensors.get(name);
    if (!data) throw new StudioError("adapter.invalid", say`${name} is missing`);
    if (data.shape.join() !== shape.join() || data.values.length !== shape[0] * shape[1]) {
      throw new StudioError(
        "adapter.invalid",
        say`${name} is [${data.shape.join(", ")}], expected [${shape.join(", ")}]`,
      );
    }
    return data;
  };
  const checked = linears.map(({ path, out, in_ }) => ({
    path,
    a: check(`${path}.lora_A.weight`, [lora.rank, in_]),
    b: check(`${path}.lora_B.weight`, [out, lora.rank]),
  }));
  const pairs = new Map<string, LoraPair>();
  for (const { path, a, b } of checked) {
    const tensor = ({ values, shape }: TensorData) => tf.tensor2d(values, shape as [number, number]);
    pairs.set(path, { a: tensor(a), b: tensor(b) });
  }
  return { config, lora, pairs };
}

function adaptedLinears(config: ModelConfig, lora: Lora) {
  return Array.from({ length: config.layers }, (_, layer) =>
    lora.targetModules.map((name) => {
      const [out, in_] = linearShape(config, name);
      return { path: linearPath(layer, name), out, in_ };
    }),
  ).flat();
}

/** Every trained tensor under its name, `PATH.lora_A.weight` and `PATH.lora_B.weight`, in a fixed order. */
export function adapterWeights(adapter: Adapter): Map<string, tf.Tensor2D> {
  const weights = new Map<string, tf.Tensor2D>();
  for (const [path, { a, b }] of adapter.pairs) {
    weights.set(`${path}.lora_A.weight`, a);
    weights.set(`${path}.lora_B.weight`, b);
  }
  return weights;
}

/** The trained tensors of one layer. */
export function layerWeights({ pairs }: Adapter, layer: number): tf.Tensor2D[] {
  return linearNames.flatMap((name) => {
    const pair = pairs.get(linearPath(layer, name));
    return pair ? [pair.a, pair.b] : [];
  });
}

/** Puts a new tensor in the place of a trained one, and disposes of the old. */
export function replaceWeight(adapter: Adapter, name: string, tensor: tf.Tensor): void {
  const path = name.replace(/\.lora_[AB]\.weight$/, "");
  const pair = adapter.pairs.get(path);
  if (!pair) throw new StudioError("adapter.invalid", say`${name} is not a tensor of this adapter`);
  const part = name.endsWith(".lora_A.weight") ? "a" : "b";
  pair[part].dispose();
  pair[part] = tensor as tf.Tensor2D;
}

/** The trained numbers, as loadLora takes them. */
export async function readAdapter(adapter: Adapter): Promise<Map<string, TensorData>> {
  // All reads begin before the first wait, so that a step in between cannot mix two states.
  const reads = [...adapterWeights(adapter)].map(async ([name, tensor]) => {
    const copy = tf.clone(tensor);
    const values = (await copy.data()) as Float32Array;
    copy.dispose();
    return [name, { shape: tensor.shape.slice(), values: Float32Array.from(values) }] as const;
  });
  return new Map(await Promise.all(reads));
}

export function disposeAdapter(adapter: Adapter): void {
  for (const { a, b } of adapter.pairs.values()) {
    a.dispose();
    b.dispose();
  }
  adapter.pairs.clear();
}

/**
 * x · wᵀ, and the low-rank part where the adapter has one for this linear: alpha/rank · drop(x) · Aᵀ · Bᵀ.
 * x [N, in], w [out, in] → [N, out]. Dropout only where a seed is given.
 */
export function adaptedLinear(
  x: tf.Tensor2D,
  w: tf.Tensor2D,
  adapter: Adapter | null,
  path: string,
  dropoutSeed: number | undefined,
): tf.Tensor2D {
  const pair = adapter?.pairs.get(path);
  if (!adapter || !pair) return linear(x, w);
  const { alpha, rank, dropout: p } = adapter.lora;
  const scale = alpha / rank;
  if (p === 0 || dropoutSeed === undefined) return loraLinear(x, w, pair, scale);
  const dropped = dropout(x, p, seedFor(dropoutSeed, path));
  return add(linear(x, w), linear(linear(dropped, pair.a, scale), pair.b));
}
