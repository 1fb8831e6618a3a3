/** @file The tokenizer in a GGUF file's metadata, as the tokenizer.json and tokenizer_config.json of Hugging Face. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { ggufPreTokenizers } from "./ggufPreTokenizer";

/** `tokenizer.ggml.token_type` (ggml, docs/gguf.md). */
export const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

type Metadata = ReadonlyMap<string, unknown>;
type Json = Record<string, unknown>;
type Vocabulary = { tokens: readonly string[]; types: readonly number[]; idOf: ReadonlyMap<string, number> };

export type GgufTokenizer = {
  tokenizerJson: Json;
  tokenizerConfig: Json;
  /** What ends a text first, then what ends a turn or a message: `loadTokenizer` and generation take them. */
  eosTokenIds: number[];
};

function fail(detail: Said): never {
  throw new StudioError("tokenizer.invalid", detail);
}

/** An array of the metadata, whatever it holds and however it is kept. */
function readArray(metadata: Metadata, key: string): ArrayLike<unknown> | null {
  const value = metadata.get(key);
  if (value === undefined) return null;
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)))
    return value as unknown as ArrayLike<unknown>;
  return fail(say`${key} is not an array`);
}

function readStrings(metadata: Metadata, key: string): string[] {
  const values = readArray(metadata, key) ?? fail(say`${key} is missing`);
  return Array.from(values, (value, i) => (typeof value === "string" ? value : fail(say`${key}[${i}] is not text`)));
}

function readNumbers(metadata: Metadata, key: string, length: number): number[] | null {
  const values = readArray(metadata, key);
  if (values && values.length !== length) fail(say`${key} has ${values.length} values for ${length} tokens`);
  return (
    values && Array.from(values, (value, i) => (isNumber(value) ? Number(value) : fail(say`${key}[${i}] is no number`)))
  );
}

const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** A value in an error's words. */
const shown = (value: unknown): string => (typeof value === "bigint" ? `${value}` : JSON.stringify(value).slice(0, 80));

function readBoolean(metadata: Metadata, key: string): boolean | null {
  const value = metadata.get(key);
  if (value === undefined) return null;
  return typeof value === "boolean" ? value : fail(say`${key} is neither true nor false`);
}

/** A token's id, null where the file names none: absent, or the 2^32 − 1 that some writers put for it. */
function readId(metadata: Metadata, name: string, { tokens }: Vocabulary): number | null {
  const key = `tokenizer.ggml.${name}_token_id`;
  const value = metadata.get(key);
  if (value === undefined) return null;
  const id = isNumber(value) ? Number(value) : Number.NaN;
  if (id === 2 ** 32 - 1 || id === -1) return null;
  if (!Number.isInteger(id) || id < 0 || id >= tokens.length)
    fail(say`${key} ${shown(value)} is not in the vocabulary of ${tokens.length}`);
  return id;
}

function readVocabulary(metadata: Metadata): Vocabulary {
  // Some files fill their vocabulary with empty tokens, which llama.cpp names so.
  const tokens = readStrings(metadata, "tokenizer.ggml.tokens").map((token, id) => token || `[EMPTY_${id}]`);
  if (tokens.length === 0) fail(say`tokenizer.ggml.tokens is empty`);
  const types = readNumbers(metadata, "tokenizer.ggml.token_type", tokens.length) ?? tokens.map(() => tokenType.normal);
  const idOf = new Map<string, number>();
  tokens.forEach((token, id) => {
    const other = idOf.get(token);
    if (other !== undefined)
      fail(say`tokenizer.ggml.tokens: ${JSON.stringify(token)} is token ${other} and token ${id}`);
    idOf.set(token, id);
  });
  return { tokens, types, idOf };
}

/** Names that end a turn in files that do not say so themselves (llama.cpp, src/llama-vocab.cpp, special_eog_ids). */
const turnEnds = ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<EOT>"];

