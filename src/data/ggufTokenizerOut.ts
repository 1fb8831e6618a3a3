/**
 * @file A tokenizer.json as the metadata of a GGUF file: the inverse of ggufTokenizer.ts.
 *
 * Sources: conversion/base.py of https://github.com/ggml-org/llama.cpp (what its converter writes) and src/llama-vocab.cpp
 * (how it is read). Two things llama.cpp does otherwise whatever the file says: it does not normalize text (Qwen's NFC),
 * and it knows nothing of added tokens that take white space with them or stand only between words.
 */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { type GgufTyped, text, uint32 } from "../formats/ggufWriter";
import { ggufPreTokenizers } from "./ggufPreTokenizer";
import { mergesOfScores, tokenType } from "./ggufTokenizer";
import { loadTokenizer } from "./tokenizer";
import { asObject } from "./tokenizerJson";

type Json = Record<string, unknown>;

export type TokenizerSource = {
  tokenizerJson: unknown;
  tokenizerConfig: unknown;
  /** Rows of the embedding: what has no token is filled up. */
  vocabSize: number;
  bosTokenId: number | null;
  /** What ends a text first, then what ends a turn or a message. */
  eosTokenIds: readonly number[];
  /** Jinja, or null. */
  chatTemplate: string | null;
};

/** What to do instead is said in the error itself, since the tokenizer is not wrong. */
function fail(detail: Said): never {
  throw new StudioError("tokenizer.invalid", say`As GGUF: ${detail}; export the model as safetensors instead`);
}

const shown = (value: unknown): string => JSON.stringify(value ?? null).slice(0, 300);

/** A pre-tokenizer with what cuts words alone, so that two that cut alike are the same text. */
function canonical(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  const part = asObject(value, "pre_tokenizer");
  switch (part["type"]) {
    case "Sequence": {
      const parts = Array.isArray(part["pretokenizers"]) ? part["pretokenizers"].map(canonical) : [];
      return parts.length === 1 ? parts[0] : parts;
    }
    case "ByteLevel":
      return ["ByteLevel", part["add_prefix_space"] === true, part["use_regex"] !== false];
    case "Digits":
      return ["Digits", part["individual_digits"] === true];
    case "Split":
      return ["Split", part["pattern"], part["behavior"], part["invert"] === true];
    default:
      return part;
  }
}

const normalizerType = (value: unknown) => (value == null ? null : asObject(value, "normalizer")["type"]);

/**
 * The name by which llama.cpp knows how a byte-level tokenizer.json cuts words (`tokenizer.ggml.pre`): the first in our
 * table with the same patterns. The embedded base's, digits one by one and then GPT-2's words, is SmolLM's: "smollm".
 * Throws `tokenizer.invalid`, showing a way of cutting that llama.cpp has no name for.
 */
export function findGgufPreTokenizer(tokenizerJson: unknown): string {
  const json = asObject(tokenizerJson, "tokenizer.json");
  const model = asObject(json["model"], "model");
  const wanted = JSON.stringify(canonical(json["pre_tokenizer"]));
  for (const [name, kind] of ggufPreTokenizers) {
    if (
      JSON.stringify(canonical(kind.preTokenizer)) === wanted &&
      normalizerType(json["normalizer"]) === normalizerType(kind.normalizer) &&
      (model["ignore_merges"] === true) === (kind.ignoreMerges ?? false)
    )
      return name;
  }
  const { normalizer, pre_tokenizer } = json;
  const ignores = model["ignore_merges"] === true;
  return fail(
    say`llama.cpp has no name for this way of cutting words: ${shown({ normalizer, pre_tokenizer, ignores })}`,
  );
}

type Vocabulary = { tokens: string[]; types: number[]; idOf: ReadonlyMap<string, number> };

const byteToken = /^<0x[0-9A-F]{2}>$/;

