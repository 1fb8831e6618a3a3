/** @file How LoAR routes: its gates by layer and head, and one head's attention with its gate and without the adapter. */

import type { Batch } from "../core/batch";

import { tf } from "../kernels/tf";
import { type Adapter, virtualTokens } from "./adapterParts";
import { gateFactor, type LoarPart } from "./adapters/loar";
import { attendIn, decode, type Places } from "./decoder";
import type { Llama } from "./llama";
import { batchPlaces, paddedPlaces } from "./places";

type Gated = Adapter & { parts: { loar: LoarPart } };

/** Whether the adapter has gates to look at. */
export function isGated(adapter: Adapter | null): adapter is Gated {
  return adapter?.parts.loar !== undefined;
}

/** The gates of a batch's real tokens, averaged: [L][H]. The last layer's, too, are of all tokens. */
export async function meanGates(llama: Llama, adapter: Gated, batch: Batch): Promise<number[][]> {
  const factor = gateFactor(adapter.parts.loar);
  const means = tf.tidy(() => {
    const places = batchPlaces(batch);
    const isReal = tf.cast(tf.greater(places.segments, tf.scalar(0, "int32")), "float32");
    const count = tf.sum(isReal);
    const each: tf.Tensor1D[] = [];
    const onGates = (_: number, z: tf.Tensor2D) => {
      const gates = tf.mul(tf.sigmoid(realRows(z, adapter, places)), factor);
      each.push(tf.keep(tf.div(tf.sum(tf.mul(gates, tf.reshape(isReal, [-1, 1])), 0), count)));
    };
    decode(llama, adapter, places, { onGates });
    const all = tf.stack(each);
    tf.dispose(each);
    return all;
  });
  const gates = (await means.array()) as number[][];
  means.dispose();
  return gates;
}

/** The rows of the places given, where a soft prompt has put others before them. */
function realRows(z: tf.Tensor2D, adapter: Adapter, { rows, length }: Places): tf.Tensor2D {
  const P = adapter.parts.prompt ? virtualTokens(adapter) : 0;
  const H = z.shape[1];
  if (z.shape[0] === rows * length) return z;
  return tf.reshape(tf.slice(tf.reshape(z, [rows, P + length, H]), [0, P, 0], [rows, length, H]), [-1, H]);
}

/** λ of every layer and head; null where the mode has none. */
export async function readLambdas({ parts: { loar } }: Gated): Promise<number[][] | null> {
  const lambdas = loar.layers.map(({ lambda }) => lambda);
  if (lambdas.some((lambda) => lambda === null)) return null;
  return Promise.all(lambdas.map(async (lambda) => Array.from((await lambda?.data()) ?? [])));
}

export type HeadAttention = {
  /** How much each token looks at each before it, rows that sum to 1: [T, T], without the adapter and with it. */
  base: Float32Array<ArrayBuffer>;
  tuned: Float32Array<ArrayBuffer>;
  /** The head's gate at each token; null where the adapter has none. [T] */
  gates: Float32Array<ArrayBuffer> | null;
};

/** Attention of one head over one sequence, whose `marks` say which tokens carry logic. T is at most a few hundred. */
export async function readHeadAttention(
  llama: Llama,
  adapter: Adapter | null,
  given: { tokens: number[]; marks?: Uint8Array | undefined; layer: number; head: number },
): Promise<HeadAttention> {
  const base = await probabilities(llama, null, given);
  const tuned = adapter ? await probabilities(llama, adapter, given) : base;
  return { base: base.seen, tuned: tuned.seen, gates: tuned.gates };
}

/**
 * One head's probabilities by attention itself: values that are each key's own unit vector come out as the weights.
 * As many passes as D goes into T, so that every mode, mask and window is the kernel's own.
 */
async function probabilities(
  llama: Llama,
  adapter: Adapter | null,
  { tokens, marks, layer, head }: { tokens: number[]; marks?: Uint8Array | undefined; layer: number; head: number },
): Promise<{ seen: Float32Array<ArrayBuffer>; gates: Float32Array<ArrayBuffer> | null }> {
  const { heads: H, keyValueHeads: K, headDim: D } = llama.config;
  const T = tokens.length;
  const found = tf.tidy(() => {
    const places = paddedPlaces([tokens], T, marks && [marks]);
    const kept: tf.Tensor2D[] = [];
    const gates: tf.Tensor[] = [];
    decode(llama, adapter, places, {
      onGates: (i, z) => {
        if (i !== layer || !adapter?.parts.loar) return;
        const all = tf.mul(tf.sigmoid(z), gateFactor(adapter.parts.loar));
        gates.push(tf.keep(tf.slice(all, [all.shape[0] - T, head], [T, 1])));
      },
      attend: (qkv, i, around) => {
        if (i !== layer) return attendIn(llama.config, i, qkv, around);
        const long = qkv.shape[2];
        const wide = around.prefix ? around.prefix.shape[2] : 0;
        for (let from = 0; from < T; from += D) {
          const unit = tf.slice(
            tf.pad(tf.eye(T), [
              [0, 0],
              [0, D],
            ]),
            [0, from],
            [T, D],
          );
          const values: tf.Tensor4D = tf.tile(
            tf.reshape(
              tf.pad(unit, [
                [long - T, 0],
                [0, 0],
              ]),
              [1, 1, long, D],
            ),
            [1, K, 1, 1],
          );
          const probe = tf.concat<tf.Tensor4D>([tf.slice(qkv, [0, 0, 0, 0], [1, H + K, long, D]), values], 1);
          const prefix = around.prefix && withoutValues(around.prefix, K, wide, D);
          const y = attendIn(llama.config, i, probe, { ...around, prefix });
          const shares: tf.Tensor2D = tf.slice(y, [long - T, head * D], [T, D]);
          kept.push(tf.keep(shares));
        }
        return attendIn(llama.config, i, qkv, around);
      },
    });
    const seen = tf.slice(tf.concat(kept, 1), [0, 0], [T, T]);
    tf.dispose(kept);
    const [gate] = gates;
    return { seen, ...(gate ? { gate } : {}) };
  });
  const seen = Float32Array.from((await found.seen.data()) as Float32Array);
  const gates = found.gate ? Float32Array.from((await found.gate.data()) as Float32Array) : null;
  tf.dispose([found.seen, found.gate ?? []]);
  return { seen, gates };
}

/** A prefix that is looked at and adds nothing. */
function withoutValues(prefix: tf.Tensor4D, K: number, P: number, D: number): tf.Tensor4D {
  return tf.concat<tf.Tensor4D>([tf.slice(prefix, [0, 0, 0, 0], [1, K, P, D]), tf.zeros([1, K, P, D])], 1);
}
