/**
 * @file Byte-pair encoding of one word, as the tokenizers library does it (huggingface/tokenizers, models/bpe/model.rs): of
 * all neighbours the pair with the lowest rank is joined first, the leftmost of equals.
 */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

export type Bpe = {
  /** Appends the ids of a word's symbols to `ids`. */
  encode: (word: string, ids: number[]) => void;
  /** Words may be cut before every run of ▁ without another outcome. */
  cutsAtSpaces: boolean;
};

/** Ids are below 2^24 (tokenizer.ts), so that a pair of them is one exact number. */
const idLimit = 2 ** 24;
/** Words kept with their ids; a data set's words recur. */
const keptWords = 100_000;
const longestKept = 64;

function fail(detail: Said): never {
  throw new StudioError("tokenizer.invalid", detail);
}

type Merges = { rankOf: ReadonlyMap<number, number>; madeOf: Int32Array };

/** Ranks of pairs and what each becomes. `merges` are pairs of texts; a pair that stands twice has its last rank. */
function newMerges(merges: readonly unknown[], vocab: ReadonlyMap<string, number>, prefix: string): Merges {
  const rankOf = new Map<number, number>();
  const madeOf = new Int32Array(merges.length);
  merges.forEach((merge, rank) => {
    const [a, b] = (typeof merge === "string" ? merge.split(" ") : merge) as [string, string];
    const [left, right] = [vocab.get(a), vocab.get(b)];
    const made = vocab.get(prefix && b.startsWith(prefix) ? a + b.slice(prefix.length) : a + b);
    if (left === undefined || right === undefined || made === undefined) {
      const missing = left === undefined ? a : right === undefined ? b : a + b;
      return fail(say`model.merges[${rank}]: ${JSON.stringify(missing.slice(0, 80))} is not in the vocabulary`);
    }
    rankOf.set(left * idLimit + right, rank);
    madeOf[rank] = made;
  });
  return { rankOf, madeOf };
}

const textOr = (value: unknown): string => (typeof value === "string" ? value : "");

/** @param model of a tokenizer.json, checked. Throws `tokenizer.invalid`, naming a merge that makes no token. */
export function newBpe(model: Record<string, unknown>, vocab: ReadonlyMap<string, number>): Bpe {
  const [prefix, suffix] = [textOr(model["continuing_subword_prefix"]), textOr(model["end_of_word_suffix"])];
  const merges = newMerges(model["merges"] as unknown[], vocab, prefix);
  const unknown = typeof model["unk_token"] === "string" ? vocab.get(model["unk_token"]) : undefined;
  const byteIds = model["byte_fallback"] === true ? listByteIds(vocab) : null;
  const fuses = model["fuse_unk"] === true;
  const isWhole = model["ignore_merges"] === true;
  const encoder = new TextEncoder();
  const known = new Map<string, readonly number[]>();

  const listSymbols = (word: string): number[] => {
    const ids: number[] = [];
    let wasUnknown = false;
    let at = 0;
    for (const letter of word) {
      const isLast = at + letter.length === word.length;
      const symbol = prefix || suffix ? `${at > 0 ? prefix : ""}${letter}${isLast ? suffix : ""}` : letter;
      at += letter.length;
      const id = vocab.get(symbol);
      if (id !== undefined) ids.push(id);
      else if (byteIds) for (const byte of encoder.encode(symbol)) ids.push(byteIds[byte] ?? 0);
      else if (unknown !== undefined && !(fuses && wasUnknown)) ids.push(unknown);
      wasUnknown = id === undefined && !byteIds;
    }
    return ids;
  };

  const encodeWord = (word: string): readonly number[] => {
    const whole = isWhole ? vocab.get(word) : undefined;
    return whole === undefined ? mergeAll(listSymbols(word), merges) : [whole];
  };

  return {
    encode: (word, ids) => {
      let found = known.get(word);
      if (!found) {
        found = encodeWord(word);
        if (known.size >= keptWords) known.clear();
        if (word.length < longestKept) known.set(word, found);
      }
      for (const id of found) ids.push(id);
    },
    cutsAtSpaces:
      (byteIds !== null || !fuses) &&
      !prefix &&
      !suffix &&
      !isWhole &&
      ![...vocab.keys()].some((token) => /[^▁]▁/u.test(token)),
  };
}

/** The tokens of the 256 bytes, null unless all are there. */
function listByteIds(vocab: ReadonlyMap<string, number>): number[] | null {
  const ids = Array.from({ length: 256 }, (_, i) => vocab.get(`<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`));
  return ids.every((id) => id !== undefined) ? ids : null;
}

/** A place of a word in a heap of ranks: `rank · places + place` is one exact number. */
const places = 2 ** 28;

/** Joins pairs in the order of their ranks until none is left: n log n for n symbols. `ids` is changed. */
function mergeAll(ids: number[], { rankOf, madeOf }: Merges): readonly number[] {
  const n = ids.length;
  if (n < 2) return ids;
  const next = Int32Array.from({ length: n }, (_, i) => i + 1);
  const previous = Int32Array.from({ length: n }, (_, i) => i - 1);
  const heap: number[] = [];
  const rankAt = (at: number): number | undefined => {
    const after = next[at] ?? n;
    return after < n ? rankOf.get((ids[at] ?? 0) * idLimit + (ids[after] ?? 0)) : undefined;
  };
  const offer = (at: number) => {
    const rank = rankAt(at);
    if (rank !== undefined) push(heap, rank * places + at);
  };
  for (let at = 0; at < n - 1; at++) offer(at);
  let key = pop(heap);
  while (key !== undefined) {
    const rank = Math.floor(key / places);
    const at = key - rank * places;
    // A pair whose half was joined meanwhile is another pair or none; −1 stands for what is gone.
    if ((ids[at] ?? -1) >= 0 && rankAt(at) === rank) {
      const gone = next[at] ?? n;
      const after = next[gone] ?? n;
      ids[at] = madeOf[rank] ?? 0;
      ids[gone] = -1;
      next[at] = after;
      if (after < n) previous[after] = at;
      const before = previous[at] ?? -1;
      if (before >= 0) offer(before);
      offer(at);
    }
    key = pop(heap);
  }
  return ids.filter((id) => id >= 0);
}

function push(heap: number[], key: number): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (above <= key) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = key;
}

/** The least key, undefined where there is none. */
function pop(heap: number[]): number | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child++;
    if ((heap[child] ?? 0) >= last) break;
    heap[at] = heap[child] ?? 0;
    at = child;
  }
  heap[at] = last;
  return top;
}
