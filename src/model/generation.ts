/** @file Generation: many prompts at once, with a key-value cache; rows that end make room. */

import { StudioError } from "../core/errors";
import { nextTick } from "../core/nextTick";
import { newRandom, seedFor } from "../core/random";
import { say } from "../core/say";
import { attention } from "../kernels/attention";
import { attendCache, fillCache } from "../kernels/cache";
import { takeRows } from "../kernels/rows";
import { tf } from "../kernels/tf";
import { decode, type Llama, type Places, readOut } from "./llama";
import type { Adapter } from "./lora";
import { type Sampling, sampleToken } from "./sampling";

export type { Sampling } from "./sampling";

export type Generation = {
  prompts: number[][];
  maxTokens: number;
  sampling: Sampling;
  /** A row ends when it produces one of these; the token itself is not part of its completion. */
  stopIds: number[];
  signal?: AbortSignal;
};

/** How many prompt tokens are read in one pass. */
const prefillTokens = 4096;
/** After so long without a pause, the event loop gets a turn, so that messages (an abort among them) are seen. */
const pauseAfterMs = 40;

/**
 * Yields each step's new tokens, for the rows still running; returns every row's completion. A row ends at a stop
 * token, after `maxTokens`, or at the model's last position. Each row draws from its own generator, so its tokens do
 * not depend on its neighbours. Throws the signal's reason when aborted.
 */
export async function* generate(
  llama: Llama,
  adapter: Adapter | null,
  { prompts, maxTokens, sampling, stopIds, signal }: Generation,
): AsyncGenerator<{ row: number; token: number }[], number[][]> {
  const { maxPositions, vocabSize } = llama.config;
  const completions = prompts.map((): number[] => []);
  const randoms = prompts.map((_, row) => newRandom(seedFor(sampling.seed, row)));
  prompts.forEach((prompt, row) => {
    if (prompt.length === 0 || prompt.length > maxPositions) {
      throw new StudioError(
        "dataset.row",
        say`Prompt ${row + 1} has ${prompt.length} tokens; 1 to ${maxPositions} fit`,
      );
    }
  });
  if (prompts.length === 0 || maxTokens < 1) return completions;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  let state = prefill(llama, adapter, prompts, Math.min(maxPositions, longest + maxTokens));
  let lastPause = performance.now();
  try {
    for (;;) {
      const values = (await state.logits.data()) as Float32Array;
      signal?.throwIfAborted();
      const fresh: { row: number; token: number }[] = [];
      const going: number[] = []; // Places in the batch that go on.
      state.rows.forEach((row, i) => {
        const completion = completions[row];
        const random = randoms[row];
        if (!completion || !random) return;
        const token = sampleToken(values.subarray(i * vocabSize, (i + 1) * vocabSize), sampling, random);
        if (stopIds.includes(token)) return;
        completion.push(token);
        fresh.push({ row, token });
        if (completion.length < maxTokens && (state.lengths[i] ?? 0) < maxPositions) going.push(i);
      });
      if (fresh.length > 0) yield fresh;
      signal?.throwIfAborted();
      if (going.length === 0) return completions;
      if (performance.now() - lastPause > pauseAfterMs) {
        await nextTick();
        lastPause = performance.now();
      }
      state = advance(llama, adapter, compact(state, going), (row) => completions[row]?.at(-1) ?? 0);
    }
  } finally {
    disposeState(state);
  }
}

/** All the logits of one sequence: [T, V], row by row. */
export async function logits(llama: Llama, adapter: Adapter | null, tokens: number[]): Promise<Float32Array> {
  const all = tf.tidy(() => readOut(llama, decode(llama, adapter, paddedPlaces([tokens]))));
  const values = Float32Array.from((await all.data()) as Float32Array);
  all.dispose();
  return values;
}

type State = {
  rows: number[]; // Which prompt each place of the batch serves.
  lengths: number[]; // Tokens in the cache.
  caches: tf.Tensor4D[]; // One a layer: [B, 2K, S, D].
  logits: tf.Tensor2D; // [B, V], of the last token.
};

function disposeState({ caches, logits }: State): void {
  tf.dispose([caches, logits]);
}

