/**
 * @file The read-out and its loss in one: crossEntropy(x · headᵀ), a chunk of rows at a time, so that [M, V] never exists
 * where the vocabulary is large. The backward pass makes each chunk's logits again (Hsu et al. 2024, Liger-Kernel, who
 * keep the gradient instead; here the head may be trained too, and the loss of an evaluation needs no gradient).
 *
 *   dx = d · head        dhead = dᵀ · x        d [M, V] the gradient of the logits, as crossEntropy.ts has it
 *
 * Where the model caps its logits, the capped ones are crossed, and d has their slope (softcap.ts).
 *
 * Shapes: x [M, C], head [V, C], targets [M] int32, weights, loss, dy [M].
 */

import { add } from "./add";
import { crossEntropy, crossEntropyBack } from "./crossEntropy";
import { entropy } from "./entropy";
import { defineKernel } from "./kernel";
import { linear, linearBack, linearWeight } from "./linear";
import { recomputed } from "./recompute";
import { scaled } from "./scale";
import { dim } from "./shape";
import { softcap, softcapBack } from "./softcap";
import { tf } from "./tf";
import { dequantized, type Packing, packingOf, type Weight, weightOf } from "./weight";

type Inputs = { x: tf.Tensor2D; head: tf.Tensor2D; targets: tf.Tensor1D; weights: tf.Tensor1D };
/** `cap` is that of the logits. */
type Chunk = { rows: number; cap?: number } & Packing;
const capOf = ({ cap }: Chunk) => cap ?? null;

/** Logits at hand at a time: 64 MB. */
export const chunkLogits = 2 ** 24;

/** What `work` makes of each chunk of rows; only its result is kept. */
function overChunks<T extends tf.Tensor>(
  { x, targets, weights }: Inputs,
  { rows }: Chunk,
  work: (part: { from: number; count: number; x: tf.Tensor2D; targets: tf.Tensor1D; weights: tf.Tensor1D }) => T,
): T[] {
  const M = dim(x, 0);
  const results: T[] = [];
  for (let from = 0; from < Math.max(M, 1); from += rows) {
    const count = Math.min(rows, M - from); // none where there is no row: one empty chunk
    results.push(
      tf.tidy(() =>
        work({
          from,
          count,
          x: tf.slice(x, [from, 0], [count, dim(x, 1)]),
          targets: tf.slice(targets, from, count),
          weights: tf.slice(weights, from, count),
        }),
      ),
    );
  }
  return results;
}

const cases = [
  { M: 3, C: 4, V: 7, attrs: { rows: 2, format: 0 } },
  { M: 40, C: 33, V: 130, attrs: { rows: 16, format: 0 } },
  { M: 40, C: 33, V: 130, attrs: { rows: 16, format: 3 } },
  { M: 40, C: 33, V: 130, attrs: { rows: 16, format: 4 } },
  { M: 40, C: 33, V: 130, attrs: { rows: 16, format: 0, cap: 4 } },
].map(({ M, C, V, attrs }) => ({
  shapes: { x: [M, C], head: [V, C], targets: [M], weights: [M] },
  attrs: { ...attrs, width: C },
  whole: { targets: [V] },
  packed: { head: attrs.format },
}));

const forward = defineKernel({
  name: "LinearCrossEntropy",
  inputs: ["x", "head", "targets", "weights"],
  reference: ({ x, head, targets, weights }: Inputs, chunk: Chunk): tf.Tensor => {
    const oneHot = tf.cast(tf.oneHot(targets, dim(head, 0)), "float32");
    const plain = tf.matMul(x, dequantized(head, chunk), false, true);
    const { cap } = chunk;
    const logits = cap === undefined ? plain : tf.mul(tf.tanh(tf.div(plain, cap)), cap);
    const picked = tf.sum(tf.mul(tf.logSoftmax(logits), oneHot), -1);
    return tf.mul(tf.neg(picked), weights);
  },
  compose: (inputs, chunk) =>
    tf.concat(
      overChunks(inputs, chunk, ({ x, targets, weights }) =>
        crossEntropy(softcap(linear(x, weightOf(inputs.head, chunk)), capOf(chunk)), targets, weights),
      ),
    ),
  gradient: (dy, inputs, chunk) => {
    const head = weightOf(inputs.head, chunk);
    type Part = Parameters<Parameters<typeof overChunks>[2]>[0];
    const logitsBack = ({ from, count, x, targets, weights }: Part) => {
      const logits = softcap(linear(x, head), capOf(chunk));
      const d = crossEntropyBack(logits, targets, weights, tf.slice(dy as tf.Tensor1D, from, count));
      return softcapBack(logits, d, capOf(chunk));
    };
    return {
      x: () => tf.concat(overChunks(inputs, chunk, (part) => linearBack(logitsBack(part), head))),
      ...(chunk.format === 0
        ? {
            head: () =>
              overChunks(inputs, chunk, (part) => linearWeight(logitsBack(part), part.x)).reduce((sum, each) =>
                add(sum, each),
              ),
          }
        : {}),
    };
  },
  cases,
});

