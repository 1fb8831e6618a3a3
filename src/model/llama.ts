/** @file The Llama architecture: its weights as a record, and its forward pass as functions over them. */

import {
  linearNames,
  linearPath,
  linearShape,
  type StackName,
  stackNames,
  stackShape,
  stacksOf,
} from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { packWeight, type WeightFormat } from "../core/packing";
import { ropeFrequencies } from "../core/rope";
import { say } from "../core/say";
import type { WeightEntry, WeightFile } from "../core/weightFile";
import { add } from "../kernels/add";
import { attention } from "../kernels/attention";
import { linear } from "../kernels/linear";
import { addRmsNorm, rmsNorm } from "../kernels/rmsNorm";
import { takeRows } from "../kernels/rows";
import { ropeTable, splitHeads } from "../kernels/splitHeads";
import { swiglu } from "../kernels/swiglu";
import { tf } from "../kernels/tf";
import { type OpenWeight, openWeight, type Weight, weightRows } from "../kernels/weight";
import type { Adapter } from "./lora";
import { adaptedLinear, layerWeights } from "./lora";
import { recomputed } from "./recompute";

/** A tensor's numbers outside the engine. */
export type TensorData = { shape: number[]; values: Float32Array };

export type Layer = {
  inputNorm: tf.Tensor1D; // [C]
  postNorm: tf.Tensor1D; // [C]
  stacks: Record<StackName, Weight>; // [rows of all its layers, in]
};

export type Llama = {
  config: ModelConfig;
  embedding: Weight; // [V, C]
  layers: Layer[];
  norm: tf.Tensor1D; // [C]
  /** [V, C]; the embedding itself where the two are tied. */
  head: Weight;
  /** Cosines and sines of every position, [P, D]. */
  rope: tf.Tensor2D;
  /** Names among the tensors given that the architecture does not use. */
  unused: string[];
};

/** Places of a batch laid out as tensors: B rows of T tokens. */
export type Places = {
  rows: number;
  length: number;
  tokens: tf.Tensor1D; // [B·T] int32
  positions: tf.Tensor1D; // [B·T] int32
  segments: tf.Tensor1D; // [B·T] int32
};

/** What of a matrix is yet to be written: the named layers' rows, one layer's after the other's. */
type Fill = { names: readonly string[]; open: OpenWeight };

/**
 * The model with room for its matrices, each in the packing that `formatOf` answers for the layers that share it;
 * `vectors` hold all that has one dimension.
 */
function layOut(
  config: ModelConfig,
  vectors: (name: string) => Float32Array,
  formatOf: (names: readonly string[]) => WeightFormat,
): { llama: Omit<Llama, "unused">; fills: Fill[] } {
  if (config.architecture !== "llama" || config.ropeScaling || config.biases.length > 0 || config.ropeTheta === null) {
    throw new StudioError("model.config", say`${config.architecture} with these settings cannot be computed yet`);
  }
  const fills: Fill[] = [];
  const vector = (name: string) => tf.tensor1d(vectors(name));
  const matrix = (names: readonly string[], shape: [number, number]): Weight => {
    const open = openWeight(shape, formatOf(names));
    fills.push({ names, open });
    return open.weight;
  };
  const layers = Array.from({ length: config.layers }, (_, i): Layer => {
    const each = stackNames.map((stack) => {
      const names = stacksOf(config)[stack].map((name) => `${linearPath(i, name)}.weight`);
      return [stack, matrix(names, stackShape(config, stack))] as const;
    });
    return {
      inputNorm: vector(`model.layers.${i}.input_layernorm.weight`),
      postNorm: vector(`model.layers.${i}.post_attention_layernorm.weight`),
      stacks: Object.fromEntries(each) as Record<StackName, Weight>,
    };
  });
  const table: [number, number] = [config.vocabSize, config.hiddenSize];
  const embedding = matrix(["model.embed_tokens.weight"], table);
  const { maxPositions: P, headDim: D } = config;
  const llama = {
    config,
    embedding,
    layers,
    norm: vector("model.norm.weight"),
    head: config.tieWordEmbeddings ? embedding : matrix(["lm_head.weight"], table),
    rope: tf.tensor2d(ropeTable(Math.min(P, 32768), ropeFrequencies(D, { theta: config.ropeTheta, scaling: null })), [
      Math.min(P, 32768),
      D,
    ]),
  };
  return { llama, fills };
}

function unusedNames(config: ModelConfig, names: Iterable<string>): string[] {
  const used = new Set(tensorShapes(config).keys());
  if (config.tieWordEmbeddings) used.add("lm_head.weight"); // Some files hold the tied head a second time.
  return [...names].filter((name) => !used.has(name));
}

/**
 * Makes a Llama of tensors under Hugging Face's names, its matrices kept in `format`. Throws `model.tensor`, naming the
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
  for (const { names, open } of fills) {
    const { width } = open.weight;
    let row = 0;
    for (const values of names.map(numbers)) {
      const rows = values.length / width;
      open.write(row, format === "f32" ? values : packWeight(values, [rows, width], format));
      row += rows;
    }
  }
  return { ...llama, unused: unusedNames(config, tensors.keys()) };
}

/** Numbers of a file read at a time: 8 MB as f32. */
const numbersAtATime = 2 ** 21;

