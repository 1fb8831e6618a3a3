/**
 * @file Low-rank pairs beside frozen linear layers (Hu et al. 2021). Layers that read the same x lie in one matrix w,
 * rows of one after rows of the other, and so do their pairs: one product serves them all. Part m has the rows O_m of w
 * and b, and the columns U_m of u, R of them.
 *
 *   u = scale · drop(x) · aᵀ              y = x · wᵀ, and for each part + u_m · b_mᵀ
 *
 *   du_m = scale · dy_m · b_m             dx = dy · w + drop(du · a)
 *   da = duᵀ · drop(x)                    db_m = dy_mᵀ · u_m
 *
 * The scale is one for all parts, or one for each. W + BA is never formed. Shapes: x [N, I], w [O, I], a [U, I], b [O, R], u [N, U], y [N, O].
 */

import { add } from "./add";
import { dropout } from "./dropout";
import { defineKernel } from "./kernel";
import {
  columnsOf,
  formatSizes,
  linear,
  linearBack,
  linearWeight,
  multiply,
  packedSource,
  plain,
  rowsOf,
  size,
  sizes,
  strips,
  timesPacked,
  timesPackedBack,
} from "./linear";
import {
  type Cuts,
  cutsOf,
  type Pairs,
  type PartScales,
  type PartsOf,
  partSource,
  scaleOfColumns,
  scaleParts,
  scalesOf,
  sizesOf,
  spread,
} from "./loraParts";
import { productProgram, type Sum } from "./product";
import { dim } from "./shape";
import { offTape, tf } from "./tf";
import { packedScratch } from "./wasmBackend";
import { dequantized, type Packing, packingOf, type Weight, weightOf } from "./weight";

export type { Pairs } from "./loraParts";

type T2 = tf.Tensor2D;
type Dropout = { p: number; seed: number };

const down = defineKernel({
  name: "LoraDown",
  inputs: ["dy", "b"],
  reference: ({ dy, b }: { dy: T2; b: T2 }, { scale, parts, ...cuts }: Cuts & { scale: number; parts: number }) =>
    tf.mul(tf.matMul(dy, spread(b, sizesOf(cuts, dim(dy, 1), parts))), scale),
  gpu: ({ dy, b }, { scale, parts, cut1, cut2 }) =>
    productProgram({
      rows: dim(dy, 0),
      cols: dim(b, 1),
      depth: Math.ceil(dim(dy, 1) / parts),
      outputShape: [dim(dy, 0), parts * dim(b, 1)],
      parts,
      place: `row * ${size("b", 1)} * ${parts}u + part * ${size("b", 1)} + col`,
      sums: [
        {
          a: { ...rowsOf("dy"), from: "partFrom(part)" },
          b: { ...columnsOf("b"), from: `partFrom(part) * ${size("b", 1)}` },
          depth: "partFrom(part + 1u) - partFrom(part)",
        },
      ],
      scale,
      constants: { parts },
      uniforms: { cut1, cut2 },
      functions: () => partSource(size("b", 0)),
    }),
  wasm: ({ dy, b }, { scale, parts, ...cuts }) => {
    const [N, O, R] = [dim(dy, 0), dim(dy, 1), dim(b, 1)];
    return multiply(
      [N, parts * R],
      sizesOf(cuts, O, parts).map(({ from, rows }, m) => ({
        ...{ rows: N, cols: R, depth: rows },
        ...{ c: m * R, a: from, b: from * R },
      })),
      { cRow: parts * R, aRow: O, aStep: 1, bRow: R, bStep: 1 },
      scale,
    );
  },
  cases: partCases(({ N, O }, parts) => ({ shapes: { dy: [N, O], b: [O, 3] }, attrs: { scale: 0.5, parts } })),
});

