/** @file The Llama architecture: its weights as a record, and its forward pass as functions over them. */

import type { LinearName } from "../core/adapter";
import { linearNames, linearPath, linearShape } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import { add } from "../kernels/add";
import { attention } from "../kernels/attention";
import { linear } from "../kernels/linear";
import { rmsNorm } from "../kernels/rmsNorm";
import { takeRows } from "../kernels/rows";
import { ropeTable, splitHeads } from "../kernels/splitHeads";
import { swiglu } from "../kernels/swiglu";
import { tf } from "../kernels/tf";
import type { Adapter } from "./lora";
import { adaptedLinear, layerWeights } from "./lora";
import { recomputed } from "./recompute";

/** A tensor's numbers outside the engine. */
export type TensorData = { shape: number[]; values: Float32Array };

export type Layer = {
  inputNorm: tf.Tensor1D; // [C]
  postNorm: tf.Tensor1D; // [C]
  linears: Record<LinearName, tf.Tensor2D>; // [out, in]
};

export type Llama = {
  config: ModelConfig;
  embedding: tf.Tensor2D; // [V, C]
  layers: Layer[];
  norm: tf.Tensor1D; // [C]
  /** [V, C]; the embedding itself where the two are tied. */
  head: tf.Tensor2D;
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

/**
 * Makes a Llama of tensors under Hugging Face's names. Throws `model.tensor`, naming the tensor that is missing or
 * whose shape does not fit the configuration.
 */
export function loadLlama(config: ModelConfig, tensors: ReadonlyMap<string, TensorData>): Llama {
  const expected = tensorShapes(config);
  for (const [name, shape] of expected) checkTensor(name, shape, tensors.get(name));
  const used = new Set(expected.keys());
  if (config.tieWordEmbeddings) used.add("lm_head.weight"); // Some files hold the tied head a second time.
  const take = (name: string): tf.Tensor => {
    const data = tensors.get(name);
    if (!data) throw new StudioError("model.tensor", say`${name} is missing`);
    return tf.tensor(data.values, data.shape, "float32");
  };
  const layers = Array.from({ length: config.layers }, (_, i): Layer => {
    const linears = linearNames.map((name) => [name, take(`${linearPath(i, name)}.weight`)] as const);
    return {
      inputNorm: take(`model.layers.${i}.input_layernorm.weight`) as tf.Tensor1D,
      postNorm: take(`model.layers.${i}.post_attention_layernorm.weight`) as tf.Tensor1D,
      linears: Object.fromEntries(linears) as Record<LinearName, tf.Tensor2D>,
    };
  });
  const embedding = take("model.embed_tokens.weight") as tf.Tensor2D;
  return {
    config,
    embedding,
    layers,
    norm: take("model.norm.weight") as tf.Tensor1D,
    head: config.tieWordEmbeddings ? embedding : (take("lm_head.weight") as tf.Tensor2D),
    rope: tf.tensor2d(ropeTable(config.maxPositions, config.headDim, config.ropeTheta), [
      config.maxPositions,
      config.headDim,
    ]),
    unused: [...tensors.keys()].filter((name) => !used.has(name)),
  };
}

function checkTensor(name: string, shape: number[], data: TensorData | undefined): void {
  if (!data) throw new StudioError("model.tensor", say`${name} is missing`);
  const size = shape.reduce((a, b) => a * b, 1);
  if (data.shape.length !== shape.length || data.shape.some((n, i) => n !== shape[i]) || data.values.length !== size) {
    throw new StudioError("model.tensor", say`${name} is [${data.shape.join(", ")}], expected [${shape.join(", ")}]`);
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

/** The model's weights on the device under their names; a tied head appears once, as the embedding. */
export function llamaWeights(llama: Llama): Map<string, tf.Tensor> {
  const weights = new Map<string, tf.Tensor>([["model.embed_tokens.weight", llama.embedding]]);
  llama.layers.forEach((layer, i) => {
    weights.set(`model.layers.${i}.input_layernorm.weight`, layer.inputNorm);
    weights.set(`model.layers.${i}.post_attention_layernorm.weight`, layer.postNorm);
    for (const name of linearNames) weights.set(`${linearPath(i, name)}.weight`, layer.linears[name]);
  });
  weights.set("model.norm.weight", llama.norm);
  if (llama.head !== llama.embedding) weights.set("lm_head.weight", llama.head);
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
  let x = takeRows(llama.embedding, places.tokens);
  llama.layers.forEach((_, i) => {
    const part = i === config.layers - 1 ? picked : undefined;
    if (!recompute || !adapter) {
      x = block(llama, adapter, i, x, { ...places, picked: part }, { attend, dropoutSeed });
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
  const { config, rope: table } = llama;
  const { heads, keyValueHeads, rmsNormEps } = config;
  const layer = llama.layers[i] as Layer;
  const run = (name: LinearName, x: tf.Tensor2D) =>
    adaptedLinear(x, layer.linears[name], adapter, linearPath(i, name), dropoutSeed);
  const h = rmsNorm(input, layer.inputNorm, rmsNormEps);
  const projections = { q: run("q_proj", h), k: run("k_proj", h), v: run("v_proj", h), positions, table };
  const qkv = splitHeads(projections, { rows, length, heads, keyValueHeads });
  const y = attend ? attend(qkv, i) : attention(qkv, segments, config);
  const pick = (x: tf.Tensor2D) => (picked ? takeRows(x, picked) : x);
  const x = add(pick(input), run("o_proj", pick(y)));
  const m = rmsNorm(x, layer.postNorm, rmsNormEps);
  return add(x, run("down_proj", swiglu(run("gate_proj", m), run("up_proj", m))));
}

/** [M, C] → [M, V]. */
export function readOut(llama: Llama, x: tf.Tensor2D): tf.Tensor2D {
  return linear(x, llama.head);
}
