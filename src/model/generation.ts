/** @file Generation: many prompts at once, with a key-value cache; rows that end make room. */

import type { Sampling } from "../core/engine";
import { StudioError } from "../core/errors";
import { nextTick } from "../core/nextTick";
import { seedFor } from "../core/random";
import { say } from "../core/say";
import { attendCache, fillCache } from "../kernels/cache";
import { markSlots } from "../kernels/markSlots";
import { takeRows } from "../kernels/rows";
import { sampleTokens, stepAhead } from "../kernels/sampleTokens";
import { dim } from "../kernels/shape";
import { tf } from "../kernels/tf";
import { type Adapter, virtualTokens } from "./adapterParts";
import { loarMarks } from "./adapters/loar";
import { attendIn, behindPrefix, decode, type Places, readOut, type Surroundings, waysOf } from "./decoder";
import type { Llama } from "./llama";
import { paddedPlaces } from "./places";

export type { Sampling } from "../core/engine";

export type Generation = {
  prompts: number[][];
  /** Answers to each prompt, each a row of its own: those of the first prompt come first. */
  copies?: number;
  maxTokens: number;
  sampling: Sampling;
  /** A row ends when it produces one of these; the token itself is not part of its completion, unless it `keepsStop`. */
  stopIds: number[];
  keepsStop?: boolean;
  /** Ends a row whose completion so far says so. */
  isDone?: (tokens: readonly number[]) => boolean;
  /** Which tokens carry logic, for an adapter that asks (LoAR). */
  marks?: Marks | undefined;
  signal?: AbortSignal;
};

export type Marks = {
  /** 1 where a prompt's token does, for each prompt. */
  prompts: readonly Uint8Array[];
  /** 1 for the tokens of the vocabulary that do in an answer: [V]. */
  table: Uint8Array;
};

/** How many prompt tokens are read in one pass. */
export const prefillTokens = 4096;
/** After so long without a pause, the event loop gets a turn, so that messages (an abort among them) are seen. */
const pauseAfterMs = 40;

/**
 * Yields each step's new tokens, for the rows still running; returns every row's completion. A row ends at a stop
 * token, after `maxTokens`, or at the model's last position. Each row draws from its own generator, so its tokens do
 * not depend on its neighbours. Throws the signal's reason when aborted.
 *
 * Tokens go from step to step on the device. On a graphics card they are read one step behind: the next step is
 * already told when the last one's tokens are awaited, so that the card never waits for the reader. A row found to
 * have stopped has then computed one token too many, which is dropped.
 */
