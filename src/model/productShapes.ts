/** @file The matrix products that a model is trained and sampled with, for a device to find out how it makes them best. */

import type { Lora } from "../core/adaptation";
import { stackNames, stackRows, stackShape } from "../core/adapter";
import type { ModelConfig } from "../core/model";
import { type WeightFormat, weightFormats } from "../core/packing";
import type { ProductShape } from "../kernels/product";

/** Tokens of a training batch, rows of a step of generation: each stands for those up to about twice as many. */
const trainedTokens = [256, 512, 1024, 2048, 4096];
const decodedRows = [1, 2, 4, 8, 16, 32, 64, 128];

/** The products of a decoder with low-rank pairs beside its linear layers, those of training first. */
export function productShapes(config: ModelConfig, format: WeightFormat, rank: Lora["rank"]): ProductShape[] {
  const packed = weightFormats.indexOf(format);
  const { hiddenSize: C, vocabSize: V } = config;
  const layers = stackNames.map((stack) => {
    const [out, width] = stackShape(config, stack);
    return { width, parts: stackRows(config, stack), out };
  });
  const frozen = (rows: number): ProductShape[] => [
    ...layers.map(({ width, out }) => product("forward", rows, out, width, packed)),
    product("forward", rows, V, C, packed),
  ];
  const trained = trainedTokens.flatMap((N) => [
    ...frozen(N),
    ...layers.map(({ width, out }) => product("back", N, width, out, packed)),
    product("back", N, C, V, packed),
    ...layers.flatMap(({ width, parts, out }) => [
      product("forward", N, parts.length * rank, width, 0), // u
      product("back", N, rank, Math.ceil(out / parts.length), 0), // du
      product("weight", parts.length * rank, width, N, 0), // da
      product("weight", Math.max(...parts), rank, N, 0), // db
    ]),
  ]);
  return [...trained, ...decodedRows.flatMap(frozen)];
}

function product(kind: ProductShape["kind"], rows: number, cols: number, depth: number, format: number): ProductShape {
  return { kind, rows, cols, depth, format };
}
