/** @file Half precision and bfloat16 to and from single precision, rounding to nearest even as IEEE 754 asks. */

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The value of 16 bits read as IEEE 754 binary16. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The 16 bits of the nearest binary16; beyond its range ±infinity. */
export function toHalf(value: number): number {
  single[0] = value;
  const x = bits[0] ?? 0;
  const sign = (x >>> 16) & 0x8000;
  const exponent = ((x >>> 23) & 0xff) - 112; // biased for binary16
  const fraction = x & 0x7fffff;
  if (exponent >= 143) return sign | (fraction ? 0x7e00 : 0x7c00);
  if (exponent >= 31) return sign | 0x7c00;
  const shift = exponent > 0 ? 13 : 14 - exponent; // subnormal halves lose more bits
  if (shift > 24) return sign;
  const whole = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const kept = whole >>> shift;
  const rest = whole & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0)); // a carry runs into the exponent
}

let table: Float32Array | undefined;

/** Widens binary16 bits. */
export function widenHalf(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, i) => fromHalf(i));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i] ?? 0] ?? 0;
  return values;
}

/** Widens bfloat16 bits: they are the upper half of a single. */
export function widenBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const wide = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) wide[i] = (halves[i] ?? 0) << 16;
  return new Float32Array(wide.buffer);
}

/** Rounds to binary16 bits. */
export function narrowHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = toHalf(values[i] ?? 0);
  return halves;
}