function findEosIds(metadata: Metadata, vocabulary: Vocabulary): number[] {
  const { types, idOf } = vocabulary;
  const named = ["eos", "eot", "eom"].map((name) => readId(metadata, name, vocabulary));
  const known = turnEnds
    .map((name) => idOf.get(name))
    .filter((id) => id !== undefined && types[id] === tokenType.control);
  return [...new Set([...named, ...known])].filter((id) => typeof id === "number");
}

/**
 * The tokenizer of a GGUF file: `tokenizer.ggml.model` "gpt2" (byte-level BPE) or "llama" (SentencePiece BPE, whose merges
 * are made of the tokens' scores). The kinds that cut by a unigram model are refused by name, and so is a way of cutting
 * words that is not known. Throws `tokenizer.invalid`, naming the key.
 */
export function tokenizerFromGguf(metadata: Metadata): GgufTokenizer {
  const model = metadata.get("tokenizer.ggml.model");
  if (model === undefined) fail(say`The file has no tokenizer: tokenizer.ggml.model is missing`);
  if (model !== "gpt2" && model !== "llama")
    fail(say`Tokenizers of the kind ${shown(model)} cannot be read, only "gpt2" and "llama"`);
  const vocabulary = readVocabulary(metadata);
  const { tokens, types } = vocabulary;
  const parts = model === "gpt2" ? newByteLevel(metadata, vocabulary) : newSentencePiece(metadata, vocabulary);
  const nameOf = (name: string): string | null => {
    const id = readId(metadata, name, vocabulary);
    return id === null ? null : (tokens[id] ?? null);
  };
  const bos = nameOf("bos");
  const eosTokenIds = findEosIds(metadata, vocabulary);
  const addBos = readBoolean(metadata, "tokenizer.ggml.add_bos_token") ?? parts.addBos;
  const chatTemplate = metadata.get("tokenizer.chat_template");
  const added = tokens.flatMap((content, id) => {
    const type = types[id];
    const isSpecial = type === tokenType.control || type === tokenType.unknown;
    if (!isSpecial && type !== tokenType.userDefined) return [];
    return [{ id, content, special: isSpecial, normalized: false, lstrip: false, rstrip: false, single_word: false }];
  });
  const { normalizer, preTokenizer, decoder } = parts;
  return {
    tokenizerJson: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer,
      pre_tokenizer: preTokenizer,
      post_processor: addBos && bos !== null ? newPrefix(bos, vocabulary.idOf.get(bos) ?? 0) : null,
      decoder,
      model: { type: "BPE", ...parts.model, vocab: Object.fromEntries(vocabulary.idOf) },
    },
    tokenizerConfig: {
      tokenizer_class: "PreTrainedTokenizerFast",
      clean_up_tokenization_spaces: false,
      add_bos_token: addBos,
      add_eos_token: readBoolean(metadata, "tokenizer.ggml.add_eos_token") ?? false,
      bos_token: bos,
      eos_token: nameOf("eos"),
      unk_token: nameOf("unknown"),
      pad_token: nameOf("padding"),
      ...(typeof chatTemplate === "string" ? { chat_template: chatTemplate } : {}),
    },
    eosTokenIds,
  };
}

/** Puts the beginning-of-text token before every text. */
function newPrefix(bos: string, id: number): Json {
  const first = { SpecialToken: { id: bos, type_id: 0 } };
  const text = (letter: string, type: number) => ({ Sequence: { id: letter, type_id: type } });
  return {
    type: "TemplateProcessing",
    single: [first, text("A", 0)],
    pair: [first, text("A", 0), { SpecialToken: { id: bos, type_id: 1 } }, text("B", 1)],
    special_tokens: { [bos]: { id: bos, ids: [id], tokens: [bos] } },
  };
}

type Parts = { model: Json; normalizer: Json | null; preTokenizer: Json | null; decoder: Json; addBos: boolean };