/** Reads all prompts, in chunks of like length so that little is padded. */
function prefill(llama: Llama, adapter: Adapter | null, prompts: number[][], slots: number): State {
  const { keyValueHeads: K, headDim: D, layers } = llama.config;
  const lengthOf = (row: number) => prompts[row]?.length ?? 0;
  const rows = prompts.map((_, row) => row).sort((a, b) => lengthOf(a) - lengthOf(b));
  const parts: State[] = [];
  for (let from = 0; from < rows.length; ) {
    let to = from + 1;
    while (to < rows.length && (to + 1 - from) * lengthOf(rows[to] ?? 0) <= prefillTokens) to++;
    const chunk = rows.slice(from, to);
    const caches: tf.Tensor4D[] = Array.from({ length: layers }, () => tf.zeros([chunk.length, 2 * K, slots, D]));
    const logits = tf.tidy(() =>
      prefillChunk(
        llama,
        adapter,
        chunk.map((row) => prompts[row] ?? []),
        caches,
      ),
    );
    parts.push({ rows: chunk, lengths: chunk.map(lengthOf), caches, logits });
    from = to;
  }
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const joined: State = {
    rows,
    lengths: rows.map(lengthOf),
    caches: Array.from({ length: layers }, (_, i) =>
      tf.concat(
        parts.map(({ caches }) => caches[i] as tf.Tensor4D),
        0,
      ),
    ),
    logits: tf.concat(
      parts.map(({ logits }) => logits),
      0,
    ),
  };
  parts.forEach(disposeState);
  return joined;
}

function prefillChunk(llama: Llama, adapter: Adapter | null, prompts: number[][], caches: tf.Tensor4D[]): tf.Tensor2D {
  const places = paddedPlaces(prompts);
  const picked = tf.tensor1d(
    prompts.map((prompt, i) => i * places.length + prompt.length - 1),
    "int32",
  );
  const starts = tf.zeros<tf.Rank.R1>([prompts.length], "int32");
  const attend = (qkv: tf.Tensor4D, layer: number) => {
    replaceCache(caches, layer, (cache) => fillCache(cache, qkv, starts, llama.config));
    return attention(qkv, places.segments, llama.config);
  };
  return readOut(llama, decode(llama, adapter, places, { picked, attend }));
}

function replaceCache(caches: tf.Tensor4D[], layer: number, next: (cache: tf.Tensor4D) => tf.Tensor4D): void {
  const cache = caches[layer];
  if (!cache) throw new StudioError("bug", say`Layer ${layer} has no cache`);
  caches[layer] = tf.keep(next(cache));
  cache.dispose();
}

/** Prompts as rows of one length, padded at the end. */
function paddedPlaces(prompts: number[][]): Places {
  const length = Math.max(...prompts.map((prompt) => prompt.length));
  const size = prompts.length * length;
  const tokens = new Int32Array(size);
  const positions = new Int32Array(size);
  const segments = new Int32Array(size);
  prompts.forEach((prompt, row) => {
    prompt.forEach((token, i) => {
      tokens[row * length + i] = token;
      positions[row * length + i] = i;
      segments[row * length + i] = 1;
    });
  });
  return {
    rows: prompts.length,
    length,
    tokens: tf.tensor1d(tokens, "int32"),
    positions: tf.tensor1d(positions, "int32"),
    segments: tf.tensor1d(segments, "int32"),
  };
}

/** Keeps the places named, and frees the rest. */
function compact(state: State, going: number[]): State {
  if (going.length === state.rows.length) return state;
  const pick = <T>(values: T[]) => going.map((i) => values[i] as T);
  const caches = tf.tidy(() => {
    const index = tf.tensor1d(going, "int32");
    return state.caches.map((cache) => {
      const [B, heads, slots, D] = cache.shape;
      const kept = takeRows(tf.reshape(cache, [B, heads * slots * D]), index);
      return tf.reshape<tf.Rank.R4>(kept, [going.length, heads, slots, D]);
    });
  });
  tf.dispose(state.caches);
  state.caches = caches; // The state stays whole, should anything throw before it is replaced.
  state.rows = pick(state.rows);
  state.lengths = pick(state.lengths);
  return state;
}

/** One more token for every row. */
function advance(llama: Llama, adapter: Adapter | null, state: State, lastToken: (row: number) => number): State {
  const next = tf.tidy(() => {
    const positions = tf.tensor1d(state.lengths, "int32");
    const places: Places = {
      rows: state.rows.length,
      length: 1,
      tokens: tf.tensor1d(state.rows.map(lastToken), "int32"),
      positions,
      segments: positions,
    };
    const attend = (qkv: tf.Tensor4D, layer: number) => {
      replaceCache(state.caches, layer, (cache) => fillCache(cache, qkv, positions, llama.config));
      return attendCache(qkv, state.caches[layer] as tf.Tensor4D, positions, llama.config);
    };
    return readOut(llama, decode(llama, adapter, places, { attend }));
  });
  state.logits.dispose();
  state.logits = next;
  state.lengths = state.lengths.map((length) => length + 1);
  return state;
}