const up = defineKernel({
  name: "LoraUp",
  inputs: ["dy", "u"],
  reference: ({ dy, u }: { dy: T2; u: T2 }, { parts, ...cuts }: Cuts & { parts: number }) => {
    const R = dim(u, 1) / parts;
    const each = sizesOf(cuts, dim(dy, 1), parts).map(({ from, rows }, m) =>
      tf.matMul(tf.slice(dy, [0, from], [dim(dy, 0), rows]), tf.slice(u, [0, m * R], [dim(u, 0), R]), true),
    );
    return tf.concat(each, 0);
  },
  gpu: ({ dy, u }, { parts, ...cuts }) => {
    const [O, R] = [dim(dy, 1), dim(u, 1) / parts];
    return productProgram({
      rows: Math.max(...sizesOf(cuts, O, parts).map(({ rows }) => rows)),
      cols: R,
      depth: dim(dy, 0),
      outputShape: [O, R],
      parts,
      rowsOfPart: "partFrom(part + 1u) - partFrom(part)",
      place: "(partFrom(part) + row) * uniforms.cols + col",
      sums: [
        {
          a: { ...columnsOf("dy"), from: "partFrom(part)" },
          b: { ...columnsOf("u"), from: "part * uniforms.cols" },
          depth: size("dy", 0),
        },
      ],
      constants: { parts },
      uniforms: cuts,
      functions: () => partSource(size("dy", 1)),
    });
  },
  wasm: ({ dy, u }, { parts, ...cuts }) => {
    const [N, O, U] = [dim(dy, 0), dim(dy, 1), dim(u, 1)];
    const R = U / parts;
    return multiply(
      [O, R],
      sizesOf(cuts, O, parts).map(({ from, rows }, m) => ({
        ...{ rows, cols: R, depth: N },
        ...{ c: from * R, a: from, b: m * R },
      })),
      { cRow: R, aRow: 1, aStep: O, bRow: U, bStep: 1 },
      1,
    );
  },
  cases: partCases(({ N, O }, parts) => ({ shapes: { dy: [N, O], u: [N, 3 * parts] }, attrs: { parts } })),
});

const back = defineKernel({
  name: "LoraBack",
  inputs: ["dy", "w", "du", "a"],
  reference: ({ dy, w, du, a }: { dy: T2; w: T2; du: T2; a: T2 }, packing: Packing) =>
    tf.add(tf.matMul(dy, dequantized(w, packing)), tf.matMul(du, a)),
  gpu: ({ dy }, { format, width }) =>
    productProgram({
      rows: dim(dy, 0),
      cols: width,
      depth: dim(dy, 1),
      sums: [timesPackedBack("dy", format), { a: rowsOf("du"), b: columnsOf("a"), depth: size("du", 1) }],
      ...packedSource(format),
    }),
  wasm: ({ dy, w, du }, { format, width }) => ({
    fn: "loraBack",
    outputShape: [dim(dy, 0), width],
    work: strips(dim(dy, 0), width),
    args: [dim(dy, 0), dim(dy, 1), width, dim(du, 1), format, dim(w, 1)],
    scratch: packedScratch,
    cost: 2 * dim(dy, 0) * width * (dim(dy, 1) + dim(du, 1)),
  }),
  cases: formatSizes.map(({ N, I, O, format }) => ({
    shapes: { dy: [N, O], w: [O, I], du: [N, 6], a: [6, I] },
    attrs: { format, width: I },
    packed: { w: format },
  })),
});

type Attrs = PartScales & Packing & Cuts & Dropout;

