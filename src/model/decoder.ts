/** @file The forward pass of every architecture, as its configuration says: functions over a model's weights. */

import type { StackName } from "../core/adapter";
import type { ModelConfig } from "../core/model";
import { add } from "../kernels/add";
import { attention, type Marks } from "../kernels/attention";
import type { Heads } from "../kernels/attentionReference";
import { gelu } from "../kernels/gelu";
import { headNorm } from "../kernels/headNorm";
import { layerNorm } from "../kernels/layerNorm";
import { linear } from "../kernels/linear";
import { recomputed } from "../kernels/recompute";
import { addRmsNorm, rmsNorm } from "../kernels/rmsNorm";
import { takeRows } from "../kernels/rows";
import { scaled } from "../kernels/scale";
import { softcap } from "../kernels/softcap";
import { splitHeads } from "../kernels/splitHeads";
import { geglu, swiglu } from "../kernels/swiglu";
import { tf } from "../kernels/tf";
import { weightRows } from "../kernels/weight";
import { adaptedLinear } from "./adaptedLinear";
import { type Adapter, adaptedModel, layerWeights, virtualTokens } from "./adapterParts";
import { throughBottleneck } from "./adapters/bottleneck";
import { loarGated, loarInput, loarMarks } from "./adapters/loar";
import type { Layer, Llama, Norm } from "./llama";
import { ropeFor } from "./ropes";

/** Places of a batch laid out as tensors: B rows of T tokens. */
export type Places = {
  rows: number;
  length: number;
  /** One more than the last position that these sequences will come to. */
  reach: number;
  tokens: tf.Tensor1D; // [B·T] int32
  positions: tf.Tensor1D; // [B·T] int32
  segments: tf.Tensor1D; // [B·T] int32
  /** 1 where a token carries logic; null where nobody asks. */
  marks: tf.Tensor1D | null; // [B·T] int32
};

/** What attention of one layer reads beside the heads. */
export type Surroundings = { segments: tf.Tensor1D; marks: Marks | undefined; prefix: tf.Tensor4D | undefined };
/** What attention does with the heads of layer `i`: [B, H + 2K, T, D] → [B·T, H·D]. */
export type Attend = (qkv: tf.Tensor4D, layer: number, given: Surroundings) => tf.Tensor2D;

type DecodeOptions = {
  picked?: tf.Tensor1D;
  attend?: Attend;
  dropoutSeed?: number;
  recompute?: boolean;
  /** Told what each layer's gates are made from, [places, H], before σ. */
  onGates?: ((layer: number, z: tf.Tensor2D) => void) | undefined;
  /** The places follow others, which a cache remembers: virtual tokens are there already, and positions count them. */
  goesOn?: boolean;
};

/**
 * The decoder up to and including the final norm. Where `picked` names places, only those come out (and the last
 * block's second half runs for them alone): [M, C], else [B·T, C]. `dropoutSeed` is set while training. With
 * `recompute` only each block's input is kept for the derivative of an adapter's weights.
 */
export function decode(
  llama: Llama,
  adapter: Adapter | null,
  places: Places,
  { picked, attend, dropoutSeed, recompute = false, goesOn = false, onGates }: DecodeOptions = {},
): tf.Tensor2D {
  const model = adaptedModel(llama, adapter);
  const { config } = model;
  const laid = goesOn ? { ...places, picked } : withVirtualTokens(adapter, places, picked);
  const start = embed(model, places.tokens);
  const { prompt } = adapter?.parts ?? {};
  const whole = prompt && !goesOn ? behindPrompt(prompt, start, places) : start;
  // Learned positions count virtual tokens, as turned ones do, and a soft prompt has them too.
  let x = model.positions ? add(whole, takeRows(model.positions, laid.positions)) : whole;
  model.layers.forEach((_, i) => {
    const part = i === config.layers - 1 ? laid.picked : undefined;
    if (!recompute || !adapter) {
      // Tidied, so that only what the derivative reads is held until the way back.
      const input = x;
      x = tf.tidy(() => block(model, adapter, i, input, { ...laid, picked: part }, { attend, dropoutSeed, onGates }));
      return;
    }
    // The block runs again when the tensors of this pass are gone, so it gets those that were kept for it.
    const { positions, segments, marks } = laid;
    const held = { positions, segments, ...(marks ? { marks } : {}), ...(part ? { picked: part } : {}) };
    const names = Object.keys(held);
    const again = (input: tf.Tensor2D, tensors: tf.Tensor[]) => {
      const kept = Object.fromEntries(names.map((name, k) => [name, tensors[k]])) as typeof held;
      return block(model, adapter, i, input, { ...laid, picked: undefined, ...kept }, { dropoutSeed });
    };
    x = recomputed(again, x, layerWeights(adapter, i), Object.values(held));
  });
  return norm(x, model.norm, config);
}

