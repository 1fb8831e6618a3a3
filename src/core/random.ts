/** @file The one source of chance: a small seeded generator whose state is a plain number, so that a run can resume. */

export type Random = {
  /** Uniform in [0, 1). */
  next: () => number;
  /** Uniform whole number in [0, n). */
  below: (n: number) => number;
  /** Standard normal. */
  normal: () => number;
  /** The state after the last draw; `newRandom(state)` goes on from there. */
  state: () => number;
};

/** Mulberry32 (Tommy Ettinger, 2017; public domain): 32 bits of state, passes gjrand's tests. */
export function newRandom(seed: number): Random {
  let a = seed >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    below: (n) => Math.floor(next() * n),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    state: () => a,
  };
}

/** A seed for a named part of a run, so that drawing more in one part never shifts another (FNV-1a, 32 bits). */
export function seedFor(seed: number, ...parts: (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of [seed, ...parts].join("/")) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash >>> 0;
}

/** 0 … n−1 in a seeded order (Fisher–Yates). */
export function shuffled(n: number, seed: number): Uint32Array {
  const random = newRandom(seed);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}
