/** @file What a model says of a batch's trained tokens, for objectives that are plain arithmetic: there and, once they are known, back. */

import { type Batch, bucketed, padded } from "../core/batch";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { recorded } from "../kernels/gradients";
import { linear, plain } from "../kernels/linear";
import { tokenNumbers as readOutNumbers } from "../kernels/linearCrossEntropy";
import { tf } from "../kernels/tf";
import { type Adapter, adaptedModel } from "./adapterParts";
import { decode } from "./decoder";
import type { Llama } from "./llama";
import { batchPlaces } from "./places";

/** Which numbers are wanted of each trained token. */
export type Wanted = {
  logProbabilities?: boolean;
  /** Needs the log-probabilities. */
  entropies?: boolean;
  /** The adapter's own read-out, at the place that the token is predicted from. */
  scores?: boolean;
  /** Logits are divided by it before they become probabilities. */
  temperature?: number;
};

/** Of the M places whose weight is not 0, in the batch's order; empty where not wanted. Nats. */
export type TokenNumbers = {
  logProbabilities: Float32Array; // [M]
  entropies: Float32Array; // [M]
  scores: Float32Array; // [M, D]
};

/** What a loss adds for each of those numbers; left out where it does not depend on them. */
export type TokenGradients = { [name in keyof TokenNumbers]?: ArrayLike<number> };

type Pass = { adapter: Adapter | null; wanted: Wanted; dropoutSeed?: number; recompute?: boolean };

/** The numbers, without a way back. */
export async function tokenNumbers(llama: Llama, batch: Batch, pass: Pass): Promise<TokenNumbers> {
  const places = trainedPlaces(batch);
  const value = tf.tidy(() => forward(llama, places, pass));
  try {
    return taken(await value.data<"float32">(), sizesOf(pass, places));
  } finally {
    value.dispose();
  }
}

/**
 * The numbers, and the way back from what `lossOf` makes of them to the gradients with respect to `xs`, which are the
 * caller's to dispose of. What lies between is held while the numbers are read.
 */
export async function throughTokens(
  llama: Llama,
  batch: Batch,
  pass: Pass,
  xs: readonly tf.Tensor[],
  lossOf: (numbers: TokenNumbers) => TokenGradients,
): Promise<tf.Tensor[]> {
  const places = trainedPlaces(batch);
  const { value, back, forget } = recorded(() => forward(llama, places, pass));
  try {
    const sizes = sizesOf(pass, places);
    const given = lossOf(taken(await value.data<"float32">(), sizes));
    const dy = new Float32Array(value.size);
    // Log-probabilities leave the device as losses.
    const { logProbabilities, entropies, scores } = sizes;
    for (let i = 0; i < places.trained; i++) {
      if (logProbabilities.size > 0) dy[i] = -(given.logProbabilities?.[i] ?? 0);
      if (entropies.size > 0) dy[entropies.from + i] = given.entropies?.[i] ?? 0;
    }
    const D = scores.size / places.picked.length;
    for (let i = 0; i < places.trained * D; i++) dy[scores.from + i] = given.scores?.[i] ?? 0;
    const gradient = tf.tensor1d(dy);
    const found = back(xs, gradient);
    gradient.dispose();
    return found.map((each, i) => each ?? tf.zerosLike(xs[i] as tf.Tensor)); // a read-out that this loss does not ask
  } finally {
    forget();
    value.dispose();
  }
}

type Laid = { batch: Batch; picked: number[]; trained: number };

function trainedPlaces(laid: Batch): Laid {
  const isCard = tf.getBackend() === "webgpu";
  const batch = isCard ? padded(laid, bucketed(laid.length)) : laid;
  const picked: number[] = [];
  batch.weights.forEach((weight, i) => {
    if (weight !== 0) picked.push(i);
  });
  const trained = picked.length;
  if (trained === 0) throw new StudioError("run.rows", say`No token of these rows is trained`);
  // A graphics card keeps buffers by their size, so few sizes are better than small ones.
  if (isCard) while (picked.length < bucketed(trained)) picked.push(0);
  return { batch, picked, trained };
}

/** Where each kind of number stands in what leaves the device. */
function sizesOf({ adapter, wanted }: Pass, { picked, trained }: Laid) {
  const M = picked.length;
  const D = adapter?.parts.head?.shape[0] ?? 0;
  const { logProbabilities = true, entropies = false, scores = false } = wanted;
  const first = logProbabilities ? M : 0;
  const second = logProbabilities && entropies ? M : 0;
  return {
    logProbabilities: { from: 0, size: first },
    entropies: { from: first, size: second },
    scores: { from: first + second, size: scores ? M * D : 0 },
    trained,
    D,
  };
}

function taken(values: Float32Array, { logProbabilities, entropies, scores, trained, D }: ReturnType<typeof sizesOf>) {
  const part = ({ from, size }: { from: number; size: number }, count: number) =>
    values.slice(from, from + (size > 0 ? count : 0));
  return {
    logProbabilities: part(logProbabilities, trained).map((loss) => -loss),
    entropies: part(entropies, trained),
    scores: part(scores, trained * D),
  };
}

function forward(llama: Llama, { batch, picked }: Laid, pass: Pass): tf.Tensor1D {
  const { adapter, wanted, dropoutSeed, recompute = false } = pass;
  const { logProbabilities = true, entropies = false, scores = false, temperature = 1 } = wanted;
  const x = decode(llama, adapter, batchPlaces(batch), {
    picked: tf.tensor1d(picked, "int32"),
    recompute,
    ...(dropoutSeed === undefined ? {} : { dropoutSeed }),
  });
  const parts: tf.Tensor1D[] = [];
  if (logProbabilities) {
    const targets = tf.tensor1d(
      picked.map((i) => batch.targets[i] ?? 0),
      "int32",
    );
    const model = adaptedModel(llama, adapter);
    const isTrained = model.head.values !== llama.head.values;
    const cap = llama.config.finalSoftcap;
    parts.push(...readOutNumbers(x, model.head, targets, { cap, temperature, entropies, isTrained }));
  }
  if (scores) {
    const head = adapter?.parts.head;
    if (!head) throw new StudioError("bug", say`There is no read-out to score with`);
    parts.push(tf.reshape(linear(x, plain(head)), [-1]));
  }
  const [first] = parts;
  if (!first) throw new StudioError("bug", say`Nothing is wanted of these tokens`);
  return parts.length === 1 ? first : tf.concat(parts);
}