function newByteLevel(metadata: Metadata, { idOf }: Vocabulary): Parts {
  const name = metadata.get("tokenizer.ggml.pre") ?? "default";
  const kind = typeof name === "string" ? ggufPreTokenizers.get(name) : undefined;
  if (!kind) fail(say`tokenizer.ggml.pre ${shown(name)} is not a way of cutting words that the studio knows`);
  const key = "tokenizer.ggml.merges";
  const merges = readStrings(metadata, key).map((merge, i) => {
    // A token may itself begin with a space only where it is the whole of the pair's left half.
    const at = merge.indexOf(" ", 1);
    const [left, right] = [merge.slice(0, at), merge.slice(at + 1)];
    if (at < 0 || right === "") fail(say`${key}[${i}] is not a pair of tokens`);
    for (const part of [left, right, left + right])
      if (!idOf.has(part)) fail(say`${key}[${i}]: ${JSON.stringify(part)} is no token`);
    return [left, right];
  });
  return {
    model: {
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: kind.ignoreMerges ?? false,
      merges,
    },
    normalizer: kind.normalizer ?? null,
    preTokenizer: kind.preTokenizer,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    addBos: kind.addBos ?? false,
  };
}

function newSentencePiece(metadata: Metadata, vocabulary: Vocabulary): Parts {
  const { tokens } = vocabulary;
  const scores = readNumbers(metadata, "tokenizer.ggml.scores", tokens.length);
  if (!scores) fail(say`tokenizer.ggml.scores is missing`);
  const hasPrefix = readBoolean(metadata, "tokenizer.ggml.add_space_prefix") ?? true;
  const unknown = readId(metadata, "unknown", vocabulary) ?? vocabulary.types.indexOf(tokenType.unknown);
  const spaces = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const prepend = { type: "Prepend", prepend: "▁" };
  const decoders = [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    ...(hasPrefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
  ];
  return {
    model: {
      dropout: null,
      unk_token: tokens[unknown] ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      merges: mergesOfScores(vocabulary, scores),
    },
    normalizer: hasPrefix ? { type: "Sequence", normalizers: [prepend, spaces] } : spaces,
    preTokenizer: null,
    decoder: { type: "Sequence", decoders },
    addBos: true,
  };
}

/** Far beyond what 262,144 tokens of a real vocabulary take (some 20 million). */
const mostWork = 200_000_000;

/**
 * The merges that scores stand for: every way to make a token of two, the best token's first
 * (transformers, convert_slow_tokenizer.py, generate_merges). Only what text can be made of is merged.
 */
export function mergesOfScores({ tokens, types, idOf }: Vocabulary, scores: readonly number[]): [string, string][] {
  const isText = (id: number | undefined): id is number =>
    id !== undefined &&
    (types[id] === tokenType.normal || types[id] === tokenType.userDefined || types[id] === tokenType.unused);
  const found: { left: number; right: number; score: number; leftLength: number; rightLength: number }[] = [];
  let work = 0;
  tokens.forEach((token, id) => {
    if (!isText(id)) return;
    work += token.length ** 2;
    if (work > mostWork) fail(say`tokenizer.ggml.tokens: ${JSON.stringify(token.slice(0, 40))} … is too long a token`);
    const letters = Array.from(token);
    const ways: typeof found = [];
    let at = 0;
    for (let i = 1; i < letters.length; i++) {
      at += letters[i - 1]?.length ?? 0;
      const left = idOf.get(token.slice(0, at));
      if (!isText(left)) continue;
      const right = idOf.get(token.slice(at));
      if (!isText(right)) continue;
      ways.push({ left, right, score: scores[id] ?? 0, leftLength: i, rightLength: letters.length - i });
    }
    for (const way of ways.sort((a, b) => a.left - b.left || a.right - b.right)) found.push(way);
  });
  found.sort((a, b) => b.score - a.score || b.leftLength - a.leftLength || b.rightLength - a.rightLength);
  return found.map(({ left, right }) => [tokens[left] ?? "", tokens[right] ?? ""]);
}
