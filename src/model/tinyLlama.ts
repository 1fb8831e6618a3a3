/** @file A decoder of a few thousand weights drawn from a seed, for tests. */

import { type ModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { tensorShapes } from "../core/tensorNames";
import { type Llama, loadLlama } from "./llama";

export const tinyConfig: ModelConfig = {
  ...plainDecoder,
  vocabSize: 29,
  hiddenSize: 20,
  intermediateSize: 30,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 6,
  maxPositions: 24,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: false,
  bosTokenId: 0,
  eosTokenIds: [1],
};
/** The same weights on every device. */
export function newTinyLlama(): Llama {
  const random = newRandom(8);
  const tensors = [...tensorShapes(tinyConfig)].map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return [name, { shape, values: Float32Array.from({ length }, () => random.normal() * 0.6) }] as const;
  });
  return loadLlama(tinyConfig, new Map(tensors));
}
