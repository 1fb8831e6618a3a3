/** @file How a figure is taken: warm up, repeat until there are enough or the time is up, report the median. */

import { counts } from "./counters";

/** One line of the table. Beyond these, what the case can tell. */
export type Figure = {
  case: string;
  backend: "wasm" | "webgpu";
  system: "anneal" | "tfjs" | "jax-js";
  /** Median of the repeats. */
  ms: number;
  fastestMs: number;
  repeats: number;
  threads?: number;
  /** Of one repeat; only on WebGPU. */
  dispatches?: number;
  submits?: number;
  /** Taken from the host at most: buffers on a GPU, WebAssembly memory on a CPU. */
  peakBytes?: number;
  /** Of the WebAssembly memory, how much held tensors after a step. */
  usedBytes?: number;
  gflops?: number;
  gbps?: number;
  tokensPerSecond?: number;
  /** Of the first steps, so that systems can be seen to compute the same. */
  losses?: number[];
};

export type Measured = Omit<Figure, "case" | "backend" | "system">;

export type Patience = {
  warmUps?: number;
  most?: number;
  /** No further repeat begins after so long, and no further warm-up after half. Two are made, unless the first takes twice as long. */
  budgetMs?: number;
};

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Times `run`, which must wait for the device; `times` says how many of the thing one call of it does. */
export async function measure(
  run: () => Promise<unknown>,
  { warmUps = 2, most = 9, budgetMs = 15_000 }: Patience = {},
  times = 1,
): Promise<Measured> {
  const warming = performance.now();
  for (let i = 0; i < warmUps && (i === 0 || performance.now() - warming < budgetMs / 2); i++) await run();
  const begun = performance.now();
  const before = { ...counts };
  const all: number[] = [];
  const spent = () => performance.now() - begun;
  while (all.length < 1 || (all.length < most && spent() < budgetMs) || (all.length < 2 && spent() < 2 * budgetMs)) {
    const start = performance.now();
    await run();
    all.push((performance.now() - start) / times);
  }
  const calls = all.length * times;
  const each = (key: keyof typeof counts) => Math.round((counts[key] - before[key]) / calls);
  return {
    ms: rounded(median(all)),
    fastestMs: rounded(Math.min(...all)),
    repeats: all.length,
    ...(counts.dispatches > before.dispatches && { dispatches: each("dispatches"), submits: each("submits") }),
  };
}

/** Four digits are more than a timing holds. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
