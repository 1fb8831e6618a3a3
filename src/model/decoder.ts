/** @file The forward pass of every architecture, as its configuration says: functions over a model's weights. */

import type { StackName } from "../core/adapter";
import type { ModelConfig } from "../core/model";
import { add } from "../kernels/add";
import { attention } from "../kernels/attention";
import type { Heads } from "../kernels/attentionReference";
import { addBias } from "../kernels/bias";
import { gelu } from "../kernels/gelu";
import { headNorm } from "../kernels/headNorm";
import { layerNorm } from "../kernels/layerNorm";
import { linear } from "../kernels/linear";
import { addRmsNorm, rmsNorm } from "../kernels/rmsNorm";
import { takeRows } from "../kernels/rows";
import { scaled } from "../kernels/scale";
import { softcap } from "../kernels/softcap";
import { splitHeads } from "../kernels/splitHeads";
import { geglu, swiglu } from "../kernels/swiglu";
import { tf } from "../kernels/tf";
import { weightRows } from "../kernels/weight";
import type { Layer, Llama, Norm } from "./llama";
import type { Adapter } from "./lora";
import { adaptedLinear, layerWeights } from "./lora";
import { recomputed } from "./recompute";
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
};

/** What attention does with the heads of layer `i`: [B, H + 2K, T, D] → [B·T, H·D]. */
export type Attend = (qkv: tf.Tensor4D, layer: number) => tf.Tensor2D;

type DecodeOptions = { picked?: tf.Tensor1D; attend?: Attend; dropoutSeed?: number; recompute?: boolean };

/**
 * The decoder up to and including the final norm. Where `picked` names places, only those come out (and the last
 * block's second half runs for them alone): [M, C], else [B·T, C]. `dropoutSeed` is set while training. With
 * `recompute` only each block's input is kept for the derivative of an adapter's weights.
 */
export function decode(
  llama: Llama,
  adapter: Adapter | null,
  places: Places,
  { picked, attend, dropoutSeed, recompute = false }: DecodeOptions = {},
): tf.Tensor2D {
  const { config } = llama;
  let x = embed(llama, places);
  llama.layers.forEach((_, i) => {
    const part = i === config.layers - 1 ? picked : undefined;
    if (!recompute || !adapter) {
      // Tidied, so that only what the derivative reads is held until the way back.
      const input = x;
      x = tf.tidy(() => block(llama, adapter, i, input, { ...places, picked: part }, { attend, dropoutSeed }));
      return;
    }
    // The block runs again when the tensors of this pass are gone, so it gets those that were kept for it.
    const held = [places.positions, places.segments, ...(part ? [part] : [])];
    const again = (input: tf.Tensor2D, [positions, segments, chosen]: tf.Tensor[]) =>
      block(
        llama,
        adapter,
        i,
        input,
        {
          ...places,
          positions: positions as tf.Tensor1D,
          segments: segments as tf.Tensor1D,
          picked: chosen as tf.Tensor1D,
        },
        { dropoutSeed },
      );
    x = recomputed(again, x, layerWeights(adapter, i), held);
  });
  return norm(x, llama.norm, config);
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
  places: Omit<Places, "tokens"> & { picked: tf.Tensor1D | undefined },
  { attend, dropoutSeed }: { attend?: Attend | undefined; dropoutSeed: number | undefined },
): tf.Tensor2D {
  const { config, ropes } = llama;
  const { rows, length, reach, positions, segments, picked } = places;
  const { heads, keyValueHeads, rmsNormEps: eps } = config;
  const { norms, headNorms, stacks, biases } = llama.layers[i] as Layer;
  const run = (stack: StackName, x: tf.Tensor2D) =>
    addBias(adaptedLinear(x, stacks[stack], adapter, i, stack, dropoutSeed), biases[stack]);
  const normed = (x: tf.Tensor2D, by: Norm | null) => (by ? norm(x, by, config) : x);

  const projected = run("qkv", norm(input, norms.input, config));
  const queries = headNorms ? headNorm(projected, headNorms, { heads, keyValueHeads, eps }) : projected;
  const qkv = splitHeads(queries, positions, ropeFor(ropes, i, reach), { rows, length, heads, keyValueHeads });
  const y = attend ? attend(qkv, i) : attention(qkv, segments, waysOf(config, i));
  const pick = (x: tf.Tensor2D) => (picked ? takeRows(x, picked) : x);
  const attended = normed(run("o", pick(y)), norms.afterAttention);
  const [x, m] = addNorm(pick(input), attended, norms.feedForward, config);
  return add(x, normed(run("down", activate(config, llama.isGated, run("gateUp", m))), norms.afterFeedForward));
}

function activate({ activation }: ModelConfig, isGated: boolean, x: tf.Tensor2D): tf.Tensor2D {
  if (!isGated) return gelu(x); // the one that configurations of such models are let through with
  return activation === "gelu" ? geglu(x) : swiglu(x);
}

/** The embedding's rows, and with learned positions theirs: [M, C]. A gradient comes back to plain ones alone. */
function embed({ embedding, positions, config }: Llama, places: Places): tf.Tensor2D {
  const { tokens } = places;
  const rows = embedding.format === "f32" ? takeRows(embedding.values, tokens) : weightRows(embedding, tokens);
  const x = scaled(rows, config.embeddingScale);
  return positions ? add(x, takeRows(positions, places.positions)) : x;
}

/** [M, C] → [M, V]. */
export function readOut(llama: Llama, x: tf.Tensor2D): tf.Tensor2D {
  return softcap(linear(x, llama.head), llama.config.finalSoftcap);
}
