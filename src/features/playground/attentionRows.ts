/** @file What is read off one head's attention: its triangle, what training changed, the strongest keys of a row. Pure. */

import type { Routing } from "../../core/metrics";

/** The weights of tokens on those up to them; NaN above, where nothing can be looked at. [T, T] */
export function lowerTriangle(weights: ArrayLike<number>, T: number): Float32Array {
  const values = new Float32Array(T * T).fill(Number.NaN);
  for (let i = 0; i < T; i++) for (let j = 0; j <= i; j++) values[i * T + j] = weights[i * T + j] ?? Number.NaN;
  return values;
}

/** tuned − base. [T, T] */
export function changeOf(base: ArrayLike<number>, tuned: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: base.length }, (_, i) => (tuned[i] ?? 0) - (base[i] ?? 0));
}

/** The keys of a row that weigh most, up or down, the heaviest first. Those that round to nothing are left out. */
export function strongestKeys(
  values: ArrayLike<number>,
  T: number,
  row: number,
  count: number,
): { key: number; value: number }[] {
  return Array.from({ length: row + 1 }, (_, key) => ({ key, value: values[row * T + key] ?? 0 }))
    .filter(({ value }) => Math.abs(value) >= 0.005)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.key - b.key)
    .slice(0, count);
}

/** The head whose gate went farthest from where it began, else the last layer's first. */
export function firstHead(
  routing: Routing | undefined,
  layers: number,
  began: number,
): { layer: number; head: number } {
  let [best, most] = [{ layer: layers - 1, head: 0 }, 0];
  routing?.gates.forEach((gates, layer) => {
    gates.forEach((gate, head) => {
      const away = Math.abs(gate - began);
      if (away > most) [best, most] = [{ layer, head }, away];
    });
  });
  return best;
}
