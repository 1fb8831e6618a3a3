/** @file A small seeded generator of random numbers (sfc32), so that the problems come out the same everywhere. */

/** A stream of random numbers; the same seed gives the same stream on every platform. */
export interface Random {
  /** A whole number in [low, high], both ends included. */
  int(low: number, high: number): number;
  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T;
  /** True with the given chance. */
  chance(share: number): boolean;
}

/** 32-bit FNV-1a with a final mix (murmur3's), of the text's UTF-16 units. */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A new stream from a seed and a label: streams with different labels are independent of each other. */
export function newRandom(seed: number, label = ""): Random {
  let a = hashText(`a${label}`);
  let b = hashText(`b${label}`) ^ seed;
  let c = hashText(`c${String(seed)}`);
  let d = 1;
  const next = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return {
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new RangeError("pick from an empty list");
      return item;
    },
    chance: (share) => next() < share,
  };
}
