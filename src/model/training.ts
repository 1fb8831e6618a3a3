/** @file One optimizer step, and the loss without one: pure functions over a model, an adapter and batches. */

import type { Batch } from "../core/batch";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type AdamSettings, adamW, type Moments, sumOfSquares } from "../kernels/adamW";
import { add } from "../kernels/add";
import { linearCrossEntropy } from "../kernels/linearCrossEntropy";
import { tf } from "../kernels/tf";
import { decode, type Llama, type TensorData } from "./llama";
import { type Adapter, adapterWeights, joinStacks, replaceWeight, splitStacks } from "./lora";

export type Optimizer = {
  adapter: Adapter;
  settings: AdamSettings;
  /** Steps taken. */
  step: number;
  moments: Map<string, Moments>;
};

export type StepSettings = {
  learningRate: number;
  /** The gradient is scaled down to this norm; 0 leaves it as it is. */
  maxGradNorm: number;
  dropoutSeed: number;
  /** Less memory for a third more time: each block's activations are made again in the backward pass. */
  recompute?: boolean;
};

/** AdamW at rest: all moments zero. */
export function newOptimizer(adapter: Adapter, settings: AdamSettings): Optimizer {
  const moments = new Map<string, Moments>();
  for (const [name, { shape }] of adapterWeights(adapter)) {
    moments.set(name, { m: tf.zeros(shape), v: tf.zeros(shape) });
  }
  return { adapter, settings, step: 0, moments };
}

/**
 * AdamW as it was saved: `tensors` holds `NAME.m` and `NAME.v` for every trained tensor, `step` the steps taken.
 * Throws `storage.failed` where one is missing or misshapen.
 */
export function loadOptimizer(
  adapter: Adapter,
  settings: AdamSettings,
  tensors: ReadonlyMap<string, TensorData>,
  step: number,
): Optimizer {
  const expected = splitStacks(adapter.config, adapter.lora, () => undefined);
  for (const [name, { shape }] of expected) {
    for (const part of ["m", "v"]) {
      if (tensors.get(`${name}.${part}`)?.shape.join() !== shape.join()) {
        throw new StudioError("storage.failed", say`The optimizer's state has no fitting ${name}.${part}`);
      }
    }
  }
  const stacked = (part: "m" | "v") =>
    joinStacks(adapter.config, adapter.lora, (name) => tensors.get(`${name}.${part}`)?.values);
  const [m, v] = [stacked("m"), stacked("v")];
  const moments = new Map<string, Moments>();
  for (const [name, { shape }] of adapterWeights(adapter)) {
    const take = (numbers: typeof m) => tf.tensor(numbers.get(name)?.values ?? [], shape);
    moments.set(name, { m: take(m), v: take(v) });
  }
  return { adapter, settings, step, moments };
}

/** The moments as loadOptimizer takes them; the step count is `optimizer.step`. */
export async function readOptimizer(optimizer: Optimizer): Promise<Map<string, TensorData>> {
  const { config, lora } = optimizer.adapter;
  const parts = (["m", "v"] as const).map(async (part) => {
    const reads = [...optimizer.moments].map(async ([name, moments]) => {
      const copy = tf.clone(moments[part]);
      const values = Float32Array.from((await copy.data()) as Float32Array);
      copy.dispose();
      return [name, values] as const;
    });
    const numbers = new Map(await Promise.all(reads));
    const named = splitStacks(config, lora, (name) => numbers.get(name));
    return [...named].map(([name, data]) => [`${name}.${part}`, data] as const);
  });
  return new Map((await Promise.all(parts)).flat());
}

export function disposeOptimizer(optimizer: Optimizer): void {
  for (const { m, v } of optimizer.moments.values()) {
    m.dispose();
    v.dispose();
  }
  optimizer.moments.clear();
}

/**
 * One step over an accumulation window: loss and gradient are means over all trained tokens of all its batches, so
 * that many small batches equal one big one. Reads back once. The norm is that before clipping, which follows
 * torch.nn.utils.clip_grad_norm_.
 */
