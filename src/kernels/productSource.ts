/**
 * @file WGSL of matrix products (product.ts): in tiles, in tiles of 16-bit floats, a column a workgroup, and without
 * workgroup memory.
 *
 * A workgroup of 16 × 16 makes a square tile of the result, each invocation a block of 1, 2 or 4 squared of it: vectors
 * are what it reads of workgroup memory, so that a number loaded there is used as often as the block is wide. Products of
 * few rows, as decoding makes them, are bound by reading b: there a workgroup makes one column, its lanes along k.
 */

import { acrossLanes, plus } from "./shape";

/**
 * One side of a product: `outer` counts rows of a, or columns of b. Either numbers at `outer · byOuter + k · byK` of an
 * input (from place `from` on), or an expression.
 */
export type Operand =
  | { name: string; byOuter: string; byK: string; from?: string }
  | {
      read: (outer: string, k: string) => string;
      isAlongK: boolean;
      /** Kept in fewer than 32 bits: a product with it may be made in f16. */
      isPacked?: boolean;
    };
export type Sum = { a: Operand; b: Operand; depth: string };

/** The side of a workgroup that makes tiles, and of the step along k. */
export const tileSide = 16;
const side = tileSide;
const directBlock = 12;
/** Without workgroup memory: the side of a workgroup, and the width of what it makes. */
export const directTile = { side: 4, width: 4 * directBlock };

export type Body = { sums: Sum[]; rowsOfPart: string; place: string };

export const isAlongK = (operand: Operand): boolean => ("read" in operand ? operand.isAlongK : operand.byK === "1u");

/** The number of an operand at these places. */
function at(operand: Operand, outer: string, k: string): string {
  if ("read" in operand) return operand.read(outer, k);
  const { name, byOuter, byK, from } = operand;
  return `${name}[${from ? `${from} + ` : ""}(${outer}) * ${byOuter} + (${k}) * ${byK}]`;
}

/** Whether f16 will do for a sum: one side is packed below f32, and the other lies so that a workgroup scales its rows. */
export const canBeHalf = ({ a, b }: Sum): boolean => "read" in b && b.isPacked === true && isAlongK(a);

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** A product in tiles of 16 · block; with `halves`, f16 for those of its sums that it will do for. */
export function tiledSource({ sums, rowsOfPart, place }: Body, block: number, halves = false): string {
  const tile = side * block;
  const vector = vectorOf(block);
  const isHalf = (sum: Sum) => halves && canBeHalf(sum);
  const shared = (name: string, type: string) => `var<workgroup> ${name}: array<${type}, ${side * pitch}>;`;
  return `
  ${shared("tileA", vector)}
  ${sums.every(isHalf) ? "" : shared("tileB", vector)}
  ${halves ? shared("halfA", vectorOf(block, "f16")) + shared("halfB", vectorOf(block, "f16")) + scaleSource : ""}
  fn main() {
    let part = workgroupId.z;
    let top = workgroupId.y * ${tile}u;
    let left = workgroupId.x * ${tile}u;
    let rows = ${rowsOfPart};
    let me = localId.y * ${side}u + localId.x;
    ${range(block)
      .map((i) => `var sum${i} = ${vector}(0.0);`)
      .join("\n")}
    ${sums.map((sum) => `{ let depth = ${sum.depth}; ${(isHalf(sum) ? halfSum : tiledSum)(sum, block)} }`).join("\n")}
    ${range(block)
      .flatMap((i) => range(block).map((j) => [i, j] as const))
      .map(
        ([i, j]) => `
    {
      let row = top + localId.y * ${block}u + ${i}u;
      let col = left + localId.x * ${block}u + ${j}u;
      if (row < rows && col < uniforms.cols) { result[${place}] = ${partOf(`sum${i}`, j, block)} * uniforms.scale; }
    }`,
      )
      .join("")}
  }`;
}

const pitch = side + 1; // odd, so that neighbours along k lie in different banks
const vectorOf = (block: number, type = "f32") => (block === 1 ? type : `vec${block}<${type}>`);
const partOf = (name: string, i: number, block: number) => (block === 1 ? name : `${name}[${i}]`);

