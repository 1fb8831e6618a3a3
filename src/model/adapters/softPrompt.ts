/** @file Virtual tokens before every text: their embeddings (prompt tuning), or each layer's keys and values of them (prefix tuning). */

import { methodTensors } from "../../core/adaptation";
import type { ModelConfig } from "../../core/model";
import { newRandom, seedFor } from "../../core/random";
import { attention } from "../../kernels/attention";
import { tf } from "../../kernels/tf";
import { decode, embed, type Places, waysOf } from "../decoder";
import type { Llama } from "../llama";
import { type MethodModule, renamed, type Tensors } from "./method";

const fileName = "prompt_embeddings";

/** Tokens, drawn by the seed, whose embeddings or keys and values a soft prompt begins with: better than noise (Lester et al. 2021). */
function firstPlaces({ vocabSize, bosTokenId }: ModelConfig, count: number, seed: number): Places {
  const random = newRandom(seedFor(seed, fileName));
  const tokens = Array.from({ length: count }, () => random.below(vocabSize));
  if (bosTokenId !== null) tokens[0] = bosTokenId;
  return {
    rows: 1,
    length: count,
    reach: count,
    tokens: tf.tensor1d(tokens, "int32"),
    positions: tf.range(0, count, 1, "int32"),
    segments: tf.ones([count], "int32"),
    marks: null,
  };
}

async function readOnce(make: () => tf.Tensor): Promise<Float32Array> {
  const tensor = tf.tidy(make);
  const values = Float32Array.from((await tensor.data()) as Float32Array);
  tensor.dispose();
  return values;
}

/** [P, C] */
export const promptModule: MethodModule<"prompt", tf.Tensor2D> = {
  draw: async (llama, { virtualTokens }, seed) => {
    const { config } = llama;
    const values = await readOnce(() => embed(llama, firstPlaces(config, virtualTokens, seed).tokens));
    return new Map([[fileName, { shape: [virtualTokens, config.hiddenSize], values }]]);
  },
  join: (config, method, numbersOf) => renamed(methodTensors(config, method), () => "prompt").join(numbersOf),
  split: (config, method, numbersOf) => renamed(methodTensors(config, method), () => "prompt").split(numbersOf),
  attach: (_, __, part) => part("prompt") as tf.Tensor2D,
};

const layerName = (layer: number) => `layers.${layer}.prefix`;

/** Every number of a layer's keys and values [2K, P, D], and its place in PEFT's [P, layers · 2 · K · D]. */
function visitPlaces(
  { layers, keyValueHeads: K, headDim: D }: ModelConfig,
  P: number,
  layer: number,
  visit: (own: number, file: number) => void,
): void {
  const width = 2 * K * D;
  for (let head = 0; head < 2 * K; head++) {
    for (let p = 0; p < P; p++) {
      const [own, file] = [(head * P + p) * D, (p * layers + layer) * width + head * D];
      for (let d = 0; d < D; d++) visit(own + d, file + d);
    }
  }
}

/** PEFT's tensor of all layers' numbers, each layer's as the device has them. */
function toFile(config: ModelConfig, P: number, numbersOf: (layer: number) => Float32Array | undefined): Tensors {
  const { layers, keyValueHeads: K, headDim: D } = config;
  const values = new Float32Array(P * layers * 2 * K * D);
  for (let layer = 0; layer < layers; layer++) {
    const own = numbersOf(layer);
    visitPlaces(config, P, layer, (from, to) => {
      values[to] = own?.[from] ?? 0;
    });
  }
  return new Map([[fileName, { shape: [P, layers * 2 * K * D], values }]]);
}

/** Each layer's [1, 2K, P, D]: the keys, turned to the places 0 … P − 1, and then the values. */
export const prefixModule: MethodModule<"prefix", tf.Tensor4D[]> = {
  draw: async (llama, { virtualTokens: P }, seed) => {
    const { config } = llama;
    const each = await readOnce(() => keysAndValues(llama, firstPlaces(config, P, seed)));
    const size = each.length / config.layers;
    return toFile(config, P, (layer) => each.subarray(layer * size, (layer + 1) * size));
  },
  join: (config, { virtualTokens: P }, numbersOf) => {
    const { layers, keyValueHeads: K, headDim: D } = config;
    const all = numbersOf(fileName);
    return new Map(
      Array.from({ length: layers }, (_, layer) => {
        const values = new Float32Array(2 * K * P * D);
        visitPlaces(config, P, layer, (to, from) => {
          values[to] = all?.[from] ?? 0;
        });
        return [layerName(layer), { shape: [1, 2 * K, P, D], values }];
      }),
    );
  },
  split: (config, { virtualTokens: P }, numbersOf) => toFile(config, P, (layer) => numbersOf(layerName(layer))),
  attach: ({ config }, _, part) =>
    Array.from({ length: config.layers }, (_, layer) => part(layerName(layer)) as tf.Tensor4D),
};

/** The keys and values of every layer at these places: [L·2K·P·D]. */
function keysAndValues(llama: Llama, places: Places): tf.Tensor1D {
  const { heads: H, keyValueHeads: K, headDim: D } = llama.config;
  const kept: tf.Tensor[] = [];
  decode(llama, null, places, {
    attend: (qkv, layer) => {
      kept.push(tf.keep(tf.reshape(tf.slice(qkv, [0, H, 0, 0], [1, 2 * K, places.length, D]), [-1])));
      return attention(qkv, places.segments, waysOf(llama.config, layer));
    },
  });
  const all = tf.concat(kept) as tf.Tensor1D;
  tf.dispose(kept);
  return all;
}
