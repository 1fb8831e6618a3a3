/**
 * @file WGSL for matrix products: result[row, col] = scale · Σ over the sums of Σ_k a(row, k) · b(k, col).
 *
 * A workgroup of 16 × 16 makes a square tile of the result, each invocation a block of 1, 2 or 4 squared of it, so that a
 * number loaded into workgroup memory is used as often. Products of few rows, as decoding makes them, are bound by
 * reading b: there a workgroup makes one column, its lanes side by side along k.
 */

import type { Program } from "./kernel";

export type Sum = {
  /** WGSL of a(row, k) and b(k, col). */
  a: string;
  b: string;
  /** WGSL of how many k there are. */
  depth: string;
  /** Along which index the numbers of each lie side by side in memory: it is the one that neighbours load. */
  along: { a: "row" | "k"; b: "k" | "col" };
};

type Product = { rows: number; cols: number; sums: Sum[]; scale?: number };

const side = 16;
const lanes = 64;
/** Fewer workgroups than this leave a graphics card idle, so tiles get smaller first. */
const enoughGroups = 64;
/** Rows that one workgroup of the thin variant keeps. */
const thinRows = 4;

function blockOf(rows: number, cols: number): 1 | 2 | 4 {
  const groups = (block: number) => Math.ceil(rows / (side * block)) * Math.ceil(cols / (side * block));
  if (groups(4) >= enoughGroups) return 4;
  return groups(2) >= enoughGroups ? 2 : 1;
}

/** The program of a product; rows and columns are data, so that one pipeline serves every length. */
export function productProgram({ rows, cols, sums, scale = 1 }: Product): Program {
  const common = {
    outputShape: [rows, cols],
    uniforms: {
      rows: { type: "uint32" as const, value: rows },
      cols: { type: "uint32" as const, value: cols },
      scale: { type: "float32" as const, value: scale },
    },
  };
  if (rows <= thinRows && sums.every(({ along }) => along.a === "k" && along.b === "k")) {
    const x = Math.min(cols, 32768);
    return {
      ...common,
      constants: { rows },
      workgroups: [x, Math.ceil(cols / x), 1],
      workgroupSize: [lanes, 1, 1],
      wgsl: () => thinSource(sums, rows),
    };
  }
  const block = blockOf(rows, cols);
  const tile = side * block;
  return {
    ...common,
    constants: { block },
    workgroups: [Math.ceil(cols / tile), Math.ceil(rows / tile), 1],
    workgroupSize: [side, side, 1],
    wgsl: () => tiledSource(sums, block),
  };
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function tiledSource(sums: Sum[], block: number): string {
  const tile = side * block;
  const stride = tile + 1; // odd, so that a column of the tile lies in different banks
  const each = (text: (i: number, j: number) => string) =>
    range(block)
      .flatMap((i) => range(block).map((j) => text(i, j)))
      .join("\n");
  /** Which element of a tile an invocation loads in its turn `e`: [place along k, place along the other index]. */
  const place = (e: number, alongK: boolean) => {
    const n = `(${e * side * side}u + me)`;
    return alongK ? [`${n} % ${side}u`, `${n} / ${side}u`] : [`${n} / ${tile}u`, `${n} % ${tile}u`];
  };
  const load = ({ a, b, depth, along }: Sum) =>
    range(block)
      .map((e) => {
        const [aK, aRow] = place(e, along.a === "k");
        const [bK, bCol] = place(e, along.b === "k");
        return `
        {
          let k = start + ${aK};
          let row = top + ${aRow};
          var value = 0.0;
          if (row < uniforms.rows && k < ${depth}) { value = ${a}; }
          tileA[(${aK}) * ${stride}u + ${aRow}] = value;
        }
        {
          let k = start + ${bK};
          let col = left + ${bCol};
          var value = 0.0;
          if (col < uniforms.cols && k < ${depth}) { value = ${b}; }
          tileB[(${bK}) * ${stride}u + ${bCol}] = value;
        }`;
      })
      .join("");
  const multiply = `
      for (var k = 0u; k < ${side}u; k++) {
        ${range(block)
          .map(
            (i) => `
        let a${i} = tileA[k * ${stride}u + localId.y + ${i * side}u];
        let b${i} = tileB[k * ${stride}u + localId.x + ${i * side}u];`,
          )
          .join("")}
        ${each((i, j) => `sum${i}${j} = fma(a${i}, b${j}, sum${i}${j});`)}
      }`;
  return `
  var<workgroup> tileA: array<f32, ${side * stride}>;
  var<workgroup> tileB: array<f32, ${side * stride}>;
  fn main() {
    let top = workgroupId.y * ${tile}u;
    let left = workgroupId.x * ${tile}u;
    let me = localId.y * ${side}u + localId.x;
    ${each((i, j) => `var sum${i}${j} = 0.0;`)}
    ${sums
      .map(
        (sum) => `
    for (var start = 0u; start < ${sum.depth}; start += ${side}u) {
      ${load(sum)}
      workgroupBarrier();
      ${multiply}
      workgroupBarrier();
    }`,
      )
      .join("")}
    ${each(
      (i, j) => `
    {
      let row = top + localId.y + ${i * side}u;
      let col = left + localId.x + ${j * side}u;
      if (row < uniforms.rows && col < uniforms.cols) { result[row * uniforms.cols + col] = sum${i}${j} * uniforms.scale; }
    }`,
    )}
  }`;
}

function thinSource(sums: Sum[], rows: number): string {
  return `
  var<workgroup> partials: array<f32, ${rows * lanes}>;
  fn main() {
    let col = min(workgroupId.y * numWorkgroups.x + workgroupId.x, uniforms.cols - 1u);
    ${range(rows)
      .map((row) => `var sum${row} = 0.0;`)
      .join("\n")}
    ${sums
      .map(
        ({ a, b, depth }) => `
    for (var k = localId.x; k < ${depth}; k += ${lanes}u) {
      let value = ${b};
      ${range(rows)
        .map((row) => `{ let row = ${row}u; sum${row} = fma(${a}, value, sum${row}); }`)
        .join("\n")}
    }`,
      )
      .join("")}
    ${range(rows)
      .map((row) => `partials[${row * lanes}u + localId.x] = sum${row};`)
      .join("\n")}
    workgroupBarrier();
    for (var half = ${lanes / 2}u; half > 0u; half >>= 1u) {
      if (localId.x < half) {
        ${range(rows)
          .map((row) => `partials[${row * lanes}u + localId.x] += partials[${row * lanes}u + localId.x + half];`)
          .join("\n")}
      }
      workgroupBarrier();
    }
    if (localId.x < ${rows}u) {
      result[localId.x * uniforms.cols + col] = partials[localId.x * ${lanes}u] * uniforms.scale;
    }
  }`;
}
