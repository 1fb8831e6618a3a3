/**
 * @file WGSL for matrix products: result[row, col] = scale · Σ over the sums of Σ_k a(row, k) · b(k, col).
 *
 * A workgroup of 16 × 16 makes a square tile of the result, each invocation a block of 1, 2 or 4 squared of it, so that a
 * number loaded into workgroup memory is used as often. Products of few rows, as decoding makes them, are bound by
 * reading b: there a workgroup makes one column, its lanes side by side along k.
 */

import type { Program } from "./kernel";

/** a(row, k) lies at row · aRow + k · aK, b(k, col) at k · bK + col · bCol; each is WGSL, `1u` where neighbours are. */
export type Sum = { a: string; aRow: string; aK: string; b: string; bK: string; bCol: string; depth: string };

type Product = { rows: number; cols: number; sums: Sum[]; scale?: number };

const side = 16;
const lanes = 64;
/** Fewer workgroups than this leave a graphics card idle, so tiles get smaller first. */
const enoughGroups = 64;
/** Rows that one workgroup of the thin variant keeps. */
const thinRows = 4;

/**
 * Whether products read their operands straight from memory: an adapter that computes on the CPU has no faster memory to
 * keep them in, and pays dearly for every barrier. Set where the device is opened.
 */
let isDirect = false;
const directSide = 8;
const directBlock = 4;

export function chooseProducts({ software }: { software: boolean }): void {
  isDirect = software;
}

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
  if (rows <= thinRows && !isDirect && sums.every(({ aK, bK }) => aK === "1u" && bK === "1u")) {
    const x = Math.min(cols, 32768);
    return {
      ...common,
      constants: { rows },
      workgroups: [x, Math.ceil(cols / x), 1],
      workgroupSize: [lanes, 1, 1],
      wgsl: () => thinSource(sums, rows),
    };
  }
  if (isDirect) {
    const tile = directSide * directBlock;
    return {
      ...common,
      constants: { direct: 1 },
      workgroups: [Math.ceil(cols / tile), Math.ceil(rows / tile), 1],
      workgroupSize: [directSide, directSide, 1],
      wgsl: () => directSource(sums),
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

const strides = ({ aRow, aK, bK, bCol, depth }: Sum) =>
  `let aRow = ${aRow}; let aK = ${aK}; let bK = ${bK}; let bCol = ${bCol}; let depth = ${depth};`;

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
  const load = ({ a, aK: aAlong, b, bK: bAlong }: Sum) =>
    range(block)
      .map((e) => {
        const [aK, aRow] = place(e, aAlong === "1u");
        const [bK, bCol] = place(e, bAlong === "1u");
        return `
        {
          let k = start + ${aK};
          let row = top + ${aRow};
          var value = 0.0;
          if (row < uniforms.rows && k < depth) { value = ${a}[row * aRow + k * aK]; }
          tileA[(${aK}) * ${stride}u + ${aRow}] = value;
        }
        {
          let k = start + ${bK};
          let col = left + ${bCol};
          var value = 0.0;
          if (col < uniforms.cols && k < depth) { value = ${b}[k * bK + col * bCol]; }
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
    {
      ${strides(sum)}
      for (var start = 0u; start < depth; start += ${side}u) {
        ${load(sum)}
        workgroupBarrier();
        ${multiply}
        workgroupBarrier();
      }
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
        (sum) => `
    {
      ${strides(sum)}
      for (var k = localId.x; k < depth; k += ${lanes}u) {
        let value = ${sum.b}[k * bK + col * bCol];
        ${range(rows)
          .map((row) => `sum${row} = fma(${sum.a}[${row}u * aRow + k * aK], value, sum${row});`)
          .join("\n")}
      }
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

function directSource(sums: Sum[]): string {
  const block = range(directBlock);
  const each = (text: (i: number, j: number) => string) =>
    block.flatMap((i) => block.map((j) => text(i, j))).join("\n");
  return `
  fn main() {
    let top = (workgroupId.y * ${directSide}u + localId.y) * ${directBlock}u;
    let left = (workgroupId.x * ${directSide}u + localId.x) * ${directBlock}u;
    ${each((i, j) => `var sum${i}${j} = 0.0;`)}
    ${sums
      .map(
        (sum) => `
    {
      ${strides(sum)}
      ${block
        .map(
          (i) => `
      var a${i} = min(top + ${i}u, uniforms.rows - 1u) * aRow;
      var b${i} = min(left + ${i}u, uniforms.cols - 1u) * bCol;`,
        )
        .join("")}
      for (var k = 0u; k < depth; k++) {
        ${block.map((i) => `let x${i} = ${sum.a}[a${i}]; let y${i} = ${sum.b}[b${i}]; a${i} += aK; b${i} += bK;`).join("\n")}
        ${each((i, j) => `sum${i}${j} = fma(x${i}, y${j}, sum${i}${j});`)}
      }
    }`,
      )
      .join("")}
    ${each(
      (i, j) => `
    if (top + ${i}u < uniforms.rows && left + ${j}u < uniforms.cols) {
      result[(top + ${i}u) * uniforms.cols + left + ${j}u] = sum${i}${j} * uniforms.scale;
    }`,
    )}
  }`;
}
