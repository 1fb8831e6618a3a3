/**
 * @file llama2.c's checkpoint (version 0) and tokenizer files, as Andrej Karpathy's tinyllamas come.
 *
 * A checkpoint is seven int32 (dim, hidden, layers, heads, key-value heads, vocabulary, positions; the vocabulary
 * negative where the head has weights of its own), then float32 tensors, each for all layers at once. It rotates
 * neighbouring places of a head; Hugging Face's layout rotates place d with place d + D/2, so that the rows of the
 * query and key weights are put in another order here.
 */

import { linearPath } from "../core/adapter";
import { type ByteSource, bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { say } from "../core/say";
import type { WeightFile } from "../core/weightFile";
import { f32 } from "./ggmlTypes";
import type { GgufValue } from "./ggufHeader";
import { newWeightFile, rotatedRow, type StoredTensor } from "./weightFiles";

type Tensor = { shape: number[]; values: Float32Array };

const headerBytes = 28;

/** As Hugging Face's config.json says it. */
function readConfig(header: Uint8Array): Record<string, unknown> {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
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
  return {
    model_type: "llama",
    vocab_size: Math.abs(signedV),
    hidden_size: C,
    intermediate_size: F,
    num_hidden_layers: L,
    num_attention_heads: H,
    num_key_value_heads: K,
    head_dim: C / H,
    max_position_embeddings: P,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: signedV > 0,
    bos_token_id: 1,
    eos_token_id: 2,
  };
}

/** Where each tensor lies under Hugging Face's name. Throws `model.tensor` where the file ends within one. */
function placeTensors(source: ByteSource, config: ModelConfig): Map<string, StoredTensor> {
  const { vocabSize: V, hiddenSize: C, intermediateSize: F, layers, heads, keyValueHeads, headDim: D } = config;
  const tensors = new Map<string, StoredTensor>();
  let offset = headerBytes;
  const take = (name: string, shape: number[], rotatedHeads = 0): void => {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    if (offset + bytes > source.size) throw new StudioError("model.tensor", say`The file ends within ${name}`);
    tensors.set(name, { source, offset, shape, type: f32, rotatedHeads });
    offset += bytes;
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

/**
 * The configuration, and the tensors, read by rows when they are asked for.
 * Throws `model.config`, `model.tensor` and `file.unreadable`.
 */
export async function openLlama2c(source: ByteSource): Promise<{ config: ModelConfig; file: WeightFile }> {
  if (source.size < headerBytes) throw new StudioError("model.config", say`The file ends within its header`);
  const config = parseModelConfig(readConfig(await source.read(0, headerBytes)));
  return { config, file: newWeightFile(placeTensors(source, config)) };
}

/** The whole file at once. Throws `model.config` and `model.tensor`. */
export function parseLlama2c(bytes: Uint8Array): { config: ModelConfig; tensors: Map<string, Tensor> } {
  if (bytes.byteLength < headerBytes) throw new StudioError("model.config", say`The file ends within its header`);
  const config = parseModelConfig(readConfig(bytes.subarray(0, headerBytes)));
  const tensors = new Map<string, Tensor>();
  for (const [name, { offset, shape, rotatedHeads }] of placeTensors(bytesSource(bytes, "llama2.c"), config)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = new Float32Array(new Uint8Array(bytes.subarray(offset, offset + 4 * size)).buffer);
    tensors.set(name, { shape, values: rotatedHeads ? halvesFirst(values, shape, config.headDim) : values });
  }
  return { config, tensors };
}

/** Rows 0, 1, 2, 3 … of every head as 0, 2, 4 … 1, 3, 5 …: neighbours become places D/2 apart. */
function halvesFirst(values: Float32Array, [height = 0, width = 0]: number[], D: number): Float32Array {
  const moved = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    const from = rotatedRow(row, D) * width;
    moved.set(values.subarray(from, from + width), row * width);
  }
  return moved;
}

type Token = { score: number; bytes: Uint8Array };

/** Every token of a tokenizer.bin: a longest length, then per token a score, a length and the bytes. */
function listTokens(bytes: Uint8Array, vocabSize: number): Token[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 4;
  return Array.from({ length: vocabSize }, (_, id) => {
    const length = offset + 8 <= bytes.length ? view.getInt32(offset + 4, true) : -1;
    if (length < 0 || offset + 8 + length > bytes.length) {
      throw new StudioError("tokenizer.invalid", say`The file ends within token ${id}`);
    }
    const score = view.getFloat32(offset, true);
    offset += 8 + length;
    return { score, bytes: bytes.subarray(offset - length, offset) };
  });
}

/** The bytes of every token of a tokenizer.bin. Throws `tokenizer.invalid`. */
export function parseLlama2cTokens(bytes: Uint8Array, vocabSize: number): Uint8Array[] {
  return listTokens(bytes, vocabSize).map((token) => token.bytes);
}

/** By their numbers in sentencepiece, as GGUF has them. */
const tokenTypes = { normal: 1, unknown: 2, control: 3, byte: 6 };

/**
 * A tokenizer.bin as a GGUF file's metadata would say it: spaces are ▁ again, and the first three tokens are <unk>, <s>
 * and </s>. Throws `tokenizer.invalid`.
 * Source: load_vocab of convert-llama2c-to-ggml.cpp in https://github.com/ggml-org/llama.cpp.
 */
export function readLlama2cTokenizer(bytes: Uint8Array, vocabSize: number): Map<string, GgufValue> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const special = ["<unk>", "<s>", "</s>"];
  const tokens: string[] = [];
  const types: number[] = [];
  const all = listTokens(bytes, vocabSize);
  for (const [id, token] of all.entries()) {
    let text: string;
    try {
      text = special[id] ?? decoder.decode(token.bytes).replaceAll(" ", "▁");
    } catch (cause) {
      throw new StudioError("tokenizer.invalid", say`Token ${id} is not UTF-8`, { cause });
    }
    tokens.push(text);
    if (id < special.length) types.push(id === 0 ? tokenTypes.unknown : tokenTypes.control);
    else types.push(/^<0x[0-9A-F]{2}>$/.test(text) ? tokenTypes.byte : tokenTypes.normal);
  }
  return new Map<string, GgufValue>([
    ["tokenizer.ggml.model", "llama"],
    ["tokenizer.ggml.tokens", tokens],
    ["tokenizer.ggml.scores", all.map((token) => token.score)],
    ["tokenizer.ggml.token_type", types],
    ["tokenizer.ggml.bos_token_id", 1],
    ["tokenizer.ggml.eos_token_id", 2],
    ["tokenizer.ggml.unknown_token_id", 0],
  ]);
}
