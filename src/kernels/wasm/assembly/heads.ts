/** @file Kernels over attention heads: rotation, attention and its derivative, the key-value cache. */

import { product, PANEL } from "./product";
import { exp1, exp4, fma, log1, splat, sumLanes, maxLanes } from "./simd";

// @ts-ignore: decorator
@inline
function word(args: usize, i: usize): i32 {
  return load<i32>(args + (i << 2));
}
// @ts-ignore: decorator
@inline
function address(args: usize, i: usize): usize {
  return load<usize>(args + (i << 2));
}

/** Copies `half` pairs, turned by an angle whose cosines are at `table` and sines right after; sign −1 turns back. */
// @ts-ignore: decorator
@inline
function turn(to: usize, from: usize, table: usize, half: i32, sign: f32): void {
  const far = <usize>half << 2;
  let d = 0;
  for (; d + 4 <= half; d += 4) {
    const at = <usize>d << 2;
    const c = v128.load(table + at);
    const s = f32x4.mul(v128.load(table + far + at), splat(sign));
    const a = v128.load(from + at), b = v128.load(from + far + at);
    v128.store(to + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(to + far + at, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
  for (; d < half; d++) {
    const at = <usize>d << 2;
    const c = load<f32>(table + at), s = load<f32>(table + far + at) * sign;
    const a = load<f32>(from + at), b = load<f32>(from + far + at);
    store<f32>(to + at, a * c - b * s);
    store<f32>(to + far + at, b * c + a * s);
  }
}

/** out, q, k, v, positions, table, T, H, K, D; a piece is a row of the batch */
export function splitHeads(args: usize, piece: i32): void {
  const T = word(args, 6), H = word(args, 7), K = word(args, 8), D = word(args, 9);
  const positions = address(args, 4), table = address(args, 5);
  const bytes = <usize>D << 2;
  for (let t = 0; t < T; t++) {
    const token = piece * T + t;
    const angle = table + <usize>load<i32>(positions + (<usize>token << 2)) * bytes;
    for (let head = 0; head < H + 2 * K; head++) {
      const to = address(args, 0) + <usize>((piece * (H + 2 * K) + head) * T + t) * bytes;
      if (head < H) turn(to, address(args, 1) + <usize>(token * H + head) * bytes, angle, D >> 1, 1);
      else if (head < H + K) turn(to, address(args, 2) + <usize>(token * K + head - H) * bytes, angle, D >> 1, 1);
      else memory.copy(to, address(args, 3) + <usize>(token * K + head - H - K) * bytes, bytes);
    }
  }
}

/** out, dy, positions, table, S, T, D, first, count, rotated; a piece is a row of the batch */
export function mergeHeads(args: usize, piece: i32): void {
  const S = word(args, 4), T = word(args, 5), D = word(args, 6);
  const first = word(args, 7), count = word(args, 8), rotated = word(args, 9);
  const bytes = <usize>D << 2;
  for (let t = 0; t < T; t++) {
    const token = piece * T + t;
    const angle = address(args, 3) + <usize>load<i32>(address(args, 2) + (<usize>token << 2)) * bytes;
    for (let head = 0; head < count; head++) {
      const from = address(args, 1) + <usize>((piece * S + first + head) * T + t) * bytes;
      const to = address(args, 0) + <usize>(token * count + head) * bytes;
      if (rotated) turn(to, from, angle, D >> 1, -1);
      else memory.copy(to, from, bytes);
    }
  }
}

/** Query rows taken at a time. */
const BLOCK: i32 = 48;

/** Scores of query rows from … from + rows with keys 0 … from + rows: [rows, width], in `to`. */
// @ts-ignore: decorator
@inline
function scoreBlock(to: usize, scratch: usize, q: usize, k: usize, from: i32, rows: i32, width: i32, D: i32): void {
  const scale = <f32>1 / sqrt<f32>(<f32>D);
  product(to, width, rows, from + rows, false, scale, scratch, q + (<usize>(from * D) << 2), D, 1, k, 1, D, D);
}

/** The first place that row `i` of a document sees; its places are those from there to i that share its segment. */
// @ts-ignore: decorator
@inline
function isSeen(segments: usize, i: i32, j: i32): bool {
  return load<i32>(segments + (<usize>j << 2)) == load<i32>(segments + (<usize>i << 2));
}

/** Sets to −1e30 what place i does not see among 0 … width − 1. */
function maskRow(row: usize, segments: usize, i: i32, width: i32): void {
  for (let j = 0; j < width; j++) {
    if (j > i || !isSeen(segments, i, j)) store<f32>(row + (<usize>j << 2), -1e30);
  }
}

function largestOf(row: usize, width: i32): f32 {
  let top = splat(-1e30);
  let j = 0;
  for (; j + 4 <= width; j += 4) top = f32x4.max(top, v128.load(row + (<usize>j << 2)));
  let best = maxLanes(top);
  for (; j < width; j++) best = max(best, load<f32>(row + (<usize>j << 2)));
  return best;
}

/** Each number becomes its exponential less `shift`; −1e30 becomes 0. Returns their sum. */
function expRow(row: usize, width: i32, shift: f32): f32 {
  const by = splat(shift);
  const floor = splat(-1e29);
  let sum = splat(0);
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    const at = row + (<usize>j << 2);
    const x = v128.load(at);
    const e = v128.and(exp4(f32x4.sub(x, by)), f32x4.gt(x, floor));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  let total = sumLanes(sum);
  for (; j < width; j++) {
    const at = row + (<usize>j << 2);
    const x = load<f32>(at);
    const e = x > -1e29 ? exp1(x - shift) : 0;
    store<f32>(at, e);
    total += e;
  }
  return total;
}

/** out, qkv, segments, H, K, T, D; a piece is a query head of a row. Working memory: a block of scores, a panel. */
export function attention(args: usize, piece: i32, scratch: usize): void {
  const H = word(args, 3), K = word(args, 4), T = word(args, 5), D = word(args, 6);
  const b = piece / H, h = piece % H;
  const bytes = <usize>(T * D) << 2;
  const base = address(args, 1) + <usize>(b * (H + 2 * K)) * bytes;
  const q = base + <usize>h * bytes;
  const k = base + <usize>(H + h / (H / K)) * bytes;
  const v = k + <usize>K * bytes;
  const segments = address(args, 2) + (<usize>(b * T) << 2);
  const scores = scratch + PANEL;
  for (let from = 0; from < T; from += BLOCK) {
    const rows = min(BLOCK, T - from), width = from + rows;
    scoreBlock(scores, scratch, q, k, from, rows, width, D);
    for (let r = 0; r < rows; r++) {
      const row = scores + (<usize>(r * width) << 2);
      maskRow(row, segments, from + r, width);
      const part = splat(<f32>1 / expRow(row, width, largestOf(row, width)));
      let j = 0;
      for (; j + 4 <= width; j += 4) {
        const at = row + (<usize>j << 2);
        v128.store(at, f32x4.mul(v128.load(at), part));
      }
      for (; j < width; j++) {
        const at = row + (<usize>j << 2);
        store<f32>(at, load<f32>(at) * f32x4.extract_lane(part, 0));
      }
    }
    const out = address(args, 0) + (<usize>(((b * T + from) * H + h) * D) << 2);
    product(out, H * D, rows, D, false, 1, scratch, scores, width, 1, v, D, 1, width);
  }
}

/** out, qkv, segments, y, dy, H, K, T, D; a piece is a query head of a row */
export function attentionStatistics(args: usize, piece: i32, scratch: usize): void {
  const H = word(args, 5), K = word(args, 6), T = word(args, 7), D = word(args, 8);
  const b = piece / H, h = piece % H;
  const bytes = <usize>(T * D) << 2;
  const base = address(args, 1) + <usize>(b * (H + 2 * K)) * bytes;
  const segments = address(args, 2) + (<usize>(b * T) << 2);
  const scores = scratch + PANEL;
  for (let from = 0; from < T; from += BLOCK) {
    const rows = min(BLOCK, T - from), width = from + rows;
    scoreBlock(scores, scratch, base + <usize>h * bytes, base + <usize>(H + h / (H / K)) * bytes, from, rows, width, D);
    for (let r = 0; r < rows; r++) {
      const row = scores + (<usize>(r * width) << 2);
      maskRow(row, segments, from + r, width);
      const top = largestOf(row, width);
      const place = <usize>(((b * T + from + r) * H + h) * D) << 2;
      let delta = splat(0);
      let rest: f32 = 0;
      let d = 0;
      for (; d + 4 <= D; d += 4) {
        const at = place + (<usize>d << 2);
        delta = fma(v128.load(address(args, 3) + at), v128.load(address(args, 4) + at), delta);
      }
      for (; d < D; d++) {
        const at = place + (<usize>d << 2);
        rest += load<f32>(address(args, 3) + at) * load<f32>(address(args, 4) + at);
      }
      const out = address(args, 0) + (<usize>((piece * T + from + r) * 2) << 2);
      store<f32>(out, top + log1(expRow(row, width, top)));
      store<f32>(out, sumLanes(delta) + rest, 4);
    }
  }
}

/** out, qkv, segments, dy, stats, H, K, T, D; a piece is a key-value head of a row. Two blocks of scores, a panel. */
export function attentionBack(args: usize, piece: i32, scratch: usize): void {
  const H = word(args, 5), K = word(args, 6), T = word(args, 7), D = word(args, 8);
  const b = piece / K, g = piece % K;
  const bytes = <usize>(T * D) << 2;
  const offset = <usize>(b * (H + 2 * K)) * bytes;
  const qkv = address(args, 1) + offset, out = address(args, 0) + offset;
  const k = qkv + <usize>(H + g) * bytes, v = k + <usize>K * bytes;
  const dk = out + <usize>(H + g) * bytes, dv = dk + <usize>K * bytes;
  const segments = address(args, 2) + (<usize>(b * T) << 2);
  const scores = scratch + PANEL, pulls = scores + (<usize>(BLOCK * T) << 2);
  const scale = <f32>1 / sqrt<f32>(<f32>D);
  memory.fill(dk, 0, bytes);
  memory.fill(dv, 0, bytes);
  for (let h = g * (H / K); h < (g + 1) * (H / K); h++) {
    const q = qkv + <usize>h * bytes;
    for (let from = 0; from < T; from += BLOCK) {
      const rows = min(BLOCK, T - from), width = from + rows;
      const dy = address(args, 3) + (<usize>(((b * T + from) * H + h) * D) << 2);
      scoreBlock(scores, scratch, q, k, from, rows, width, D);
      product(pulls, width, rows, width, false, 1, scratch, dy, H * D, 1, v, 1, D, D);
      for (let r = 0; r < rows; r++) {
        const stats = address(args, 4) + (<usize>(((b * H + h) * T + from + r) * 2) << 2);
        const row = scores + (<usize>(r * width) << 2), pull = pulls + (<usize>(r * width) << 2);
        maskRow(row, segments, from + r, width);
        expRow(row, width, load<f32>(stats));
        const delta = load<f32>(stats, 4);
        let j = 0;
        for (; j + 4 <= width; j += 4) {
          const at = <usize>j << 2;
          const ds = f32x4.mul(v128.load(row + at), f32x4.sub(v128.load(pull + at), splat(delta)));
          v128.store(pull + at, f32x4.mul(ds, splat(scale)));
        }
        for (; j < width; j++) {
          const at = <usize>j << 2;
          store<f32>(pull + at, load<f32>(row + at) * (load<f32>(pull + at) - delta) * scale);
        }
      }
      const dq = out + <usize>h * bytes + (<usize>(from * D) << 2);
      product(dq, D, rows, D, false, 1, scratch, pulls, width, 1, k, D, 1, width);
      product(dk, D, width, D, true, 1, scratch, pulls, 1, width, q + (<usize>(from * D) << 2), D, 1, rows);
      product(dv, D, width, D, true, 1, scratch, scores, 1, width, dy, H * D, 1, rows);
    }
  }
}

/** cache, cache, packed, starts, H, C, S, T, D: in place; a piece is a row of the batch */
export function cacheFill(args: usize, piece: i32): void {
  const H = word(args, 4), C = word(args, 5), S = word(args, 6), T = word(args, 7);
  const bytes = <usize>word(args, 8) << 2;
  const start = load<i32>(address(args, 3) + (<usize>piece << 2));
  const count = min(T, S - start);
  for (let c = 0; c < C; c++) {
    memory.copy(
      address(args, 0) + <usize>((piece * C + c) * S + start) * bytes,
      address(args, 2) + <usize>((piece * (H + C) + H + c) * T) * bytes,
      <usize>count * bytes,
    );
  }
}

/** out, packed, cache, lengths, H, K, S, D; a piece is a row of the batch */
export function cacheAttention(args: usize, piece: i32, scratch: usize): void {
  const H = word(args, 4), K = word(args, 5), S = word(args, 6), D = word(args, 7);
  const width = load<i32>(address(args, 3) + (<usize>piece << 2)) + 1;
  const bytes = <usize>(S * D) << 2;
  const group = H / K;
  const scale = <f32>1 / sqrt<f32>(<f32>D);
  for (let g = 0; g < K; g++) {
    const keys = address(args, 2) + <usize>(piece * 2 * K + g) * bytes;
    const values = keys + <usize>K * bytes;
    for (let h = g * group; h < (g + 1) * group; h++) {
      const q = address(args, 1) + (<usize>((piece * (H + 2 * K) + h) * D) << 2);
      const out = address(args, 0) + (<usize>((piece * H + h) * D) << 2);
      for (let j = 0; j < width; j++) {
        const k = keys + (<usize>(j * D) << 2);
        let sum = splat(0);
        let rest: f32 = 0;
        let d = 0;
        for (; d + 4 <= D; d += 4) sum = fma(v128.load(q + (<usize>d << 2)), v128.load(k + (<usize>d << 2)), sum);
        for (; d < D; d++) rest += load<f32>(q + (<usize>d << 2)) * load<f32>(k + (<usize>d << 2));
        store<f32>(scratch + (<usize>j << 2), (sumLanes(sum) + rest) * scale);
      }
      const part = <f32>1 / expRow(scratch, width, largestOf(scratch, width));
      let d = 0;
      for (; d + 4 <= D; d += 4) {
        let sum = splat(0);
        const from = values + (<usize>d << 2);
        for (let j = 0; j < width; j++) {
          sum = fma(v128.load_splat<f32>(scratch + (<usize>j << 2)), v128.load(from + (<usize>(j * D) << 2)), sum);
        }
        v128.store(out + (<usize>d << 2), f32x4.mul(sum, splat(part)));
      }
      for (; d < D; d++) {
        let sum: f32 = 0;
        for (let j = 0; j < width; j++) {
          sum += load<f32>(scratch + (<usize>j << 2)) * load<f32>(values + (<usize>(j * D + d) << 2));
        }
        store<f32>(out + (<usize>d << 2), sum * part);
      }
    }
  }
}
