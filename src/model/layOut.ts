/** @file Room on the device for all of a model's weights, and its vectors written there. */

import { linearPath, linearShape, type StackName, stackNames, stackShape, stacksOf } from "../core/adapter";
import { architectures, type NormPlace } from "../core/architectures";
import type { ModelConfig } from "../core/model";
import type { WeightFormat } from "../core/packing";
import { normPlaces, tensorNames } from "../core/tensorNames";
import { tf } from "../kernels/tf";
import { type OpenWeight, openWeight, type Weight } from "../kernels/weight";
import type { Layer, Llama, Norm } from "./llama";
import { newRopes } from "./ropes";

/** What of a matrix is yet to be written: the named layers' rows, one layer's after the other's. */
export type Fill = { names: readonly string[]; open: OpenWeight; isTransposed: boolean };

/**
 * The model with room for its matrices, each in the packing that `formatOf` answers for the layers that share it;
 * `vectors` hold all that has one dimension.
 */
export function layOut(
  config: ModelConfig,
  vectors: (name: string) => Float32Array,
  formatOf: (names: readonly string[]) => WeightFormat,
): { llama: Omit<Llama, "unused">; fills: Fill[] } {
  const { isGated, isTransposed } = architectures[config.architecture];
  const names = tensorNames(config);
  const fills: Fill[] = [];
  const matrix = (names: readonly string[], shape: [number, number], format: WeightFormat, transposed = false) => {
    const open = openWeight(shape, format);
    fills.push({ names, open, isTransposed: transposed });
    return open.weight;
  };
  const layers = Array.from({ length: config.layers }, (_, i): Layer => {
    const each = stackNames.map((stack) => {
      const paths = stacksOf(config)[stack].map((name) => `${linearPath(i, name)}.weight`);
      return [stack, matrix(paths, stackShape(config, stack), formatOf(paths), isTransposed)] as const;
    });
    return {
      ...newVectors(config, i, vectors),
      stacks: Object.fromEntries(each) as Record<StackName, Weight>,
    };
  });
  const table: [number, number] = [config.vocabSize, config.hiddenSize];
  const embedding = matrix([names.embedding], table, formatOf([names.embedding]));
  const { positions } = names;
  const llama = {
    config,
    isGated,
    embedding,
    positions: positions === null ? null : matrix([positions], [config.maxPositions, config.hiddenSize], "f32").values,
    layers,
    norm: newNorm(config, names.norm, vectors),
    head: config.tieWordEmbeddings ? embedding : matrix([names.head], table, formatOf([names.head])),
    ropes: newRopes(config),
  };
  return { llama, fills };
}

function newNorm({ architecture }: ModelConfig, name: string, vectors: (name: string) => Float32Array): Norm {
  const { norm } = architectures[architecture];
  const weight = vectors(`${name}.weight`);
  return {
    weight: tf.tensor1d(norm === "rmsPlusOne" ? weight.map((w) => 1 + w) : weight),
    bias: norm === "layer" ? tf.tensor1d(vectors(`${name}.bias`)) : null,
  };
}

/** All of a layer that has one dimension. */
function newVectors(
  config: ModelConfig,
  i: number,
  vectors: (name: string) => Float32Array,
): Pick<Layer, "norms" | "headNorms" | "biases"> {
  const { normOf, headNormsOf } = tensorNames(config);
  const isPlusOne = architectures[config.architecture].norm === "rmsPlusOne";
  const norms = normPlaces.map((place) => {
    const name = normOf(i, place);
    return [place, name && newNorm(config, name, vectors)] as const;
  });
  const biases = stackNames.map((stack) => {
    const names = stacksOf(config)[stack];
    if (!names.some((name) => config.biases.includes(name))) return [stack, null] as const;
    const parts = names.map((name) =>
      config.biases.includes(name)
        ? vectors(`${linearPath(i, name)}.bias`)
        : new Float32Array(linearShape(config, name)[0]),
    );
    return [stack, tf.tensor1d(joined(parts))] as const;
  });
  const heads = config.hasHeadNorms ? joined(headNormsOf(i).map(vectors)) : null;
  return {
    norms: Object.fromEntries(norms) as Record<NormPlace, Norm>,
    headNorms: heads && tf.tensor2d(isPlusOne ? heads.map((w) => 1 + w) : heads, [2, config.headDim]),
    biases: Object.fromEntries(biases) as Record<StackName, tf.Tensor1D | null>,
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
