/** @file vocab.json and merges.txt, as older folders have their tokenizer, as one tokenizer.json. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { ggufPreTokenizers } from "./ggufPreTokenizer";

function fail(detail: Said): never {
  throw new StudioError("tokenizer.invalid", detail);
}

type Json = Record<string, unknown>;
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** How the classes of transformers that read these files cut words (models/…/tokenization_….py); GPT-2's where none is named. */
const kindOfClass: Record<string, string> = { GPT2Tokenizer: "gpt-2", Qwen2Tokenizer: "qwen2" };

/**
 * The tokenizer.json that transformers makes of the two files. Throws `tokenizer.invalid`, naming the file and the place, and
 * the tokenizer's class where it is not known how it cuts words.
 */
export function tokenizerFromMerges(vocabulary: unknown, merges: string, tokenizerConfig: Json): Json {
  if (!isJson(vocabulary)) fail(say`vocab.json is not an object`);
  const named = tokenizerConfig["tokenizer_class"] ?? "GPT2Tokenizer";
  const className = typeof named === "string" ? named.replace(/Fast$/, "") : "";
  const kind = Object.hasOwn(kindOfClass, className) ? ggufPreTokenizers.get(kindOfClass[className] ?? "") : undefined;
  if (!kind) fail(say`A tokenizer_class ${JSON.stringify(named)} needs its tokenizer.json`);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: listAdded(vocabulary, tokenizerConfig),
    normalizer: kind.normalizer ?? null,
    pre_tokenizer: kind.preTokenizer,
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary,
      merges: parseMerges(merges),
    },
  };
}

/** A line each, after a first that may name a version. */
function parseMerges(text: string): [string, string][] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const pairs: [string, string][] = [];
  lines.forEach((line, i) => {
    if (line.startsWith("#version")) return;
    const [left, right, more] = line.replace(/\r$/, "").split(" ");
    if (!left || !right || more !== undefined) fail(say`merges.txt: line ${i + 1} is not a pair of tokens`);
    pairs.push([left, right]);
  });
  return pairs;
}

/** The configuration's own list, or the special tokens it names as far as the vocabulary has them. */
function listAdded(vocabulary: Json, tokenizerConfig: Json): Json[] {
  const listed = tokenizerConfig["added_tokens_decoder"];
  if (isJson(listed)) {
    return Object.entries(listed).map(([id, token]) => {
      if (!/^\d{1,8}$/.test(id) || !isJson(token))
        fail(say`tokenizer_config.json: added_tokens_decoder[${JSON.stringify(id)}] is not a token`);
      return { ...newAdded(Number(id), ""), ...token, id: Number(id) };
    });
  }
  const contentOf = (token: unknown): unknown => (isJson(token) ? token["content"] : token);
  const names = ["bos_token", "eos_token", "unk_token", "pad_token"].map((name) => contentOf(tokenizerConfig[name]));
  return [...new Set(["<|endoftext|>", ...names])].flatMap((name) => {
    const id = typeof name === "string" && Object.hasOwn(vocabulary, name) ? vocabulary[name] : undefined;
    return typeof id === "number" ? [newAdded(id, name as string)] : [];
  });
}

const newAdded = (id: number, content: string): Json => ({
  id,
  content,
  special: true,
  normalized: false,
  lstrip: false,
  rstrip: false,
  single_word: false,
});
