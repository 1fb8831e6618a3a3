/** @file Text to token ids and back, as the model's own tokenizer.json says; bytes are never lost on the way. */

import {
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  Tokenizer as HuggingFaceTokenizer,
  type PreTokenizer,
  SequencePreTokenizer,
} from "@huggingface/tokenizers";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { byteOfSymbol, newTokenBytes } from "./tokenBytes";

export type Tokenizer = {
  /** Ids of a text as it stands: no special token is added. Characters unknown to the vocabulary become bytes. */
  encode: (text: string) => number[];
  /** Text of ids, special tokens left out; bytes that are no UTF-8 show as U+FFFD. */
  decode: (ids: readonly number[]) => string;
  /**
   * A decoder for ids that come little by little: each call answers the text that is certain by now. The answers joined are
   * a beginning of `decode` of all ids, short of it only by a last character whose bytes have not all come.
   */
  newDecoder: () => (ids: readonly number[]) => string;
  /** Highest id + 1. */
  vocabSize: number;
  /** The end-of-text token that closes every document. */
  eos: number;
  /** What the model expects before every document (a beginning-of-text token), often nothing. */
  prefix: number[];
  /** A token as a person can read it: its text, its name if it is special, `<0xE4>` for bytes that are part of a character. */
  tokenText: (id: number) => string;
};

function fail(detail: Said, cause?: unknown): never {
  throw new StudioError("tokenizer.invalid", detail, cause === undefined ? undefined : { cause });
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(say`${name} is not an object`);
  return value as Record<string, unknown>;
}

const isId = (id: unknown): id is number => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < 2 ** 24;

/** Checks what the library takes on trust. Throws `tokenizer.invalid`, naming the field. */
function checkTokenizerJson(value: unknown): Record<string, unknown> {
  const json = asObject(value, "tokenizer.json");
  const model = asObject(json["model"], "model");
  const vocab = model["vocab"];
  if (Array.isArray(vocab)) {
    if (vocab.length === 0) fail(say`model.vocab is empty`);
    vocab.forEach((entry: unknown, i) => {
      if (!Array.isArray(entry) || typeof entry[0] !== "string" || typeof entry[1] !== "number")
        fail(say`model.vocab[${i}] is not [token, score]`);
    });
  } else {
    const entries = Object.entries(asObject(vocab, "model.vocab"));
    if (entries.length === 0) fail(say`model.vocab is empty`);
    const ids = new Set<unknown>();
    for (const [token, id] of entries) {
      if (!isId(id)) fail(say`model.vocab: the id of ${JSON.stringify(token)} is not a whole number below 2^24`);
      if (ids.has(id)) fail(say`model.vocab: the id ${id} stands twice, the second time for ${JSON.stringify(token)}`);
      ids.add(id);
    }
  }
  const added = json["added_tokens"] ?? [];
  if (!Array.isArray(added)) fail(say`added_tokens is not a list`);
  added.forEach((entry: unknown, i) => {
    const token = asObject(entry, `added_tokens[${i}]`);
    if (typeof token["content"] !== "string" || token["content"] === "")
      fail(say`added_tokens[${i}].content is not text`);
    if (!isId(token["id"])) fail(say`added_tokens[${i}].id is not a whole number below 2^24`);
  });
  if (model["type"] === "BPE" || "merges" in model) {
    const merges = model["merges"];
    if (!Array.isArray(merges)) fail(say`model.merges is not a list`);
    merges.forEach((merge: unknown, i) => {
      const pair: unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
      if (pair.length !== 2 || pair.some((part) => typeof part !== "string" || part === ""))
        fail(say`model.merges[${i}] is not a pair of tokens`);
    });
  }
  const optional = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  return { ...optional, ...json, added_tokens: added };
}

/** The end-of-text id: the model's first, else the one tokenizer_config.json names. */
function findEos(
  library: HuggingFaceTokenizer,
  config: Record<string, unknown>,
  eosTokenIds: readonly number[],
  vocabSize: number,
): number {
  const named = config["eos_token"];
  const name = typeof named === "object" && named !== null ? (named as Record<string, unknown>)["content"] : named;
  const eos = eosTokenIds[0] ?? (typeof name === "string" ? library.token_to_id(name) : undefined);
  if (eos === undefined) fail(say`No end-of-text token: neither config.json nor tokenizer_config.json names one`);
  if (!isId(eos) || eos >= vocabSize) fail(say`The end-of-text token ${eos} is not in the vocabulary of ${vocabSize}`);
  return eos;
}