function newVocabulary(json: Json, vocabSize: number, hasBytes: boolean): Vocabulary {
  const model = asObject(json["model"], "model");
  const names: (string | undefined)[] = new Array<undefined>(vocabSize);
  const types = new Array<number>(vocabSize).fill(tokenType.unused);
  const put = (token: string, id: number, type: number) => {
    if (id >= vocabSize) fail(say`the token ${JSON.stringify(token)} is number ${id} of ${vocabSize}`);
    names[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(asObject(model["vocab"], "model.vocab")))
    put(token, Number(id), hasBytes && byteToken.test(token) ? tokenType.byte : tokenType.normal);
  for (const value of (json["added_tokens"] ?? []) as unknown[]) {
    const { content, id, special } = asObject(value, "added_tokens") as {
      content: string;
      id: number;
      special: unknown;
    };
    const isUnknown = hasBytes && content === model["unk_token"];
    put(content, id, isUnknown ? tokenType.unknown : special === true ? tokenType.control : tokenType.userDefined);
  }
  const tokens = Array.from(names, (token, id) => token ?? `[PAD${id}]`); // of what was never set too
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  if (idOf.size < tokens.length) fail(say`two tokens have the same text`);
  return { tokens, types, idOf };
}

const pairOf = (merge: unknown): [string, string] => {
  const [left = "", right = ""] = (typeof merge === "string" ? merge.split(" ") : merge) as string[];
  return [left, right];
};

function checkPlainBpe(model: Json): void {
  if (model["type"] !== undefined && model["type"] !== "BPE") fail(say`a model of the type ${shown(model["type"])}`);
  for (const name of ["continuing_subword_prefix", "end_of_word_suffix"])
    if (model[name]) fail(say`model.${name} is ${shown(model[name])}`);
}

function newByteLevel(json: Json, model: Json): [string, GgufTyped][] {
  const merges = (model["merges"] as unknown[]).map(pairOf);
  const spaced = merges.find((pair) => pair.some((part) => part.includes(" ")));
  if (spaced) fail(say`the merge ${shown(spaced)} has a space in it`);
  return [
    ["tokenizer.ggml.pre", text(findGgufPreTokenizer(json))],
    ["tokenizer.ggml.merges", { type: "strings", value: merges.map((pair) => pair.join(" ")) }],
  ];
}

/** Whether ▁ is put before the text. Throws where spaces become something else. */
function hasSpacePrefix(json: Json): boolean {
  const { normalizer, pre_tokenizer: preTokenizer } = json;
  const parts = (value: unknown, list: string): Json[] => {
    if (value == null) return [];
    const part = asObject(value, list);
    const inner = part["type"] === "Sequence" && part[list];
    return Array.isArray(inner) ? inner.map((one) => asObject(one, list)) : [part];
  };
  let replaces = false;
  let prefix = false;
  for (const part of [...parts(normalizer, "normalizers"), ...parts(preTokenizer, "pretokenizers")]) {
    if (part["type"] === "Prepend" && part["prepend"] === "▁") prefix = true;
    else if (part["type"] === "Replace" && shown(part["pattern"]) === '{"String":" "}' && part["content"] === "▁")
      replaces = true;
    else if (part["type"] === "Metaspace" && part["replacement"] === "▁" && part["split"] !== true) {
      replaces = true;
      prefix =
        part["prepend_scheme"] !== undefined ? part["prepend_scheme"] !== "never" : part["add_prefix_space"] !== false;
    } else if (!(part["type"] === "Split" && shown(part["pattern"]) === '{"String":" "}')) {
      fail(say`llama.cpp has no name for this way of cutting words: ${shown(part)}`);
    }
  }
  if (!replaces) fail(say`spaces are not written as ▁`);
  return prefix;
}

/**
 * Scores that order merges as the list does: SentencePiece joins the neighbours that make the best token, whichever two
 * they are. So every way to make a token must be in the list, and all ways to make one stand together.
 */
function newScores(model: Json, { tokens, types, idOf }: Vocabulary): number[] {
  const merges = (model["merges"] as unknown[]).map(pairOf);
  const scores = tokens.map(() => -1e4);
  let place = 0;
  let last = "";
  const listed = new Set<string>();
  for (const [left, right] of merges) {
    const made = left + right;
    const id = idOf.get(made) ?? -1;
    if (made !== last && (scores[id] ?? 0) > -1e4)
      fail(say`the ways to make ${JSON.stringify(made)} do not stand together`);
    if (made !== last) place++;
    last = made;
    scores[id] = -place;
    listed.add(`${left} ${right}`);
  }
  const missing = mergesOfScores({ tokens, types, idOf }, scores).find(
    ([left, right]) => types[idOf.get(left + right) ?? -1] === tokenType.normal && !listed.has(`${left} ${right}`),
  );
  if (missing) fail(say`SentencePiece would join ${shown(missing)}, which the merges do not`);
  return scores;
}

function newSentencePiece(json: Json, model: Json, vocabulary: Vocabulary): (readonly [string, GgufTyped])[] {
  const { unk_token: unknown } = model;
  const unknownId = typeof unknown === "string" ? vocabulary.idOf.get(unknown) : undefined;
  return [
    ["tokenizer.ggml.pre", text("default")],
    ["tokenizer.ggml.scores", { type: "float32s", value: newScores(model, vocabulary) }],
    ["tokenizer.ggml.add_space_prefix", { type: "bool", value: hasSpacePrefix(json) }],
    ...(unknownId === undefined ? [] : ([["tokenizer.ggml.unknown_token_id", uint32(unknownId)]] as const)),
  ];
}

/** The id of a token that tokenizer_config.json names, or null. */
function namedId(config: Json, name: string, idOf: ReadonlyMap<string, number>): number | null {
  const value = config[name];
  const token = typeof value === "object" && value !== null ? (value as Json)["content"] : value;
  return (typeof token === "string" ? idOf.get(token) : undefined) ?? null;
}

/**
 * Every key of `tokenizer.` for a GGUF file: a byte-level BPE as "gpt2", a BPE with SentencePiece's ▁ and bytes as
 * "llama" with scores. Throws `tokenizer.invalid`, naming what llama.cpp has no place for.
 */
export function newGgufTokenizer(source: TokenizerSource): Map<string, GgufTyped> {
  const { tokenizerJson, tokenizerConfig, vocabSize, eosTokenIds, chatTemplate } = source;
  const { prefix } = loadTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds); // and all of its checks
  const json = asObject(tokenizerJson, "tokenizer.json");
  const config = asObject(tokenizerConfig ?? {}, "tokenizer_config.json");
  const model = asObject(json["model"], "model");
  checkPlainBpe(model);
  const hasBytes = model["byte_fallback"] === true;
  const vocabulary = newVocabulary(json, vocabSize, hasBytes);
  const { tokens, types, idOf } = vocabulary;
  if (prefix.length > 1) fail(say`${prefix.length} tokens stand before every text, where one may`);
  const bos = prefix[0] ?? source.bosTokenId ?? namedId(config, "bos_token", idOf);
  const [eos, eot, eom] = eosTokenIds.length > 0 ? eosTokenIds : [namedId(config, "eos_token", idOf) ?? undefined];
  const ids = { bos, eos, eot, eom, padding: namedId(config, "pad_token", idOf) };
  const isFitting = (id: number | null | undefined): id is number => typeof id === "number" && id < vocabSize;
  return new Map<string, GgufTyped>([
    ["tokenizer.ggml.model", text(hasBytes ? "llama" : "gpt2")],
    ["tokenizer.ggml.tokens", { type: "strings", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "int32s", value: types }],
    ...(hasBytes ? newSentencePiece(json, model, vocabulary) : newByteLevel(json, model)),
    ...Object.entries(ids).flatMap(([name, id]) =>
      isFitting(id) ? [[`tokenizer.ggml.${name}_token_id`, uint32(id)] as const] : [],
    ),
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: prefix.length > 0 }],
    ["tokenizer.ggml.add_eos_token", { type: "bool", value: false }],
    ...(chatTemplate === null ? [] : ([["tokenizer.chat_template", text(chatTemplate)]] as const)),
  ]);
}
