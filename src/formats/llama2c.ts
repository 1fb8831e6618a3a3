/**
 * @file llama2.c's checkpoint (version 0) and tokenizer files, as Andrej Karpathy's tinyllamas come.
 *
 * A checkpoint is seven int32 (dim, hidden, layers, heads, key-value heads, vocabulary, positions; the vocabulary
 * negative where the head has weights of its own), then float32 tensors, each for all layers at once. It rotates
 * neighbouring places of a head; Hugging Face's layout rotates place d with place d + D/2, so that the rows of the
 * query and key weights are put in another order here.
 */

import { linearPath } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";

type Tensor = { shape: number[]; values: Float32Array };

const headerBytes = 28;

/** The configuration, and the tensors under Hugging Face's names. Throws `model.config` and `model.tensor`. */
export function parseLlama2c(bytes: Uint8Array): { config: ModelConfig; tensors: Map<string, Tensor> } {
  if (bytes.byteLength < headerBytes) throw new StudioError("model.config", say`The file ends within its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [C = 0, F = 0, L = 0, H = 0, K = 0, signedV = 0, P = 0] = Array.from({ length: 7 }, (_, i) =>
    view.getInt32(4 * i, true),
  );
  const sizes = {
    dim: C,
    hidden_dim: F,
    n_layers: L,
    n_heads: H,
    n_kv_heads: K,
    vocab_size: Math.abs(signedV),
    seq_len: P,
  };
  for (const [name, size] of Object.entries(sizes)) {
    if (size < 1 || size > 2 ** 24) throw new StudioError("model.config", say`${name} is ${size}`);
  }
  if (C % H !== 0 || H % K !== 0 || (C / H) % 2 !== 0) {
    throw new StudioError("model.config", say`dim ${C}, n_heads ${H} and n_kv_heads ${K} do not fit together`);
  }
  const config: ModelConfig = {
    architecture: "llama",
    vocabSize: Math.abs(signedV),
    hiddenSize: C,
    intermediateSize: F,
    layers: L,
    heads: H,
    keyValueHeads: K,
    headDim: C / H,
    maxPositions: P,
    ropeTheta: 10000,
    rmsNormEps: 1e-5,
    tieWordEmbeddings: signedV > 0,
    bosTokenId: 1,
    eosTokenIds: [2],
  };
  return { config, tensors: readTensors(view, config) };
}

function readTensors(view: DataView, config: ModelConfig): Map<string, Tensor> {
  const { vocabSize: V, hiddenSize: C, intermediateSize: F, layers, heads, keyValueHeads, headDim: D } = config;
  const tensors = new Map<string, Tensor>();
  let offset = headerBytes;
  const take = (name: string, shape: number[], rotatedHeads = 0): void => {
    const length = shape.reduce((a, b) => a * b, 1);
    if (offset + 4 * length > view.byteLength) throw new StudioError("model.tensor", say`The file ends within ${name}`);
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = view.getFloat32(offset + 4 * i, true);
    offset += 4 * length;
    tensors.set(name, { shape, values: rotatedHeads > 0 ? halvesFirst(values, rotatedHeads, D, C) : values });
  };
  const each = (name: (layer: number) => string, shape: number[], rotatedHeads = 0) => {
    for (let layer = 0; layer < layers; layer++) take(name(layer), shape, rotatedHeads);
  };
  take("model.embed_tokens.weight", [V, C]);
  each((layer) => `model.layers.${layer}.input_layernorm.weight`, [C]);
  each((layer) => `${linearPath(layer, "q_proj")}.weight`, [heads * D, C], heads);
  each((layer) => `${linearPath(layer, "k_proj")}.weight`, [keyValueHeads * D, C], keyValueHeads);
  each((layer) => `${linearPath(layer, "v_proj")}.weight`, [keyValueHeads * D, C]);
  each((layer) => `${linearPath(layer, "o_proj")}.weight`, [C, heads * D]);
  each((layer) => `model.layers.${layer}.post_attention_layernorm.weight`, [C]);
  each((layer) => `${linearPath(layer, "gate_proj")}.weight`, [F, C]);
  each((layer) => `${linearPath(layer, "down_proj")}.weight`, [C, F]);
  each((layer) => `${linearPath(layer, "up_proj")}.weight`, [F, C]);
  take("model.norm.weight", [C]);
  offset += 4 * config.maxPositions * D; // Cosines and sines, which every reader computes again.
  if (!config.tieWordEmbeddings) take("lm_head.weight", [V, C]);
  return tensors;
}

/** Rows 0, 1, 2, 3 … of every head as 0, 2, 4 … 1, 3, 5 …: neighbours become places D/2 apart. */
function halvesFirst(values: Float32Array, heads: number, D: number, cols: number): Float32Array {
  const moved = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let d = 0; d < D; d++) {
      const from = (head * D + (d < D / 2 ? 2 * d : 2 * (d - D / 2) + 1)) * cols;
      moved.set(values.subarray(from, from + cols), (head * D + d) * cols);
    }
  }
  return moved;
}

/** The bytes of every token of a tokenizer.bin: a longest length, then per token a score, a length and the bytes. */
export function parseLlama2cTokens(bytes: Uint8Array, vocabSize: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 4;
  return Array.from({ length: vocabSize }, (_, id) => {
    const length = offset + 8 <= bytes.length ? view.getInt32(offset + 4, true) : -1;
    if (length < 0 || offset + 8 + length > bytes.length) {
      throw new StudioError("tokenizer.invalid", say`The file ends within token ${id}`);
    }
    offset += 8 + length;
    return bytes.subarray(offset - length, offset);
  });
}
