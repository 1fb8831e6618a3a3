/** @file One optimizer step, and the loss without one: pure functions over a model, an adapter and batches. */

import { headTensor } from "../core/adaptation";
import { type Batch, bucketed, padded } from "../core/batch";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type AdamSettings, adamWStep } from "../kernels/adamW";
import { add } from "../kernels/add";
import { gather, newFlatTensor, readFlat } from "../kernels/flat";
import { gradients } from "../kernels/gradients";
import { linearCrossEntropy } from "../kernels/linearCrossEntropy";
import { tf } from "../kernels/tf";
import { joinNumbers, splitNumbers } from "./adapter";
import { type Adapter, adaptedModel, fasterNumbers, waitingTensors } from "./adapterParts";
import { decode } from "./decoder";
import type { Llama, TensorData } from "./llama";
import { batchPlaces } from "./places";
import { type TokenGradients, type TokenNumbers, throughTokens, type Wanted } from "./tokenNumbers";

export type Optimizer = {
  adapter: Adapter;
  settings: AdamSettings;
  /** Steps taken. */
  step: number;
  /** The moments of every trained number, laid out as the adapter's own. */
  m: tf.Tensor1D;
  v: tf.Tensor1D;
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
  const { size } = adapter.flat.layout;
  return { adapter, settings, step: 0, m: tf.zeros([size]), v: tf.zeros([size]) };
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
  const expected = splitNumbers(adapter.config, adapter.adaptation, () => undefined);
  for (const [name, { shape }] of expected) {
    for (const part of ["m", "v"]) {
      if (tensors.get(`${name}.${part}`)?.shape.join() !== shape.join()) {
        throw new StudioError("storage.failed", say`The optimizer's state has no fitting ${name}.${part}`);
      }
    }
  }
  const moments = (part: "m" | "v") => {
    const stacked = joinNumbers(adapter.config, adapter.adaptation, (name) => tensors.get(`${name}.${part}`)?.values);
    return newFlatTensor(adapter.flat.layout, new Map([...stacked].map(([name, { values }]) => [name, values])));
  };
  return { adapter, settings, step, m: moments("m"), v: moments("v") };
}

/** The moments as loadOptimizer takes them; the step count is `optimizer.step`. */
export async function readOptimizer({ adapter, m, v }: Optimizer): Promise<Map<string, TensorData>> {
  const { config, adaptation, flat } = adapter;
  const read = async (part: "m" | "v", whole: tf.Tensor1D) => {
    const numbers = await readFlat({ layout: flat.layout, whole });
    const named = splitNumbers(config, adaptation, (name) => numbers.get(name));
    return [...named].map(([name, data]) => [`${name}.${part}`, data] as const);
  };
  return new Map((await Promise.all([read("m", m), read("v", v)])).flat());
}

export function disposeOptimizer({ m, v }: Optimizer): void {
  tf.dispose([m, v]);
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
  settings: StepSettings,
): Promise<{ loss: number; gradNorm: number }> {
  const total = batches.reduce((sum, batch) => sum + batch.trained, 0);
  const losses: tf.Tensor1D[] = [];
  // Imitation asks nothing of a read-out beside the vocabulary's.
  const sum = newGradientSum(adapter, (name) => name !== headTensor);
  for (const [i, batch] of batches.entries()) {
    if (batch.trained === 0) continue;
    const each = lossGradients(llama, adapter, batch, sum.trained, {
      total,
      dropoutSeed: settings.dropoutSeed + i,
      recompute: settings.recompute ?? false,
    });
    losses.push(each.losses);
    sum.add(each.gradients);
  }
  const { gradNorm, numbers } = await applyGradient(optimizer, sum.take(), settings, losses);
  return { loss: sumOf(numbers), gradNorm };
}

/** One pass of an objective: which batch, what is wanted of its tokens, and what their numbers cost. */
export type ObjectivePass = { batch: Batch; wanted: Wanted; lossOf: (numbers: TokenNumbers) => TokenGradients };

/**
 * One step of an objective that is plain arithmetic over tokens' numbers: each pass adds its gradient, which `lossOf`
 * scales as it should count in the whole. Losses are the caller's, who computes them. Answers the norm before clipping.
 */
export async function objectiveStep(
  llama: Llama,
  adapter: Adapter,
  optimizer: Optimizer,
  passes: ObjectivePass[],
  settings: StepSettings,
): Promise<{ gradNorm: number }> {
  const { dropoutSeed, recompute = false } = settings;
  const sum = newGradientSum(adapter);
  try {
    for (const [i, { batch, wanted, lossOf }] of passes.entries()) {
      const pass = { adapter, wanted, dropoutSeed: dropoutSeed + i, recompute };
      sum.add(await throughTokens(llama, batch, pass, sum.trained, lossOf));
    }
  } catch (error) {
    sum.forget();
    throw error;
  }
  const { gradNorm } = await applyGradient(optimizer, sum.take(), settings, []);
  return { gradNorm };
}