const forward = defineKernel({
  name: "LoraLinear",
  inputs: ["x", "w", "u", "b", "a"],
  derive: ({ x, a, b }, { p, seed, ...scales }) => ({
    u: scaled(scales, dim(a, 0) / dim(b, 1), (scale) => linear(dropped(x, { p, seed }), plain(a), scale)),
  }),
  reference: (
    { x, w, a, b }: { x: T2; w: T2; u: T2; b: T2; a: T2 },
    { p, seed, cut1, cut2, scale0, scale1, scale2, ...packing }: Attrs,
  ) => {
    const parts = sizesOf({ cut1, cut2 }, dim(b, 0), dim(a, 0) / dim(b, 1));
    const projected = tf.matMul(dropped(x, { p, seed }), a, false, true);
    const u = tf.mul(projected, scaleOfColumns({ scale0, scale1, scale2 }, dim(a, 0), parts.length));
    return tf.add(tf.matMul(x, dequantized(w, packing), false, true), tf.matMul(u, spread(b, parts), false, true));
  },
  gpu: ({ x, w, u, b }, { format, width, cut1, cut2 }) => {
    const parts = dim(u, 1) / dim(b, 1);
    const pair: Sum =
      parts === 1
        ? { a: rowsOf("u"), b: rowsOf("b"), depth: size("u", 1) }
        : { a: rowsOf("u"), b: { read: (row, k) => `pairAt(${row}, ${k})`, isAlongK: true }, depth: size("u", 1) };
    const { constants, functions } = packedSource(format);
    return productProgram({
      rows: dim(x, 0),
      cols: dim(w, 0),
      depth: width,
      sums: [timesPacked("x", format), pair],
      constants: { ...constants, parts },
      uniforms: { cut1, cut2 },
      functions: (constants) => `
        ${functions(constants)}
        ${partSource(size("b", 0))}
        fn pairAt(row: u32, k: u32) -> f32 {
          let rank = ${size("b", 1)};
          return select(0.0, b[row * rank + k % rank], k / rank == partOf(row));
        }`,
    });
  },
  wasm: ({ x, w, u, b }, { format, cut1, cut2, width }) => {
    const [N, O, R] = [dim(x, 0), dim(w, 0), dim(b, 1)];
    const parts = sizesOf({ cut1, cut2 }, O, dim(u, 1) / R);
    return {
      fn: "loraLinear",
      outputShape: [N, O],
      work: parts.reduce((sum, { rows }) => sum + strips(N, rows), 0),
      args: [N, O, width, R, parts.length, format, dim(w, 1), ...parts.map(({ rows }) => rows)],
      scratch: packedScratch,
      cost: 2 * N * O * (width + R),
    };
  },
  gradient: (dy, { x, w, u, b, a }, { p, seed, cut1, cut2, scale0, scale1, scale2, ...packing }) => {
    const cuts = { cut1, cut2, parts: dim(u, 1) / dim(b, 1) };
    // Not in a thunk: tfjs disposes of what a thunk makes, and two of them need it.
    const du = scaled(
      { scale0, scale1, scale2 },
      cuts.parts,
      (scale) => down({ dy: dy as T2, b }, { scale, ...cuts }) as T2,
    );
    const frozen = weightOf(w, packing);
    return {
      x: () =>
        p === 0
          ? back({ dy: dy as T2, w, du, a }, packing)
          : add(linearBack(dy as T2, frozen), dropped(linearBack(du, plain(a)), { p, seed })),
      ...(packing.format === 0 ? { w: () => linearWeight(dy as T2, x) } : {}),
      b: () => up({ dy: dy as T2, u }, cuts),
      a: () => linearWeight(du, dropped(x, { p, seed })),
    };
  },
  cases: [
    ...partCases(({ N, I, O }, parts) => ({
      shapes: { x: [N, I], w: [O, I], u: [N, 3 * parts], b: [O, 3], a: [3 * parts, I] },
      attrs: { ...scalesOf(0.5, []), format: 0, width: I, p: 0, seed: 0 },
    })),
    ...[1, 2, 3, 4].map((format) => ({
      shapes: { x: [37, 100], w: [20, 100], u: [37, 9], b: [20, 3], a: [9, 100] },
      attrs: { ...scalesOf(0.5, []), format, width: 100, p: format === 1 ? 0.25 : 0, seed: 5, cut1: 7, cut2: 12 },
      packed: { w: format },
    })),
    // A factor of its own for each part; of two parts, the third has no say.
    ...[2, 3].map((parts) => ({
      shapes: { x: [37, 33], w: [20, 33], u: [37, 3 * parts], b: [20, 3], a: [3 * parts, 33] },
      attrs: {
        scale0: 0.5,
        scale1: -2,
        scale2: 1.5,
        format: 0,
        width: 33,
        p: 0.25,
        seed: 5,
        cut1: 7,
        cut2: parts === 2 ? 20 : 12,
      },
    })),
  ],
});

/** Cases of one, two and three parts, cut where no tile ends. */
function partCases<C extends { attrs: object }>(make: (of: (typeof sizes)[number], parts: number) => C) {
  return sizes.map((each, i) => {
    const parts = 1 + (i % 3);
    const cut1 = parts > 1 ? Math.ceil(each.O / 3) : each.O;
    const cut2 = parts > 2 ? Math.ceil(each.O / 2) : each.O;
    const made = make(each, parts);
    return { ...made, attrs: { ...made.attrs, cut1, cut2 } };
  });
}

/** The projection that `project` makes with a factor for all of it, times each part's own. */
function scaled(scales: PartScales, parts: number, project: (scale: number) => T2): T2 {
  const { scale0, scale1, scale2 } = scales;
  const own = [scale0, scale1, scale2].slice(0, parts);
  if (own.every((scale) => scale === scale0)) return project(scale0);
  const unscaled = project(1);
  const u = scaleParts(unscaled, parts, scales);
  unscaled.dispose(); // else it stays as long as the tape's scope does
  return u;
}

/** x with a share p of its numbers dropped, by the seed; x itself where p is 0. */
function dropped(x: T2, { p, seed }: Dropout): T2 {
  return p === 0 ? x : dropout(x, p, seed);
}

export const kernels = [forward, back, down, up];

/**
 * x · wᵀ + scale · (drop(x) · aᵀ) · bᵀ, part by part; `rows` are the parts' rows of w, three parts at most, and O their
 * sum; `scale` is one for all, or one for each. x [N, I] → [N, O].
 */
export function loraLinear(
  x: T2,
  w: Weight,
  { a, b }: Pairs,
  { scale, rows, dropout = { p: 0, seed: 0 } }: PartsOf & { dropout?: Dropout },
): T2 {
  const scales = scalesOf(scale, rows);
  // Off the tape: its derivative is part of the kernel's own.
  const u = offTape(() => scaled(scales, rows.length, (scale) => linear(dropped(x, dropout), plain(a), scale)));
  return forward({ x, w: w.values, u, b, a }, { ...scales, ...packingOf(w), ...cutsOf(rows), ...dropout }) as T2;
}