/** Each invocation loads `block` neighbours of one k into `value`. Which ones: lanes side by side where memory is. */
const loaded = (operand: Operand, first: string, end: string, block: number, store: string) => `
        {
          let k = ${isAlongK(operand) ? `me % ${side}u` : `me / ${side}u`};
          let group = ${isAlongK(operand) ? `me / ${side}u` : `me % ${side}u`};
          let deep = start + k;
          var value = ${vectorOf(block)}(0.0);
          ${range(block)
            .map(
              (j) => `
          {
            let outer = ${first} + group * ${block}u + ${j}u;
            if (outer < ${end} && deep < depth) { ${partOf("value", j, block)} = ${at(operand, "outer", "deep")}; }
          }`,
            )
            .join("")}
          ${store}
        }`;

const tiledSum = ({ a, b }: Sum, block: number) => `
      for (var start = 0u; start < depth; start += ${side}u) {
        ${loaded(a, "top", "rows", block, `tileA[k * ${pitch}u + group] = value;`)}
        ${loaded(b, "left", "uniforms.cols", block, `tileB[k * ${pitch}u + group] = value;`)}
        workgroupBarrier();
        for (var k = 0u; k < ${side}u; k++) {
          let a = tileA[k * ${pitch}u + localId.y];
          let b = tileB[k * ${pitch}u + localId.x];
          ${range(block)
            .map((i) => `sum${i} = fma(${vectorOf(block)}(${partOf("a", i, block)}), b, sum${i});`)
            .join("\n")}
        }
        workgroupBarrier();
      }`;

/**
 * The same in f16, the sums of each step along k added up in f32. A gradient's numbers are often too small for f16 and
 * an activation's too large, so each row of a is first brought to at most 2^6, by a power of two that the f32 sums are
 * divided by again: the workgroup reads its rows once more for that. No sum overflows while |b| < 64. What is lost, of
 * 11 bits each: about 1e-3 of the result's norm.
 */
const halfSum = ({ a, b }: Sum, block: number) => {
  const [vector, half] = [vectorOf(block), vectorOf(block, "f16")];
  return `
      var most = ${vector}(0.0);
      for (var start = 0u; start < depth; start += ${side}u) {
        ${loaded(a, "top", "rows", block, "most = max(most, abs(value));")}
      }
      tileA[localId.y * ${pitch}u + localId.x] = most;
      workgroupBarrier();
      for (var i = 0u; i < ${side}u; i++) { most = max(most, tileA[localId.y * ${pitch}u + i]); }
      workgroupBarrier();
      var up: ${vector};
      var down: ${vector};
      for (var i = 0u; i < ${block}u; i++) {
        up[i] = powerOfTwo(scaleFor(most[i]));
        down[i] = powerOfTwo(-scaleFor(most[i]));
      }
      for (var start = 0u; start < depth; start += ${side}u) {
        ${loaded(a, "top", "rows", block, `halfA[k * ${pitch}u + group] = ${half}(value * up);`)}
        ${loaded(b, "left", "uniforms.cols", block, `halfB[k * ${pitch}u + group] = ${half}(value);`)}
        workgroupBarrier();
        ${range(block)
          .map((i) => `var run${i} = ${half}();`)
          .join("\n")}
        for (var k = 0u; k < ${side}u; k++) {
          let a = halfA[k * ${pitch}u + localId.y];
          let b = halfB[k * ${pitch}u + localId.x];
          ${range(block)
            .map((i) => `run${i} = fma(${half}(a[${i}]), b, run${i});`)
            .join("\n")}
        }
        ${range(block)
          .map((i) => `sum${i} = fma(${vector}(run${i}), ${vector}(down[${i}]), sum${i});`)
          .join("\n")}
        workgroupBarrier();
      }`;
};

/** The rows of a that an invocation loads are those that it multiplies, since both are those of its localId.y. */
const scaleSource = `
  fn scaleFor(most: f32) -> i32 { return clamp(132 - i32(bitcast<u32>(most) >> 23u), -126, 126); }
  fn powerOfTwo(exponent: i32) -> f32 { return bitcast<f32>(u32(exponent + 127) << 23u); }`;