/** The gradient of all that is trained, end to end, as batch after batch adds to it. */
function newGradientSum(adapter: Adapter, isAsked: (name: string) => boolean = () => true) {
  const { layout, parts } = adapter.flat;
  const waiting = waitingTensors(adapter);
  const takesPart = (name: string) => !waiting.has(name) && isAsked(name);
  let gradient: tf.Tensor1D | null = null;
  return {
    /** Whose gradients are asked for: the others get zeros. */
    trained: [...parts].filter(([name]) => takesPart(name)).map(([, tensor]) => tensor),
    /** Takes what `trained` got, in its order, and disposes of it. */
    add(found: tf.Tensor[]) {
      const rest = [...found];
      const whole = [...parts].map(([name, tensor]) =>
        takesPart(name) ? (rest.shift() as tf.Tensor) : tf.zerosLike(tensor),
      );
      const before = gradient;
      const now = gather(layout, whole);
      gradient = before ? add(before, now) : now;
      tf.dispose(whole);
      if (before) tf.dispose([before, now]);
    },
    take(): tf.Tensor1D {
      if (!gradient) throw new StudioError("run.rows", say`No token of these rows is trained`);
      return gradient;
    },
    forget() {
      gradient?.dispose();
    },
  };
}

/** AdamW's step by a gradient, which is used up, and what is read back with its norm: `read`, disposed of as well. */
async function applyGradient(
  optimizer: Optimizer,
  gradient: tf.Tensor1D,
  { learningRate, maxGradNorm }: StepSettings,
  read: tf.Tensor1D[],
): Promise<{ gradNorm: number; numbers: Float32Array }> {
  const { adapter, m, v, settings, step } = optimizer;
  const at = { step: step + 1, learningRate, maxGradNorm, faster: fasterNumbers(adapter) };
  const squares = adamWStep({ p: adapter.flat.whole, m, v }, gradient, settings, at);
  const report = tf.concat([...read, squares]);
  tf.dispose([read, gradient, squares]);
  const places = report.size - squares.size;
  const numbers = await readBack(report);
  report.dispose();
  const gradNorm = Math.sqrt(sumOf(numbers.subarray(places)));
  if (Number.isFinite(gradNorm)) optimizer.step += 1; // else nothing was changed
  return { gradNorm, numbers: numbers.subarray(0, places) };
}

/**
 * The loss of each trained token of a batch times its weight over `total` (the batch's own where not said), [M], and the
 * gradient of their sum with respect to `xs`, which may be the adapter's tensors or any of the model's. The tensors are
 * the caller's to dispose of.
 */
export function lossGradients(
  llama: Llama,
  adapter: Adapter | null,
  batch: Batch,
  xs: tf.Tensor[],
  { total = batch.trained, dropoutSeed, recompute }: { total?: number; dropoutSeed?: number; recompute?: boolean } = {},
): { losses: tf.Tensor1D; gradients: tf.Tensor[] } {
  const { value, gradients: dxs } = gradients(
    () => tokenLosses(llama, adapter, batch, total, dropoutSeed, recompute),
    xs,
  );
  return { losses: value, gradients: dxs };
}

/** The loss of every trained token of a batch, times its weight over `total`: [M]. */
function tokenLosses(
  llama: Llama,
  adapter: Adapter | null,
  laid: Batch,
  total: number,
  dropoutSeed: number | undefined,
  recompute = false,
): tf.Tensor1D {
  // A graphics card keeps buffers by their size, so few sizes are better than small ones; the CPU works on padding too.
  const isCard = tf.getBackend() === "webgpu";
  const batch = isCard ? padded(laid, bucketed(laid.length)) : laid;
  const places: number[] = [];
  batch.weights.forEach((weight, i) => {
    if (weight !== 0) places.push(i);
  });
  const pick = (values: ArrayLike<number>) => places.map((i) => values[i] ?? 0);
  const trained = places.length;
  if (isCard) while (places.length < bucketed(trained)) places.push(0); // these weigh nothing
  const picked = tf.tensor1d(places, "int32");
  const x = decode(llama, adapter, batchPlaces(batch), {
    picked,
    recompute,
    ...(dropoutSeed === undefined ? {} : { dropoutSeed }),
  });
  const weights = tf.tensor1d(
    Float32Array.from(pick(batch.weights), (weight, i) => (i < trained ? weight / total : 0)),
  );
  const targets = tf.tensor1d(pick(batch.targets), "int32");
  return linearCrossEntropy(x, adaptedModel(llama, adapter).head, targets, weights, { cap: llama.config.finalSoftcap });
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
  return { sum: sumOf(values), trained: batch.trained };
}

async function readBack(tensor: tf.Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array;
}

function sumOf(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
