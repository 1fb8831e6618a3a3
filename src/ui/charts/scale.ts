/** @file Numbers as colours: around a middle, below it one way and above it the other, or shares from nothing to all. Pure. */

export type Scale =
  /** Blue below, orange above: the pair that every kind of colour blindness tells apart. */
  | { kind: "around"; middle: number; extent: number }
  /** 0 to 1 by its square root, as most shares are small. */
  | { kind: "share" };

export type Rgb = readonly [red: number, green: number, blue: number];

/** The page's colours that a scale runs between. */
export type Palette = { low: Rgb; middle: Rgb; high: Rgb; none: Rgb; mark: Rgb };

/** Of #rrggbb, or of #rgb, as style sheets are shortened when they are built; black of anything else. */
export function parseColor(text: string): Rgb {
  const digits = /^#([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(text.trim())?.[1] ?? "000000";
  const wide = digits.length / 3;
  const part = (at: number) => Number.parseInt(digits.slice(at * wide, (at + 1) * wide).repeat(3 - wide), 16);
  return [part(0), part(1), part(2)];
}

const mix = (a: Rgb, b: Rgb, share: number): Rgb => [
  Math.round(a[0] + (b[0] - a[0]) * share),
  Math.round(a[1] + (b[1] - a[1]) * share),
  Math.round(a[2] + (b[2] - a[2]) * share),
];

/** How strong a value's colour is: −1…1 around a middle, 0…1 for shares. */
export function strength(scale: Scale, value: number): number {
  if (scale.kind === "share") return Math.sqrt(Math.min(1, Math.max(0, value)));
  return Math.min(1, Math.max(-1, (value - scale.middle) / scale.extent));
}

/** Null where the value is no number: nothing is drawn there. */
export function colorOf(scale: Scale, palette: Palette, value: number): Rgb | null {
  if (!Number.isFinite(value)) return null;
  const strong = strength(scale, value);
  if (scale.kind === "share") return mix(palette.none, palette.low, strong);
  return mix(palette.middle, strong < 0 ? palette.low : palette.high, Math.abs(strong));
}

/** The smallest of 1, 2 and 5 times a power of ten that holds how far the values go from the middle; at least `least`. */
export function extentOf(values: ArrayLike<number>, middle: number, least: number): number {
  let most = least;
  for (let i = 0; i < values.length; i++) {
    const away = Math.abs((values[i] ?? Number.NaN) - middle);
    if (away > most && Number.isFinite(away)) most = away;
  }
  const power = 10 ** Math.floor(Math.log10(most) + 1e-9);
  const round = [1, 2, 5, 10].find((factor) => factor * power >= most * (1 - 1e-9)) ?? 10;
  return Number((round * power).toPrecision(6));
}

/** What a legend writes below its colours, and where along them. */
export function scaleTicks(scale: Scale): { value: number; at: number }[] {
  if (scale.kind === "share") return [0, 0.05, 0.25, 1].map((value) => ({ value, at: Math.sqrt(value) }));
  const { middle, extent } = scale;
  return [
    { value: middle - extent, at: 0 },
    { value: middle, at: 0.5 },
    { value: middle + extent, at: 1 },
  ].map(({ value, at }) => ({ value: Number(value.toPrecision(6)), at }));
}