/** A column a workgroup, its lanes along k; `rows` is part of the source. */
export function thinSource({ sums }: Body, rows: number, lanes: number): string {
  const quads = range(Math.ceil(rows / 4)).map((q) => ({ first: 4 * q, size: Math.min(4, rows - 4 * q) }));
  const type = (size: number) => vectorOf(size);
  return `
  ${[...new Set(quads.map(({ size }) => size))]
    .map((size) => acrossLanes(`sumOf${size}`, plus, { lanes, type: type(size) }))
    .join("\n")}
  fn main() {
    let part = 0u;
    let col = min(workgroupId.y * numWorkgroups.x + workgroupId.x, uniforms.cols - 1u);
    ${quads.map(({ size }, q) => `var sum${q} = ${type(size)}(0.0);`).join("\n")}
    ${sums
      .map(
        ({ a, b, depth }) => `
    {
      let depth = ${depth};
      for (var k = localId.x; k < depth; k += ${lanes}u) {
        let value = ${at(b, "col", "k")};
        ${quads
          .map(({ first, size }, q) => {
            const numbers = range(size).map((j) => at(a, `${first + j}u`, "k"));
            return `sum${q} = fma(${type(size)}(${numbers.join(", ")}), ${type(size)}(value), sum${q});`;
          })
          .join("\n")}
      }
    }`,
      )
      .join("")}
    ${quads.map(({ size }, q) => `let total${q} = sumOf${size}(localId.x, sum${q});`).join("\n")}
    if (localId.x == 0u) {
      ${quads
        .flatMap(({ first, size }, q) =>
          range(size).map(
            (j) => `result[${first + j}u * uniforms.cols + col] = ${partOf(`total${q}`, j, size)} * uniforms.scale;`,
          ),
        )
        .join("\n")}
    }
  }`;
}

export function directSource({ sums, rowsOfPart, place }: Body): string {
  const block = range(directBlock);
  const each = (text: (i: number, j: number) => string) =>
    block.flatMap((i) => block.map((j) => text(i, j))).join("\n");
  /** A strided operand is walked by adding: this adapter's compiler takes no multiplication out of a loop. */
  const walk = (operand: Operand, name: string, outer: (i: number) => string) => ({
    begin: block
      .map((i) =>
        "read" in operand
          ? `let ${name}${i} = ${outer(i)};`
          : `var ${name}${i} = ${operand.from ? `${operand.from} + ` : ""}${outer(i)} * ${operand.byOuter};`,
      )
      .join("\n"),
    read: (i: number) => ("read" in operand ? operand.read(`${name}${i}`, "k") : `${operand.name}[${name}${i}]`),
    step: "read" in operand ? "" : block.map((i) => `${name}${i} += ${operand.byK};`).join(" "),
  });
  return `
  fn main() {
    let part = workgroupId.z;
    let top = (workgroupId.y * ${directTile.side}u + localId.y) * ${directBlock}u;
    let left = (workgroupId.x * ${directTile.side}u + localId.x) * ${directBlock}u;
    let rows = ${rowsOfPart};
    if (top >= rows || left >= uniforms.cols) { return; }
    ${each((i, j) => `var sum${i}_${j} = 0.0;`)}
    ${sums
      .map(({ a, b, depth }) => {
        const walkA = walk(a, "a", (i) => `min(top + ${i}u, rows - 1u)`);
        const walkB = walk(b, "b", (i) => `min(left + ${i}u, uniforms.cols - 1u)`);
        return `
    {
      let depth = ${depth};
      ${walkA.begin}
      ${walkB.begin}
      for (var k = 0u; k < depth; k++) {
        ${block.map((i) => `let x${i} = ${walkA.read(i)}; let y${i} = ${walkB.read(i)};`).join("\n")}
        ${walkA.step} ${walkB.step}
        ${each((i, j) => `sum${i}_${j} = fma(x${i}, y${j}, sum${i}_${j});`)}
      }
    }`;
      })
      .join("")}
    ${each(
      (i, j) => `
    {
      let row = top + ${i}u;
      let col = left + ${j}u;
      if (row < rows && col < uniforms.cols) { result[${place}] = sum${i}_${j} * uniforms.scale; }
    }`,
    )}
  }`;
}
