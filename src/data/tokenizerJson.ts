/** @file A tokenizer.json checked before anything is made of it. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { checkPatterns } from "./tokenizerPatterns";

export function failTokenizer(detail: Said, cause?: unknown): never {
  throw new StudioError("tokenizer.invalid", detail, cause === undefined ? undefined : { cause });
}

export function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) failTokenizer(say`${name} is not an object`);
  return value as Record<string, unknown>;
}

/** Ids that two of fit into one exact number. */
export const isId = (id: unknown): id is number =>
  typeof id === "number" && Number.isInteger(id) && id >= 0 && id < 2 ** 24;

/** The longest known, a run of spaces, has some hundred. */
const longestAdded = 1000;

/** Old files do not name their kind. */
export const isBpe = (model: Record<string, unknown>): boolean =>
  model["type"] === "BPE" || (typeof model["type"] !== "string" && "merges" in model);

export type CheckedJson = {
  json: Record<string, unknown>;
  /** Token → id, empty for models whose vocabulary is a list. Taking a large object apart is slow, so it is done once. */
  vocab: ReadonlyMap<string, number>;
};

/** Checks what the library takes on trust. Throws `tokenizer.invalid`, naming the field. */
export function checkTokenizerJson(value: unknown): CheckedJson {
  const json = asObject(value, "tokenizer.json");
  const model = asObject(json["model"], "model");
  const vocab = model["vocab"];
  const ofToken = new Map<string, number>();
  if (Array.isArray(vocab)) {
    if (vocab.length === 0) failTokenizer(say`model.vocab is empty`);
    vocab.forEach((entry: unknown, i) => {
      if (!Array.isArray(entry) || typeof entry[0] !== "string" || typeof entry[1] !== "number")
        failTokenizer(say`model.vocab[${i}] is not [token, score]`);
    });
  } else {
    const entries = Object.entries(asObject(vocab, "model.vocab"));
    if (entries.length === 0) failTokenizer(say`model.vocab is empty`);
    const ids = new Set<unknown>();
    for (const [token, id] of entries) {
      if (!isId(id))
        failTokenizer(say`model.vocab: the id of ${JSON.stringify(token)} is not a whole number below 2^24`);
      if (ids.has(id))
        failTokenizer(say`model.vocab: the id ${id} stands twice, the second time for ${JSON.stringify(token)}`);
      ids.add(id);
      ofToken.set(token, id);
    }
  }
  const added = json["added_tokens"] ?? [];
  if (!Array.isArray(added)) failTokenizer(say`added_tokens is not a list`);
  added.forEach((entry: unknown, i) => {
    const token = asObject(entry, `added_tokens[${i}]`);
    if (typeof token["content"] !== "string" || token["content"] === "")
      failTokenizer(say`added_tokens[${i}].content is not text`);
    if (token["content"].length > longestAdded)
      failTokenizer(say`added_tokens[${i}].content has ${token["content"].length} characters`);
    if (!isId(token["id"])) failTokenizer(say`added_tokens[${i}].id is not a whole number below 2^24`);
  });
  if (isBpe(model)) {
    const merges = model["merges"];
    if (Array.isArray(vocab)) failTokenizer(say`model.vocab is not an object`);
    if (!Array.isArray(merges)) failTokenizer(say`model.merges is not a list`);
    merges.forEach((merge: unknown, i) => {
      const pair: unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
      if (pair.length !== 2 || pair.some((part) => typeof part !== "string" || part === ""))
        failTokenizer(say`model.merges[${i}] is not a pair of tokens`);
    });
  }
  checkPatterns(json);
  const optional = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  return { json: { ...optional, ...json, added_tokens: added }, vocab: ofToken };
}