type LaidPlaces = Omit<Places, "tokens"> & { picked: tf.Tensor1D | undefined };

/**
 * The places with those of virtual tokens before them: a soft prompt's are in every row, a prefix's only in the keys and
 * values, but all others move on by as many.
 */
function withVirtualTokens(adapter: Adapter | null, places: Places, picked: tf.Tensor1D | undefined): LaidPlaces {
  const P = adapter ? virtualTokens(adapter) : 0;
  const { rows, length, positions, segments, marks } = places;
  const reach = places.reach + P;
  const laid = { ...places, reach, picked };
  if (P === 0 || !adapter) return laid;
  const moved = tf.add<tf.Tensor1D>(positions, tf.scalar(P, "int32"));
  if (!adapter.parts.prompt) return { ...laid, positions: moved };
  const extend = (first: tf.Tensor, rest: tf.Tensor1D) =>
    tf.reshape<tf.Rank.R1>(tf.concat([first, tf.reshape(rest, [rows, length])], 1), [-1]);
  const every = tf.tile(tf.reshape(tf.range(0, P, 1, "int32"), [1, P]), [rows, 1]);
  const ones = tf.ones([rows, P], "int32");
  const T = P + length;
  // Place t of row b was b · T_old + t; all real places where none is picked.
  const old = picked ?? tf.range(0, rows * length, 1, "int32");
  const row = tf.cast(tf.floor(tf.div(tf.cast(old, "float32"), length)), "int32");
  const chosen = tf.add<tf.Tensor1D>(tf.add(old, tf.mul(row, tf.scalar(P, "int32"))), tf.scalar(P, "int32"));
  return {
    rows,
    length: T,
    reach,
    positions: extend(every, moved),
    segments: extend(ones, segments),
    marks: marks && extend(ones, marks),
    picked: chosen,
  };
}

/** x, so many times: [count, size of x]. The way back sums them in order. */
function repeated(x: tf.Tensor, count: number): tf.Tensor2D {
  return takeRows(tf.reshape(x, [1, x.size]), tf.zeros([count], "int32"));
}

/** A soft prompt [P, C] before each row of x [B·T, C]: [B·(P + T), C]. */
function behindPrompt(prompt: tf.Tensor2D, x: tf.Tensor2D, { rows, length }: Places): tf.Tensor2D {
  const [P, C] = prompt.shape;
  const each = tf.reshape(repeated(prompt, rows), [rows, P, C]);
  return tf.reshape(tf.concat([each, tf.reshape(x, [rows, length, C])], 1), [-1, C]);
}

/** A prefix's keys and values [1, 2K, P, D] before those of every row, with queries of zeros, which nobody asks for. */
export function behindPrefix(prefix: tf.Tensor4D, qkv: tf.Tensor4D): tf.Tensor4D {
  const [, kv, P, D] = prefix.shape;
  const [B, heads] = qkv.shape;
  const queries = tf.zeros<tf.Rank.R4>([B, heads - kv, P, D]);
  return tf.concat<tf.Tensor4D>(
    [tf.concat<tf.Tensor4D>([queries, tf.reshape<tf.Rank.R4>(repeated(prefix, B), [B, kv, P, D])], 1), qkv],
    2,
  );
}

/** Attention of layer `i`, with its prefix where it has one. */
export function attendIn(
  config: ModelConfig,
  i: number,
  qkv: tf.Tensor4D,
  { segments, marks, prefix }: Surroundings,
): tf.Tensor2D {
  if (!prefix) return attention(qkv, segments, waysOf(config, i), marks);
  const [B, , T] = qkv.shape;
  const P = prefix.shape[2];
  const ones = tf.ones([B, P], "int32");
  const extend = (rest: tf.Tensor1D) => tf.reshape<tf.Rank.R1>(tf.concat([ones, tf.reshape(rest, [B, T])], 1), [-1]);
  const wide = marks && { ...marks, marked: extend(marks.marked as tf.Tensor1D) };
  const y = attention(behindPrefix(prefix, qkv), extend(segments), waysOf(config, i), wide);
  const width = y.shape[1];
  return tf.reshape(tf.slice(tf.reshape(y, [B, P + T, width]), [0, P, 0], [B, T, width]), [B * T, width]);
}