/** True if every byte that text is made of has a token, so that none can be lost. */
function coversBytes(library: HuggingFaceTokenizer, json: Record<string, unknown>): boolean {
  const model = asObject(json["model"], "model");
  if (model["byte_fallback"] === true) {
    const names = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
    return names.every((name) => library.token_to_id(name) !== undefined);
  }
  if (!JSON.stringify(json["pre_tokenizer"] ?? null).includes('"ByteLevel"')) return false;
  // Vocabularies of known models leave out some control characters and the first bytes of planes nobody writes in.
  for (const [symbol, byte] of byteOfSymbol) {
    const isOrdinary =
      byte === 0x09 || byte === 0x0a || byte === 0x0d || (byte >= 0x20 && byte !== 0x7f && byte <= 0xf0);
    const inUtf8 = byte !== 0xc0 && byte !== 0xc1;
    if (isOrdinary && inUtf8 && library.token_to_id(symbol) === undefined) return false;
  }
  return true;
}

/** Words kept by their bytes' symbols; a data set's words recur, and spelling them out was half of all tokenizing. */
const keptWords = 50_000;

/**
 * Gives the library's byte-level pre-tokenizer a memory for words, and lets it do as the original does in two rare cases:
 * digits are all of Unicode's (½, ٣), not only 0 to 9; bytes the vocabulary lacks are left out before merging, not after.
 */
function mendPreTokenizer(preTokenizer: PreTokenizer | null, isKnown: (symbol: string) => boolean): void {
  if (preTokenizer instanceof SequencePreTokenizer)
    for (const part of preTokenizer.tokenizers) mendPreTokenizer(part, isKnown);
  if (preTokenizer instanceof DigitsPreTokenizer)
    preTokenizer.pattern = preTokenizer.config.individual_digits ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu;
  if (!(preTokenizer instanceof ByteLevelPreTokenizer)) return;
  const { add_prefix_space, use_regex, pattern, byte_encoder, text_encoder } = preTokenizer;
  const known = new Map<string, string>();
  const spell = (word: string): string => {
    let symbols = known.get(word);
    if (symbols !== undefined) return symbols;
    symbols = Array.from(text_encoder.encode(word), (byte) => byte_encoder[byte] ?? "")
      .filter(isKnown)
      .join("");
    if (known.size >= keptWords) known.clear();
    if (word.length < 64) known.set(word, symbols);
    return symbols;
  };
  preTokenizer.pre_tokenize_text = (text: string) => {
    const whole = add_prefix_space && !text.startsWith(" ") ? ` ${text}` : text;
    return (use_regex ? (whole.match(pattern) ?? []) : [whole]).map(spell);
  };
}

/**
 * Loads a tokenizer.json with its tokenizer_config.json. Throws `tokenizer.invalid`, naming what is wrong; a vocabulary that
 * would drop text (no bytes and no unknown token) is refused.
 * @param eosTokenIds the model's own, from config.json; may be empty.
 */
export function loadTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  eosTokenIds: readonly number[],
): Tokenizer {
  const json = checkTokenizerJson(tokenizerJson);
  const config = asObject(tokenizerConfig ?? {}, "tokenizer_config.json");
  let library: HuggingFaceTokenizer;
  try {
    library = new HuggingFaceTokenizer(json, config);
  } catch (error) {
    fail(say`tokenizer.json cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const special = new Map<number, string>();
  let vocabSize = library.model?.vocab.length ?? 0;
  for (const [id, token] of library.get_added_tokens_decoder()) {
    vocabSize = Math.max(vocabSize, id + 1);
    if (token.special) special.set(id, token.content);
  }
  const unknown = asObject(json["model"], "model")["unk_token"] ?? asObject(json["model"], "model")["unk_id"];
  mendPreTokenizer(library.pre_tokenizer, (symbol) => unknown != null || library.token_to_id(symbol) !== undefined);
  if (unknown == null && !coversBytes(library, json))
    fail(say`Some bytes have no token and there is no unknown token: text would be lost`);

  const encode = (text: string, add = false): number[] => {
    try {
      const { ids } = library.encode(text, { add_special_tokens: add });
      if (ids.every(isId)) return ids;
    } catch (error) {
      fail(say`A text cannot be tokenized: ${error instanceof Error ? error.message : String(error)}`, error);
    }
    return fail(say`A text has characters that this tokenizer has no token for`);
  };
  const eos = findEos(library, config, eosTokenIds, vocabSize);
  const { decode, newDecoder, tokenText } = newTokenBytes(library, json, special);
  return {
    encode: (text) => (text === "" ? [] : encode(text)),
    decode,
    newDecoder,
    vocabSize,
    eos,
    prefix: findPrefix(encode),
    tokenText,
  };
}

/** What the tokenizer's post-processor puts before a text. */
function findPrefix(encode: (text: string, add?: boolean) => number[]): number[] {
  const plain = encode("a");
  const full = encode("a", true);
  const first = plain[0];
  const at = first === undefined ? 0 : full.indexOf(first);
  return at > 0 ? full.slice(0, at) : [];
}