export async function trainStep(
  llama: Llama,
  adapter: Adapter,
  optimizer: Optimizer,
  batches: Batch[],
  { learningRate, maxGradNorm, dropoutSeed, recompute = false }: StepSettings,
): Promise<{ loss: number; gradNorm: number }> {
  const weights = adapterWeights(adapter);
  const { losses, gradients } = lossGradients(llama, adapter, batches, [...weights.values()], {
    dropoutSeed,
    recompute,
  });
  const report = tf.tidy(() => {
    const norms = gradients.map((gradient) => sumOfSquares(gradient));
    return tf.concat([...losses, ...norms]);
  });
  tf.dispose(losses);
  const numbers = await readBack(report);
  report.dispose();
  const places = numbers.length - gradients.length;
  const loss = sum(numbers.subarray(0, places));
  const gradNorm = Math.sqrt(sum(numbers.subarray(places)));
  if (Number.isFinite(gradNorm)) {
    optimizer.step += 1;
    const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (gradNorm + 1e-6)) : 1;
    applyGradients(optimizer, gradients, { learningRate, clip });
  }
  tf.dispose(gradients);
  return { loss, gradNorm };
}

function applyGradients(
  { adapter, moments, settings, step }: Optimizer,
  gradients: tf.Tensor[],
  { learningRate, clip }: { learningRate: number; clip: number },
): void {
  [...adapterWeights(adapter)].forEach(([name, p], i) => {
    const old = moments.get(name);
    const gradient = gradients[i];
    if (!old || !gradient) throw new StudioError("bug", say`${name} has no moments`);
    const { p: next, m, v } = adamW(p, gradient, old, settings, { step, learningRate, clip });
    replaceWeight(adapter, name, next);
    tf.dispose([old.m, old.v]);
    moments.set(name, { m, v });
  });
}

/**
 * The loss of each trained token divided by the window's total weight, and the gradient of their sum with respect to
 * `xs`, which may be the adapter's tensors or any of the model's. The tensors are the caller's to dispose of.
 */
export function lossGradients(
  llama: Llama,
  adapter: Adapter | null,
  batches: Batch[],
  xs: tf.Tensor[],
  { dropoutSeed, recompute }: { dropoutSeed?: number; recompute?: boolean } = {},
): { losses: tf.Tensor1D[]; gradients: tf.Tensor[] } {
  const total = batches.reduce((sum, batch) => sum + batch.trained, 0);
  if (!(total > 0)) throw new StudioError("run.rows", say`No token of these rows is trained`);
  const losses: tf.Tensor1D[] = [];
  let gradients: tf.Tensor[] = [];
  batches.forEach((batch, i) => {
    if (batch.trained === 0) return;
    const seed = dropoutSeed === undefined ? undefined : dropoutSeed + i;
    const { value, grads } = tf
      .engine()
      .gradients(() => tokenLosses(llama, adapter, batch, total, seed, recompute), xs);
    losses.push(value);
    const previous = gradients;
    gradients = previous.length === 0 ? grads : grads.map((gradient, j) => add(previous[j] ?? gradient, gradient));
    if (previous.length > 0) tf.dispose([previous, grads]);
  });
  return { losses, gradients };
}

/** The loss of every trained token of a batch, times its weight over `total`: [M]. */
function tokenLosses(
  llama: Llama,
  adapter: Adapter | null,
  batch: Batch,
  total: number,
  dropoutSeed: number | undefined,
  recompute = false,
): tf.Tensor1D {
  const places: number[] = [];
  batch.weights.forEach((weight, i) => {
    if (weight !== 0) places.push(i);
  });
  const pick = (values: ArrayLike<number>) => places.map((i) => values[i] ?? 0);
  const picked = tf.tensor1d(places, "int32");
  const x = decode(llama, adapter, batchPlaces(batch), {
    picked,
    recompute,
    ...(dropoutSeed === undefined ? {} : { dropoutSeed }),
  });
  const weights = tf.tensor1d(Float32Array.from(pick(batch.weights), (weight) => weight / total));
  return linearCrossEntropy(x, llama.head, tf.tensor1d(pick(batch.targets), "int32"), weights);
}

function batchPlaces({ rows, length, tokens, positions, segments }: Batch) {
  return {
    rows,
    length,
    tokens: tf.tensor1d(tokens, "int32"),
    positions: tf.tensor1d(positions, "int32"),
    segments: tf.tensor1d(segments, "int32"),
  };
}

/** Σ weight · loss over a batch, in nats, and Σ weight, without dropout. */
export async function evaluateLoss(
  llama: Llama,
  adapter: Adapter | null,
  batch: Batch,
): Promise<{ sum: number; trained: number }> {
  if (batch.trained === 0) return { sum: 0, trained: 0 };
  const losses = tf.tidy(() => tokenLosses(llama, adapter, batch, 1, undefined));
  const values = await readBack(losses);
  losses.dispose();
  return { sum: sum(values), trained: batch.trained };
}

async function readBack(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array;
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