export async function* generate(
  llama: Llama,
  adapter: Adapter | null,
  { prompts, copies = 1, maxTokens, sampling, stopIds, keepsStop = false, isDone, marks, signal }: Generation,
): AsyncGenerator<{ row: number; token: number }[], number[][]> {
  const virtual = adapter ? virtualTokens(adapter) : 0;
  const maxPositions = llama.config.maxPositions - virtual;
  const completions = Array.from({ length: prompts.length * copies }, (): number[] => []);
  const promptOf = (row: number) => prompts[Math.floor(row / copies)] ?? [];
  prompts.forEach((prompt, row) => {
    if (prompt.length === 0 || prompt.length > maxPositions) {
      throw new StudioError(
        "prompt.unusable",
        say`Prompt ${row + 1} has ${prompt.length} tokens; 1 to ${maxPositions} fit`,
      );
    }
  });
  if (prompts.length === 0 || maxTokens < 1) return completions;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const stopped = new Set<number>();
  const canGoOn = (row: number, step: number) =>
    !stopped.has(row) && step + 1 < maxTokens && promptOf(row).length + step < maxPositions;
  const behind = tf.getBackend() === "webgpu" ? 1 : 0;
  const unread: Unread[] = [];
  const slots = virtual + Math.min(maxPositions, longest + maxTokens);
  const state = prefill(llama, adapter, { prompts, copies, marks, slots, virtual }, sampling);
  let lastPause = performance.now();
  try {
    for (let step = 0; ; step++) {
      unread.push(startReading(state));
      let going: number[]; // Places in the batch that go on, as far as is known.
      for (;;) {
        going = [...state.rows.keys()].filter((place) => canGoOn(state.rows[place] ?? 0, step));
        const [next] = unread;
        if (!next || unread.length <= (going.length > 0 ? behind : 0)) break;
        const tokens = await next.values;
        next.tokens.dispose();
        unread.shift();
        signal?.throwIfAborted();
        const told = next.rows
          .map((row, place) => ({ row, token: tokens[place] ?? 0 }))
          .filter(({ row }) => !stopped.has(row));
        for (const { row, token } of told) {
          const isStop = stopIds.includes(token);
          const completion = completions[row] ?? [];
          if (!isStop || keepsStop) completion.push(token);
          if (isStop || isDone?.(completion)) stopped.add(row);
        }
        const fresh = keepsStop ? told : told.filter(({ token }) => !stopIds.includes(token));
        if (fresh.length > 0) yield fresh;
        signal?.throwIfAborted();
      }
      if (going.length === 0) return completions;
      if (performance.now() - lastPause > pauseAfterMs) {
        await nextTick();
        lastPause = performance.now();
      }
      compact(state, going);
      advance(llama, adapter, state, step + 1, sampling);
    }
  } finally {
    await Promise.allSettled(unread.map(({ values }) => values)); // A tensor must outlive its reading.
    tf.dispose(unread.map(({ tokens }) => tokens));
    disposeState(state);
  }
}

/** All the logits of one sequence, whose `marks` say which tokens carry logic: [T, V], row by row. */
export async function logits(
  llama: Llama,
  adapter: Adapter | null,
  tokens: number[],
  marks?: Uint8Array,
): Promise<Float32Array> {
  const all = tf.tidy(() => {
    const places = paddedPlaces([tokens], tokens.length, marks && [marks]);
    return readOut(llama, adapter, decode(llama, adapter, places));
  });
  const values = Float32Array.from((await all.data()) as Float32Array);
  all.dispose();
  return values;
}

type State = {
  rows: number[]; // Which prompt each place of the batch serves.
  tokens: tf.Tensor1D; // [B] int32, each row's latest, not yet in the cache.
  caches: tf.Tensor4D[]; // One a layer: [B, 2K, S, D].
  /** Of the tokens in the cache [B, S] int32, and of the vocabulary [V] int32; null where nobody asks. */
  marks: { slots: tf.Tensor2D; table: tf.Tensor1D } | null;
  starts: tf.Tensor1D; // [B] int32: the slot of the prompt's last token.
  seeds: tf.Tensor1D; // [B] int32: of each row's own generator.
  /** Starts and seeds of every prompt. */
  known: { start: number; seed: number }[];
};

/** A step's tokens on their way here. */
type Unread = { rows: number[]; tokens: tf.Tensor1D; values: Promise<Int32Array> };

function disposeState({ tokens, caches, marks, starts, seeds }: State): void {
  tf.dispose([tokens, caches, starts, seeds]);
  if (marks) tf.dispose([marks.slots, marks.table]);
}

/** The starts and seeds of the rows named. */
function ofRows(rows: number[], known: State["known"]): Pick<State, "starts" | "seeds"> {
  const column = (key: "start" | "seed") =>
    tf.tensor1d(
      Int32Array.from(rows, (row) => known[row]?.[key] ?? 0),
      "int32",
    );
  return { starts: column("start"), seeds: column("seed") };
}

/** The reading has a handle of its own on the tokens, as the next step may be done with them before it ends. */
function startReading({ rows, tokens }: State): Unread {
  const own = tokens.clone();
  const values = own.data() as Promise<Int32Array>;
  values.catch(() => undefined); // Whoever awaits it is told; nobody does once the consumer has gone.
  return { rows, tokens: own, values };
}

type Prefill = { prompts: number[][]; copies: number; marks: Marks | undefined; slots: number; virtual: number };