/** How layer `i` attends. */
export function waysOf(config: ModelConfig, i: number): Heads {
  const { heads, keyValueHeads, attentionScale, attentionSoftcap, windows } = config;
  const window = windows[i] ?? null;
  return {
    heads,
    keyValueHeads,
    ...(attentionScale === null ? {} : { scale: attentionScale }),
    ...(attentionSoftcap === null ? {} : { softcap: attentionSoftcap }),
    ...(window === null ? {} : { window }),
  };
}

function norm(x: tf.Tensor2D, { weight, bias }: Norm, { rmsNormEps: eps }: ModelConfig): tf.Tensor2D {
  return bias ? layerNorm(x, weight, bias, eps) : rmsNorm(x, weight, eps);
}

/** x + r, and that normed. */
function addNorm(
  x: tf.Tensor2D,
  r: tf.Tensor2D,
  { weight, bias }: Norm,
  { rmsNormEps: eps }: ModelConfig,
): [sum: tf.Tensor2D, y: tf.Tensor2D] {
  if (!bias) return addRmsNorm(x, r, weight, eps);
  const sum = add(x, r);
  return [sum, layerNorm(sum, weight, bias, eps)];
}

/** One decoder block: [B·T, C] → [B·T, C], or [M, C] where `picked` names M places. */
function block(
  llama: Llama,
  adapter: Adapter | null,
  i: number,
  input: tf.Tensor2D,
  places: LaidPlaces,
  {
    attend,
    dropoutSeed,
    onGates,
  }: Pick<DecodeOptions, "onGates"> & {
    attend?: Attend | undefined;
    dropoutSeed: number | undefined;
  },
): tf.Tensor2D {
  const { config, ropes } = llama;
  const { rows, length, reach, positions, segments, marks, picked } = places;
  const { heads, keyValueHeads, rmsNormEps: eps } = config;
  const layer = llama.layers[i] as Layer;
  const { norms, headNorms } = layer;
  const { loar = null, bottleneck = null, prefix } = adapter?.parts ?? {};
  const run = (stack: StackName, x: tf.Tensor2D) => adaptedLinear(x, layer, adapter, i, stack, dropoutSeed);
  const normed = (x: tf.Tensor2D, by: Norm | null) => (by ? norm(x, by, config) : x);

  const h = loarInput(loar, norm(input, norms.input, config), marks);
  const projected = run("qkv", h);
  const queries = headNorms ? headNorm(projected, headNorms, { heads, keyValueHeads, eps }) : projected;
  const qkv = splitHeads(queries, positions, ropeFor(ropes, i, reach), { rows, length, heads, keyValueHeads });
  const given = { segments, marks: loarMarks(loar, i, marks), prefix: prefix?.[i] };
  const y = attend ? attend(qkv, i, given) : attendIn(config, i, qkv, given);
  const pick = (x: tf.Tensor2D) => (picked ? takeRows(x, picked) : x);
  const routed = loarGated(loar, i, pick(y), pick(h), onGates);
  const attended = throughBottleneck(bottleneck, i, "attention", normed(run("o", routed), norms.afterAttention));
  const [x, m] = addNorm(pick(input), attended, norms.feedForward, config);
  const fed = normed(run("down", activate(config, llama.isGated, run("gateUp", m))), norms.afterFeedForward);
  return add(x, throughBottleneck(bottleneck, i, "feed_forward", fed));
}

function activate({ activation }: ModelConfig, isGated: boolean, x: tf.Tensor2D): tf.Tensor2D {
  if (!isGated) return gelu(x); // the one that configurations of such models are let through with
  return activation === "gelu" ? geglu(x) : swiglu(x);
}

/** The embedding's rows, without positions: [M, C]. A gradient comes back to plain ones alone. */
export function embed({ embedding, config }: Llama, tokens: tf.Tensor1D): tf.Tensor2D {
  const rows = embedding.format === "f32" ? takeRows(embedding.values, tokens) : weightRows(embedding, tokens);
  return scaled(rows, config.embeddingScale);
}

/** [M, C] → [M, V]. */
export function readOut(llama: Llama, adapter: Adapter | null, x: tf.Tensor2D): tf.Tensor2D {
  return softcap(linear(x, adaptedModel(llama, adapter).head), llama.config.finalSoftcap);
}
