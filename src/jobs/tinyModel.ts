/** @file A random model of a few thousand parameters with a byte tokenizer, as the files of a folder: for tests. */

import { parseModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import { tensorShapes } from "../core/tensorNames";
import { newHuggingFaceFolder } from "../formats/huggingFace";
import { filesInMemory, type ModelFiles } from "./openModel";

/** A byte-level BPE without merges: every byte is a token, by GPT-2's table of printable symbols. */
function byteTokenizer(): unknown {
  const vocab: Record<string, number> = {};
  let spare = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    vocab[String.fromCodePoint(printable ? byte : 256 + spare++)] = byte;
  }
  const eos = { id: 256, content: "<eos>", special: true, normalized: false, lstrip: false, rstrip: false };
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    version: "1.0",
    added_tokens: [{ ...eos, single_word: false }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: "BPE", vocab, merges: [], unk_token: null, byte_fallback: false },
  };
}

const tinyConfig = parseModelConfig({
  model_type: "llama",
  vocab_size: 257,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
  eos_token_id: 256,
});

export function newTinyModel(seed = 1): ModelFiles {
  const random = newRandom(seed);
  const tensors = new Map(
    [...tensorShapes(tinyConfig)].map(([name, shape]) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const values = Float32Array.from({ length: size }, () =>
        name.endsWith("norm.weight") ? 1 : 0.15 * random.normal(),
      );
      return [name, { shape, values }] as const;
    }),
  );
  const files = newHuggingFaceFolder({
    config: tinyConfig,
    tensors,
    tokenizerJson: byteTokenizer(),
    tokenizerConfig: { eos_token: "<eos>" },
    dtype: "float32",
  });
  return filesInMemory("tiny", files);
}