/**
 * Makes a Llama of a file's tensors, read a few megabytes at a time, so that only the device holds it whole. Each matrix
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

async function fillFrom(file: WeightFile, { names, open }: Fill, signal: AbortSignal): Promise<void> {
  const { format, width } = open.weight;
  const atATime = Math.max(1, Math.floor(numbersAtATime / width));
  let at = 0;
  for (const name of names) {
    const entry = file.tensors.get(name);
    const rows = entry?.shape[0] ?? 0;
    for (let from = 0; from < rows; from += atATime) {
      signal.throwIfAborted();
      const to = Math.min(rows, from + atATime);
      if (format !== "f32" && entry?.packed === format) open.write(at + from, await file.readPacked(name, from, to));
      else {
        const values = await file.readRows(name, from, to);
        open.write(at + from, format === "f32" ? values : packWeight(values, [to - from, width], format));
      }
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

/** Every weight's name and shape, as transformers writes them. */
export function tensorShapes(config: ModelConfig): Map<string, number[]> {
  const { vocabSize: V, hiddenSize: C } = config;
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [V, C]]]);
  for (let i = 0; i < config.layers; i++) {
    shapes.set(`model.layers.${i}.input_layernorm.weight`, [C]);
    shapes.set(`model.layers.${i}.post_attention_layernorm.weight`, [C]);
    for (const name of linearNames) shapes.set(`${linearPath(i, name)}.weight`, linearShape(config, name));
  }
  shapes.set("model.norm.weight", [C]);
  if (!config.tieWordEmbeddings) shapes.set("lm_head.weight", [V, C]);
  return shapes;
}

/**
 * The model's weights on the device: vectors and single matrices under their own names, stacks as
 * `model.layers.0.qkv.weight`. A tied head appears once, as the embedding.
 */
export function llamaWeights(llama: Llama): Map<string, tf.Tensor> {
  const weights = new Map<string, tf.Tensor>([["model.embed_tokens.weight", llama.embedding.values]]);
  llama.layers.forEach((layer, i) => {
    weights.set(`model.layers.${i}.input_layernorm.weight`, layer.inputNorm);
    weights.set(`model.layers.${i}.post_attention_layernorm.weight`, layer.postNorm);
    for (const stack of stackNames) weights.set(`model.layers.${i}.${stack}.weight`, layer.stacks[stack].values);
  });
  weights.set("model.norm.weight", llama.norm);
  if (llama.head !== llama.embedding) weights.set("lm_head.weight", llama.head.values);
  return weights;
}

export function disposeLlama(llama: Llama): void {
  for (const weight of llamaWeights(llama).values()) weight.dispose();
  llama.rope.dispose();
}

/** What attention does with the heads of layer `i`: [B, H + 2K, T, D] → [B·T, H·D]. */
export type Attend = (qkv: tf.Tensor4D, layer: number) => tf.Tensor2D;

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
  let x = embed(llama.embedding, places.tokens);
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
  return rmsNorm(x, llama.norm, config.rmsNormEps);
}

type DecodeOptions = { picked?: tf.Tensor1D; attend?: Attend; dropoutSeed?: number; recompute?: boolean };

/** One decoder block: [B·T, C] → [B·T, C], or [M, C] where `picked` names M places. */
function block(
  llama: Llama,
  adapter: Adapter | null,
  i: number,
  input: tf.Tensor2D,
  { rows, length, positions, segments, picked }: Omit<Places, "tokens"> & { picked: tf.Tensor1D | undefined },
  { attend, dropoutSeed }: { attend?: Attend | undefined; dropoutSeed: number | undefined },
): tf.Tensor2D {
  const { config, rope } = llama;
  const { heads, keyValueHeads, rmsNormEps } = config;
  const layer = llama.layers[i] as Layer;
  const run = (stack: StackName, x: tf.Tensor2D) =>
    adaptedLinear(x, layer.stacks[stack], adapter, i, stack, dropoutSeed);
  const h = rmsNorm(input, layer.inputNorm, rmsNormEps);
  const qkv = splitHeads(run("qkv", h), positions, rope, { rows, length, heads, keyValueHeads });
  const y = attend ? attend(qkv, i) : attention(qkv, segments, config);
  const pick = (x: tf.Tensor2D) => (picked ? takeRows(x, picked) : x);
  const [x, m] = addRmsNorm(pick(input), run("o", pick(y)), layer.postNorm, rmsNormEps);
  return add(x, run("down", swiglu(run("gateUp", m))));
}

/** The embedding's rows: [M, C]. A gradient comes back to a plain one alone. */
function embed(embedding: Weight, tokens: tf.Tensor1D): tf.Tensor2D {
  return embedding.format === "f32" ? takeRows(embedding.values, tokens) : weightRows(embedding, tokens);
}

/** [M, C] → [M, V]. */
export function readOut(llama: Llama, x: tf.Tensor2D): tf.Tensor2D {
  return linear(x, llama.head);
}
