/** @file Text to token ids and back, as the model's own tokenizer.json says; bytes are never lost on the way. */

import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { byteOfSymbol, newTokenBytes } from "./tokenBytes";
import { type AddedToken, newAddedSplitter } from "./tokenizerAdded";
import { newBpe } from "./tokenizerBpe";
import { asObject, type CheckedJson, checkTokenizerJson, failTokenizer, isBpe, isId } from "./tokenizerJson";
import { mendPreTokenizer } from "./tokenizerMend";
import { probePatterns } from "./tokenizerPatterns";

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
  if (eos === undefined)
    failTokenizer(say`No end-of-text token: neither config.json nor tokenizer_config.json names one`);
  if (!isId(eos) || eos >= vocabSize)
    failTokenizer(say`The end-of-text token ${eos} is not in the vocabulary of ${vocabSize}`);
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

/** What the library made of a tokenizer.json, mended. BPE is our own: the library's merges are left out. */
function newLibrary({ json, vocab }: CheckedJson, config: Record<string, unknown>): HuggingFaceTokenizer {
  const model = asObject(json["model"], "model");
  try {
    const own = isBpe(model) ? { ...model, type: "BPE", vocab: {}, merges: [] } : model;
    const library = new HuggingFaceTokenizer({ ...json, model: own }, config);
    if (isBpe(model)) fillVocabulary(library, vocab, model["unk_token"]);
    const unknown = model["unk_token"] ?? model["unk_id"];
    mendPreTokenizer(library.pre_tokenizer, (symbol) => unknown != null || library.token_to_id(symbol) !== undefined);
    return library;
  } catch (error) {
    return failTokenizer(
      say`tokenizer.json cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}

function fillVocabulary(library: HuggingFaceTokenizer, vocab: ReadonlyMap<string, number>, unknown: unknown): void {
  const { model } = library;
  if (!model) return;
  for (const [token, id] of vocab) {
    // An added token keeps its own id.
    if (!model.tokens_to_ids.has(token)) model.tokens_to_ids.set(token, id);
    model.vocab[id] ??= token;
  }
  const unknownId = typeof unknown === "string" ? vocab.get(unknown) : undefined;
  if (unknownId !== undefined) model.unk_token_id = unknownId;
}

/** Text to ids without what the post-processor adds. */
function newEncoder(library: HuggingFaceTokenizer, { json, vocab }: CheckedJson): (text: string) => number[] {
  const model = asObject(json["model"], "model");
  const { normalizer, pre_tokenizer: preTokenizer } = library;
  if (!isBpe(model)) return (text) => library.encode(text, { add_special_tokens: false }).ids;
  const bpe = newBpe(model, vocab);
  const normalize = (text: string) => (normalizer ? normalizer.normalize(text) : text);
  const tokens: AddedToken[] = [...library.get_added_tokens_decoder().values()];
  const [asIs, inNormal] = [tokens.filter((token) => !token.normalized), tokens.filter((token) => token.normalized)];
  const contentOf = ({ content }: AddedToken) => content;
  const splitText = newAddedSplitter(asIs, asIs.map(contentOf));
  const splitNormal = newAddedSplitter(inNormal, inNormal.map(contentOf).map(normalize));
  const cut = (text: string, isFirst: boolean): string[] => {
    if (preTokenizer) return preTokenizer.pre_tokenize(text, { section_index: isFirst ? 0 : 1 });
    return bpe.cutsAtSpaces ? (text.match(/▁+[^▁]*|[^▁]+/gu) ?? []) : [text];
  };
  probePatterns(json, (text) => cut(text, true));
  return (text) => {
    const ids: number[] = [];
    for (const piece of splitText(text)) {
      if (piece.text === null) ids.push(piece.id);
      else
        for (const part of splitNormal(normalize(piece.text))) {
          if (part.text === null) ids.push(part.id);
          else for (const word of cut(part.text, piece.start + part.start === 0)) bpe.encode(word, ids);
        }
    }
    return ids;
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
  try {
    return readTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds);
  } catch (error) {
    if (error instanceof StudioError) throw error;
    // What is nested too deep or too large for the machine ends up here.
    return failTokenizer(say`tokenizer.json cannot be read: ${String(error)}`, error);
  }
}

function readTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown, eosTokenIds: readonly number[]): Tokenizer {
  const checked = checkTokenizerJson(tokenizerJson);
  const { json } = checked;
  const config = asObject(tokenizerConfig ?? {}, "tokenizer_config.json");
  const library = newLibrary(checked, config);
  const special = new Map<number, string>();
  let vocabSize = library.model?.vocab.length ?? 0;
  for (const [id, token] of library.get_added_tokens_decoder()) {
    vocabSize = Math.max(vocabSize, id + 1);
    if (token.special) special.set(id, token.content);
  }
  const unknown = asObject(json["model"], "model")["unk_token"] ?? asObject(json["model"], "model")["unk_id"];
  if (unknown == null && !coversBytes(library, json))
    failTokenizer(say`Some bytes have no token and there is no unknown token: text would be lost`);
  const newIds = newEncoder(library, checked);
  const guarded = (encode: (text: string) => number[]) => (text: string) => {
    try {
      const ids = encode(text);
      if (ids.every(isId)) return ids;
    } catch (error) {
      if (error instanceof StudioError) throw error;
      failTokenizer(say`A text cannot be tokenized: ${error instanceof Error ? error.message : String(error)}`, error);
    }
    return failTokenizer(say`A text has characters that this tokenizer has no token for`);
  };
  const encode = guarded(newIds);
  const eos = findEos(library, config, eosTokenIds, vocabSize);
  const { decode, newDecoder, tokenText } = newTokenBytes(library, json, special);
  return {
    encode: (text) => (text === "" ? [] : encode(text)),
    decode,
    newDecoder,
    vocabSize,
    eos,
    prefix: findPrefix(
      guarded((text) => library.encode(text, { add_special_tokens: false }).ids)("a"),
      guarded((text) => library.encode(text).ids)("a"),
    ),
    tokenText,
  };
}

/** What the tokenizer's post-processor puts before a text: `plain` are the ids without it, `full` those with it. */
function findPrefix(plain: readonly number[], full: readonly number[]): number[] {
  const first = plain[0];
  const at = first === undefined ? 0 : full.indexOf(first);
  return at > 0 ? full.slice(0, at) : [];
}