export const kernels = [forward];

/** How many rows are read out at a time, and what caps their logits. */
type ReadOut = { rows?: number; cap?: number | null };
const rowsAtATime = (head: Weight) => Math.max(1, Math.floor(chunkLogits / dim(head.values, 0)));

/** The weighted loss of each row's read-out, [M], nats. Logits that fit one chunk are kept for the backward pass. */
export function linearCrossEntropy(
  x: tf.Tensor2D,
  head: Weight,
  targets: tf.Tensor1D,
  weights: tf.Tensor1D,
  { rows = rowsAtATime(head), cap = null }: ReadOut = {},
): tf.Tensor1D {
  if (dim(x, 0) <= rows) return crossEntropy(softcap(linear(x, head), cap), targets, weights);
  const chunk = { rows, ...packingOf(head), ...(cap === null ? {} : { cap }) };
  return forward({ x, head: head.values, targets, weights }, chunk) as tf.Tensor1D;
}

/** Of each row's read-out, a chunk at a time: the log-probability of its target and the entropy, [M] each, nats. */
export function tokenStatistics(
  x: tf.Tensor2D,
  head: Weight,
  targets: tf.Tensor1D,
  { rows = rowsAtATime(head), cap = null }: ReadOut = {},
): { logProbabilities: tf.Tensor1D; entropies: tf.Tensor1D } {
  return tf.tidy(() => {
    const weights = tf.ones<tf.Rank.R1>([dim(x, 0)]);
    const inputs = { x, head: head.values, targets, weights };
    const parts = overChunks(inputs, { rows, ...packingOf(head) }, (part) => {
      const logits = softcap(linear(part.x, head), cap);
      return tf.stack([tf.neg(crossEntropy(logits, part.targets, part.weights)), entropy(logits)]);
    });
    const [logProbabilities, entropies] = tf.unstack(tf.concat(parts, 1)) as [tf.Tensor1D, tf.Tensor1D];
    return { logProbabilities, entropies };
  });
}

/**
 * The same with a way back: the loss of each row's target, [M], and the entropy where wanted, [M], of logits divided by
 * `temperature`.
 * What does not fit one chunk is made again on the way back. `isTrained`: the head is.
 */
export function tokenNumbers(
  x: tf.Tensor2D,
  head: Weight,
  targets: tf.Tensor1D,
  options: ReadOut & { temperature: number; entropies: boolean; isTrained: boolean },
): tf.Tensor1D[] {
  const { rows = rowsAtATime(head), cap = null, temperature, entropies, isTrained } = options;
  const of = (some: tf.Tensor2D, wanted: tf.Tensor1D): tf.Tensor1D[] => {
    const logits = scaled(softcap(linear(some, head), cap), 1 / temperature);
    const losses = crossEntropy(logits, wanted, tf.ones([dim(some, 0)]));
    return entropies ? [losses, entropy(logits)] : [losses];
  };
  const M = dim(x, 0);
  if (M <= rows) return of(x, targets);
  const trained = isTrained ? [head.values] : [];
  const parts: tf.Tensor2D[] = [];
  for (let from = 0; from < M; from += rows) {
    const count = Math.min(rows, M - from);
    const wanted = tf.slice(targets, from, count);
    const again = (some: tf.Tensor2D, held: tf.Tensor[]) =>
      tf.reshape<tf.Rank.R2>(tf.concat(of(some, held[0] as tf.Tensor1D)), [-1, count]);
    parts.push(recomputed(again, tf.slice(x, [from, 0], [count, dim(x, 1)]), trained, [wanted]));
  }
  return (entropies ? [0, 1] : [0]).map((kind) =>
    tf.concat(parts.map((part) => tf.reshape<tf.Rank.R1>(tf.slice(part, [kind, 0], [1, dim(part, 1)]), [-1]))),
  );
}
