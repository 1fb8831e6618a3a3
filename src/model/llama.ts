/** @file A decoder's weights as a record on the device, made of numbers in memory or of a file read piece by piece. */

import { type StackName, stackNames } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { packWeight, type WeightFormat } from "../core/packing";
import { say } from "../core/say";
import { normPlaces, tensorNames, tensorShapes, unusedNames } from "../core/tensorNames";
import { transposed } from "../core/transposed";
import type { WeightEntry, WeightFile } from "../core/weightFile";
import type { tf } from "../kernels/tf";
import type { OpenWeight, Weight } from "../kernels/weight";
import { type Fill, layOut } from "./layOut";
import { disposeRopes, type Ropes } from "./ropes";

/** A tensor's numbers outside the engine. */
export type TensorData = { shape: number[]; values: Float32Array };

/** RMS norm by a weight, or LayerNorm where there is a bias: [C] each. Where a file holds w of 1 + w, this is 1 + w. */
export type Norm = { weight: tf.Tensor1D; bias: tf.Tensor1D | null };

export type Layer = {
  norms: { input: Norm; feedForward: Norm; afterAttention: Norm | null; afterFeedForward: Norm | null };
  headNorms: tf.Tensor2D | null; // [2, D]: the queries' weight, then the keys'
  stacks: Record<StackName, Weight>; // [rows of all its layers, in]
  biases: Record<StackName, tf.Tensor1D | null>; // [rows of all its layers]
};

export type Llama = {
  config: ModelConfig;
  isGated: boolean;
  embedding: Weight; // [V, C]
  positions: tf.Tensor2D | null; // [P, C], where they are learned
  layers: Layer[];
  norm: Norm;
  /** [V, C]; the embedding itself where the two are tied. */
  head: Weight;
  ropes: Ropes;
  /** Names among the tensors given that the architecture does not use. */
  unused: string[];
};

/** Writes rows of plain numbers from `row` on. */
function writeRows({ weight, write }: OpenWeight, row: number, values: Float32Array): void {
  const { format, width } = weight;
  write(row, format === "f32" ? values : packWeight(values, [values.length / width, width], format));
}

/**
 * Makes a model of tensors under Hugging Face's names, its matrices kept in `format`. Throws `model.tensor`, naming the
 * tensor that is missing or whose shape does not fit the configuration.
 */
export function loadLlama(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorData>,
  format: WeightFormat = "f32",
): Llama {
  for (const [name, shape] of tensorShapes(config)) {
    const data = tensors.get(name);
    checkShape(name, shape, data?.shape);
    if (data?.values.length !== shape.reduce((a, b) => a * b, 1)) {
      throw new StudioError("model.tensor", say`${name} has ${data?.values.length ?? 0} numbers`);
    }
  }
  const numbers = (name: string) => tensors.get(name)?.values ?? new Float32Array(0);
  const { llama, fills } = layOut(config, numbers, () => format);
  for (const { names, open, isTransposed } of fills) {
    let row = 0;
    for (const values of names.map(numbers)) {
      writeRows(open, row, isTransposed ? transposed(values, open.weight.width) : values);
      row += values.length / open.weight.width;
    }
  }
  return { ...llama, unused: unusedNames(config, tensors.keys()) };
}

/** Numbers of a file read at a time: 8 MB as f32. */
const numbersAtATime = 2 ** 21;

/**
 * Makes a model of a file's tensors, read a few megabytes at a time, so that only the device holds it whole. Each matrix
 * is kept in the packing that `formatOf` answers for its layers' entries. Throws `model.tensor` as `loadLlama` does,
 * and the signal's reason; then nothing is left on the device.
 */
export async function readLlama(
  config: ModelConfig,
  file: WeightFile,
  options: {
    formatOf: (entries: readonly WeightEntry[]) => WeightFormat;
    signal: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<Llama> {
  const shapes = tensorShapes(config);
  for (const [name, shape] of shapes) checkShape(name, shape, file.tensors.get(name)?.shape);
  const vectors = new Map<string, Float32Array>();
  for (const [name, shape] of shapes) {
    if (shape.length === 1) vectors.set(name, await file.readRows(name, 0, shape[0] ?? 0));
  }
  const entries = (names: readonly string[]) => names.flatMap((name) => file.tensors.get(name) ?? []);
  const { llama, fills } = layOut(
    config,
    (name) => vectors.get(name) ?? new Float32Array(0),
    (names) => options.formatOf(entries(names)),
  );
  const whole = { ...llama, unused: unusedNames(config, file.tensors.keys()) };
  try {
    for (const [i, fill] of fills.entries()) {
      options.onProgress?.(i, fills.length);
      await fillFrom(file, fill, options.signal);
    }
    return whole;
  } catch (error) {
    disposeLlama(whole);
    throw error;
  }
}

async function fillFrom(file: WeightFile, { names, open, isTransposed }: Fill, signal: AbortSignal): Promise<void> {
  const { format, width } = open.weight;
  const atATime = Math.max(1, Math.floor(numbersAtATime / width));
  let at = 0;
  for (const name of names) {
    const entry = file.tensors.get(name);
    if (isTransposed) {
      signal.throwIfAborted();
      writeRows(open, at, transposed(await file.readRows(name, 0, width), width));
      at += entry?.shape[1] ?? 0;
      continue;
    }
    const rows = entry?.shape[0] ?? 0;
    for (let from = 0; from < rows; from += atATime) {
      signal.throwIfAborted();
      const to = Math.min(rows, from + atATime);
      if (format !== "f32" && entry?.packed === format) open.write(at + from, await file.readPacked(name, from, to));
      else writeRows(open, at + from, await file.readRows(name, from, to));
    }
    at += rows;
  }
}

function checkShape(name: string, shape: number[], found: readonly number[] | undefined): void {
  if (!found) throw new StudioError("model.tensor", say`${name} is missing`);
  if (found.length !== shape.length || found.some((n, i) => n !== shape[i])) {
    throw new StudioError("model.tensor", say`${name} is [${found.join(", ")}], expected [${shape.join(", ")}]`);
  }
}

/**
 * The model's weights on the device: vectors and single matrices under their own names, stacks as
 * `model.layers.0.qkv.weight` and `.bias`, head norms as `model.layers.0.headNorms`. A tied head appears once, as the
 * embedding.
 */
export function llamaWeights(llama: Llama): Map<string, tf.Tensor> {
  const names = tensorNames(llama.config);
  const weights = new Map<string, tf.Tensor>([[names.embedding, llama.embedding.values]]);
  if (names.positions && llama.positions) weights.set(names.positions, llama.positions);
  const addNorm = (name: string | null, norm: Norm | null) => {
    if (!name || !norm) return;
    weights.set(`${name}.weight`, norm.weight);
    if (norm.bias) weights.set(`${name}.bias`, norm.bias);
  };
  llama.layers.forEach((layer, i) => {
    for (const place of normPlaces) addNorm(names.normOf(i, place), layer.norms[place]);
    if (layer.headNorms) weights.set(`model.layers.${i}.headNorms`, layer.headNorms);
    for (const stack of stackNames) {
      weights.set(`model.layers.${i}.${stack}.weight`, layer.stacks[stack].values);
      const bias = layer.biases[stack];
      if (bias) weights.set(`model.layers.${i}.${stack}.bias`, bias);
    }
  });
  addNorm(names.norm, llama.norm);
  if (llama.head !== llama.embedding) weights.set(names.head, llama.head.values);
  return weights;
}

export function disposeLlama(llama: Llama): void {
  for (const weight of llamaWeights(llama).values()) weight.dispose();
  disposeRopes(llama.ropes);
}
