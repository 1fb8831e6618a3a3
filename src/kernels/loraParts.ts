/**
 * @file The parts of low-rank pairs: layers that read the same x lie in one matrix w, rows of one after rows of the other,
 * three at most, and so do their pairs a [parts · R, I] and b [O, R]. Each may have a scale, alpha / r, of its own.
 */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type T2 = tf.Tensor2D;

/** The pairs of layers that lie in one matrix: a [parts · R, I], b [O, R]. */
export type Pairs = { a: T2; b: T2 };
/** The parts' rows of w, and the scale of all or of each. */
export type PartsOf = { scale: number | readonly number[]; rows: readonly number[] };

/** Where the second and third part begin among O rows; O where there is none. */
export type Cuts = { cut1: number; cut2: number };
export function cutsOf([first = 0, second = 0]: readonly number[]): Cuts {
  return { cut1: first, cut2: first + second };
}

/** The scale of the first, second and third part. */
export type PartScales = { scale0: number; scale1: number; scale2: number };
/** Throws a `bug` where a scale for each part is given, and there are more or fewer parts. */
export function scalesOf(scale: number | readonly number[], rows: readonly number[]): PartScales {
  if (typeof scale === "number") return { scale0: scale, scale1: scale, scale2: scale };
  const [scale0 = 1, scale1 = scale0, scale2 = scale0] = scale;
  if (scale.length !== rows.length) throw new StudioError("bug", say`${scale.length} scales for ${rows.length} layers`);
  return { scale0, scale1, scale2 };
}

/** The parts' first rows, and the end. */
const edges = ({ cut1, cut2 }: Cuts, O: number, parts: number) => [0, cut1, cut2].slice(0, parts).concat(O);
/** Each part's first row of O, and how many it has. */
export const sizesOf = (cuts: Cuts, O: number, parts: number) => {
  const at = edges(cuts, O, parts);
  return at.slice(1).map((end, m) => ({ from: at[m] ?? 0, rows: end - (at[m] ?? 0) }));
};

/** WGSL: the first row of part m of O, and the part of a row. */
export const partSource = (O: string) => `
  fn partFrom(m: u32) -> u32 {
    if (m == 0u) { return 0u; }
    if (m == 1u) { return min(uniforms.cut1, ${O}); }
    if (m == 2u) { return min(uniforms.cut2, ${O}); }
    return ${O};
  }
  fn partOf(row: u32) -> u32 { return u32(row >= uniforms.cut1) + u32(row >= uniforms.cut2); }`;

/** b as the whole matrix [O, U] that it stands for: zero but in each row's own part. For meanings. */
export function spread(b: T2, parts: { from: number; rows: number }[]): T2 {
  const R = dim(b, 1);
  const rows = parts.map(({ from, rows }, m) =>
    tf.pad(tf.slice(b, [from, 0], [rows, R]), [
      [0, 0],
      [m * R, (parts.length - 1 - m) * R],
    ]),
  );
  return tf.concat(rows, 0);
}

/** The scale of each of U columns, as many for every part: [U]. For meanings. */
export function scaleOfColumns({ scale0, scale1, scale2 }: PartScales, U: number, parts: number): tf.Tensor1D {
  return tf.concat([scale0, scale1, scale2].slice(0, parts).map((scale) => tf.fill<tf.Rank.R1>([U / parts], scale)));
}

const forward = defineKernel({
  name: "ScaleParts",
  inputs: ["x"],
  reference: ({ x }: { x: T2 }, { parts, ...scales }: PartScales & { parts: number }) =>
    tf.mul(x, scaleOfColumns(scales, dim(x, 1), parts)),
  gpu: ({ x }, { parts, scale0, scale1, scale2 }) => ({
    ...perElement(x.shape),
    uniforms: {
      count: { type: "uint32", value: x.size },
      rank: { type: "uint32", value: dim(x, 1) / parts },
      scale0: { type: "float32", value: scale0 },
      scale1: { type: "float32", value: scale1 },
      scale2: { type: "float32", value: scale2 },
    },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i >= uniforms.count) { return; }
        let part = i % u32(uniforms.xShape[1]) / uniforms.rank;
        result[i] = x[i] * select(select(uniforms.scale0, uniforms.scale1, part == 1u), uniforms.scale2, part == 2u);
      }`,
  }),
  wasm: ({ x }, { parts, scale0, scale1, scale2 }) => ({
    fn: "scaleParts",
    outputShape: x.shape,
    work: Math.ceil(dim(x, 0) / 64),
    args: [dim(x, 0), dim(x, 1) / parts, parts, { float: scale0 }, { float: scale1 }, { float: scale2 }],
  }),
  cases: [1, 2, 3].map((parts) => ({
    shapes: { x: [70, 5 * parts] },
    attrs: { parts, scale0: 0.5, scale1: 2, scale2: -3 },
  })),
});

export const kernels = [forward];

/** x [N, parts · R] with the columns of part m times its scale. No gradient comes back. */
export function scaleParts(x: T2, parts: number, scales: PartScales): T2 {
  return forward({ x }, { parts, ...scales }) as T2;
}