/** Reads all prompts, in chunks of like length so that little is padded, and takes each one's first token. */
function prefill(llama: Llama, adapter: Adapter | null, given: Prefill, sampling: Sampling): State {
  const { prompts, copies, marks, slots, virtual } = given;
  const { keyValueHeads: K, headDim: D, layers } = llama.config;
  const lengthOf = (prompt: number) => prompts[prompt]?.length ?? 0;
  const order = prompts.map((_, prompt) => prompt).sort((a, b) => lengthOf(a) - lengthOf(b));
  const parts: Part[] = [];
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && (to + 1 - from) * lengthOf(order[to] ?? 0) <= prefillTokens) to++;
    const chunk = order.slice(from, to);
    const caches: tf.Tensor4D[] = Array.from({ length: layers }, () => tf.zeros([chunk.length, 2 * K, slots, D]));
    const some = chunk.map((row) => prompts[row] ?? []);
    const marksOf = marks && chunk.map((row) => marks.prompts[row] ?? new Uint8Array(0));
    parts.push({ caches, logits: tf.tidy(() => prefillChunk(llama, adapter, some, marksOf, caches)) });
    from = to;
  }
  const { caches, logits } = copied(joined(parts), copies);
  const rows = order.flatMap((prompt) => Array.from({ length: copies }, (_, copy) => prompt * copies + copy));
  const known = Array.from({ length: rows.length }, (_, row) => ({
    start: virtual + lengthOf(Math.floor(row / copies)) - 1,
    seed: seedFor(sampling.seed, row),
  }));
  const { starts, seeds } = ofRows(rows, known);
  const tokens = tf.tidy(() => sampleTokens(logits, stepAhead(starts, seeds, 0).draws, sampling));
  logits.dispose();
  const slotted = marks ? slotMarks(rows, copies, marks, slots, virtual) : null;
  return { rows, tokens, caches, marks: slotted, starts, seeds, known };
}

/** The marks of the prompts in the cache, behind those of virtual tokens, which all carry logic. */
function slotMarks(
  rows: number[],
  copies: number,
  { prompts, table }: Marks,
  slots: number,
  virtual: number,
): State["marks"] {
  const values = new Int32Array(rows.length * slots);
  rows.forEach((row, place) => {
    values.fill(1, place * slots, place * slots + virtual);
    values.set(prompts[Math.floor(row / copies)] ?? [], place * slots + virtual);
  });
  return {
    slots: tf.tensor2d(values, [rows.length, slots], "int32"),
    table: tf.tensor1d(Int32Array.from(table), "int32"),
  };
}

type Part = { caches: tf.Tensor4D[]; logits: tf.Tensor2D };

/** The parts one below the other; they are used up. */
function joined(parts: Part[]): Part {
  const [first] = parts;
  if (!first) throw new StudioError("bug");
  if (parts.length === 1) return first;
  const caches = first.caches.map((_, i) => tf.concat(parts.map((part) => part.caches[i] as tf.Tensor4D)));
  const logits = tf.concat(parts.map((part) => part.logits));
  tf.dispose(parts);
  return { caches, logits };
}

/** Each row so many times over, one behind the other; what was is used up. */
function copied({ caches, logits }: Part, copies: number): Part {
  if (copies === 1) return { caches, logits };
  const wide = tf.tidy(() => {
    const rows = dim(logits, 0);
    const index = tf.tensor1d(
      Array.from({ length: rows * copies }, (_, place) => Math.floor(place / copies)),
      "int32",
    );
    return { caches: caches.map((cache) => cacheRows(cache, index)), logits: takeRows(logits, index) };
  });
  tf.dispose([caches, logits]);
  return wide;
}

/** Some rows of a cache [B, 2K, S, D], in the order asked for. */
function cacheRows(cache: tf.Tensor4D, index: tf.Tensor1D): tf.Tensor4D {
  const [B, heads, slots, D] = cache.shape;
  const taken = takeRows(tf.reshape(cache, [B, heads * slots * D]), index);
  return tf.reshape(taken, [dim(index, 0), heads, slots, D]);
}

function prefillChunk(
  llama: Llama,
  adapter: Adapter | null,
  prompts: number[][],
  marks: Uint8Array[] | undefined,
  caches: tf.Tensor4D[],
): tf.Tensor2D {
  const { heads, keyValueHeads } = llama.config;
  const places = paddedPlaces(prompts, caches[0]?.shape[2] ?? 0, marks);
  const picked = tf.tensor1d(
    prompts.map((prompt, i) => i * places.length + prompt.length - 1),
    "int32",
  );
  const starts = tf.zeros<tf.Rank.R1>([prompts.length], "int32");
  const attend = (qkv: tf.Tensor4D, layer: number, given: Surroundings) => {
    const whole = given.prefix ? behindPrefix(given.prefix, qkv) : qkv;
    replaceCache(caches, layer, (cache) => fillCache(cache, whole, starts, { heads, keyValueHeads }));
    return attendIn(llama.config, layer, qkv, given);
  };
  return readOut(llama, adapter, decode(llama, adapter, places, { picked, attend }));
}

function replaceCache(caches: tf.Tensor4D[], layer: number, next: (cache: tf.Tensor4D) => tf.Tensor4D): void {
  const cache = caches[layer];
  if (!cache) throw new StudioError("bug", say`Layer ${layer} has no cache`);
  caches[layer] = tf.keep(next(cache));
  cache.dispose();
}

/** Keeps the places named, and frees the rest. */
function compact(state: State, going: number[]): void {
  if (going.length === state.rows.length) return;
  const rows = going.map((place) => state.rows[place] ?? 0);
  const { marks } = state;
  const kept = tf.tidy(() => {
    const index = tf.tensor1d(going, "int32");
    const caches = state.caches.map((cache) => cacheRows(cache, index));
    const slots = marks ? tf.gather(marks.slots, index) : null;
    return {
      caches,
      tokens: tf.gather(state.tokens, index),
      ...(slots ? { slots } : {}),
      ...ofRows(rows, state.known),
    };
  });
  const { slots, ...tensors } = kept;
  const table = marks?.table.clone();
  disposeState(state);
  Object.assign(state, tensors, { rows, marks: slots && table ? { slots, table } : null }); // In one go: the state is whole, whatever throws before or after.
}

/** One more token for every row: the latest goes into the cache, and what follows is drawn. */
function advance(llama: Llama, adapter: Adapter | null, state: State, step: number, sampling: Sampling): void {
  const { heads, keyValueHeads } = llama.config;
  const tokens = tf.tidy(() => {
    const { positions, draws } = stepAhead(state.starts, state.seeds, step);
    const places: Places = {
      rows: state.rows.length,
      length: 1,
      reach: state.caches[0]?.shape[2] ?? 0,
      tokens: state.tokens,
      positions,
      segments: positions,
      marks: state.marks && tf.gather(state.marks.table, state.tokens),
    };
    if (state.marks) markNext(state.marks, state.tokens, positions);
    const { loar = null } = adapter?.parts ?? {};
    const attend = (qkv: tf.Tensor4D, layer: number) => {
      replaceCache(state.caches, layer, (cache) => fillCache(cache, qkv, positions, { heads, keyValueHeads }));
      const marks = loarMarks(loar, layer, state.marks && tf.reshape(state.marks.slots, [-1]));
      return attendCache(qkv, state.caches[layer] as tf.Tensor4D, positions, waysOf(llama.config, layer), marks);
    };
    return sampleTokens(
      readOut(llama, adapter, decode(llama, adapter, places, { attend, goesOn: true })),
      draws,
      sampling,
    );
  });
  state.tokens.dispose();
  state.tokens = tokens;
}

/** Marks the latest tokens in their slots by the vocabulary's table. */
function markNext(marks: NonNullable<State["marks"]>, tokens: tf.Tensor1D, slots: tf.Tensor1D): void {
  const next = tf.keep(markSlots(marks.slots, marks.table, tokens, slots));
  marks.slots.dispose();
  marks.slots = next;
}
