/**
 * @file WGSL for matrix products: result[row, col] = scale · Σ over the sums of Σ_k a(row, k) · b(k, col).
 *
 * A workgroup of 16 × 16 makes a square tile of the result, each invocation a block of 1, 2 or 4 squared of it: vectors
 * are what it reads of workgroup memory, so that a number loaded there is used as often as the block is wide. Products of
 * few rows, as decoding makes them, are bound by reading b: there a workgroup makes one column, its lanes along k.
 */

import { isSoftwareAdapter } from "./adapter";
import type { Program } from "./kernel";

/**
 * One side of a product: `outer` counts rows of a, or columns of b. Either numbers at `outer · byOuter + k · byK` of an
 * input (from place `from` on), or an expression.
 */
export type Operand =
  | { name: string; byOuter: string; byK: string; from?: string }
  | { read: (outer: string, k: string) => string; isAlongK: boolean };
export type Sum = { a: Operand; b: Operand; depth: string };

type Product = {
  /** Of the largest part. */
  rows: number;
  cols: number;
  /** Of the first sum. */
  depth: number;
  sums: Sum[];
  scale?: number;
  outputShape?: number[];
  /** Products in one dispatch, side by side along z; the source knows which as `part`. */
  parts?: number;
  /** Rows of this part, and where it puts a number, where that is not all and row by row. */
  rowsOfPart?: string;
  place?: string;
  /** Functions and constants that the operands' expressions need, and numbers that they read as uniforms. */
  functions?: (constants: Record<string, number>) => string;
  constants?: Record<string, number>;
  uniforms?: Record<string, number>;
};

const side = 16;
const lanes = 64;
/** Fewer workgroups than this leave a graphics card idle, so tiles get smaller first. */
const enoughGroups = 64;
/** Rows that one workgroup of the thin variant keeps. */
const thinRows = 4;
const directSide = 4;
const directBlock = 12;

/** How products are made: in tiles by a block's width, without workgroup memory, or a column a workgroup. */
export const variants = ["tile4", "tile2", "tile1", "direct", "thin"] as const;
export type Variant = (typeof variants)[number];

/** A product as far as its speed goes: what lies along k, and how the weight is kept. */
export type ProductShape = {
  rows: number;
  cols: number;
  depth: number;
  kind: "forward" | "back" | "weight";
  format: number;
};

/** What was found fastest on this device, by `shapeKey`. */
const chosen = new Map<string, Variant>();

/** How this device makes products: what was measured before (tuneProducts.ts), by `shapeKey`. */
export function chooseProducts(tuned: Record<string, string>): void {
  chosen.clear();
  for (const [key, name] of Object.entries(tuned)) {
    const variant = variants.find((each) => each === name);
    if (variant && variant !== "direct") chosen.set(key, variant);
  }
}

/** Takes this variant for all products like this one from now on. */
export function chooseVariant(shape: ProductShape, variant: Variant): void {
  chosen.set(shapeKey(shape), variant);
}

/** Lengths that differ little share a key. */
export function shapeKey({ rows, cols, depth, kind, format }: ProductShape): string {
  const near = (n: number) => 2 ** Math.round(Math.log2(Math.max(1, n)));
  const [r, d] = kind === "weight" ? [rows, near(depth)] : [near(rows), depth];
  return `${kind} ${r} ${cols} ${d} ${format}`;
}

/** The variants that can make a product. */
export function candidates({ rows, kind }: ProductShape): Variant[] {
  if (rows <= 2 * thinRows && kind === "forward") return ["thin", "tile1", "tile2"];
  return ["tile4", "tile2", "tile1"];
}

function variantFor({ rows, cols, depth, sums, parts = 1, constants = {} }: Product): Variant {
  // It has no faster memory to keep operands in, and pays dearly for every barrier.
  if (isSoftwareAdapter()) return "direct";
  const [first] = sums;
  const areAlongK = sums.every(({ a, b }) => isAlongK(a) && isAlongK(b));
  const canBeThin = areAlongK && parts === 1 && rows <= 2 * thinRows;
  const kind = areAlongK ? "forward" : first && isAlongK(first.a) ? "back" : "weight";
  const known = chosen.get(shapeKey({ rows, cols, depth, kind, format: constants["format"] ?? 0 }));
  if (known && (known !== "thin" || canBeThin)) return known;
  if (canBeThin && rows <= thinRows) return "thin";
  const groups = (block: number) => parts * Math.ceil(rows / (side * block)) * Math.ceil(cols / (side * block));
  if (groups(4) >= enoughGroups) return "tile4";
  return groups(2) >= enoughGroups ? "tile2" : "tile1";
}

const isAlongK = (operand: Operand) => ("read" in operand ? operand.isAlongK : operand.byK === "1u");

/** The number of an operand at these places. */
function at(operand: Operand, outer: string, k: string): string {
  if ("read" in operand) return operand.read(outer, k);
  const { name, byOuter, byK, from } = operand;
  return `${name}[${from ? `${from} + ` : ""}(${outer}) * ${byOuter} + (${k}) * ${byK}]`;
}

/** The program of a product; rows and columns are data, so that one pipeline serves every length. */
export function productProgram(product: Product): Program {
  const { rows, cols, sums, scale = 1, outputShape = [rows, cols], parts = 1 } = product;
  const { constants = {}, uniforms = {}, functions = () => "" } = product;
  const variant = variantFor(product);
  const numbers = Object.entries(uniforms).map(([name, value]) => [name, { type: "uint32" as const, value }]);
  const common = {
    outputShape,
    uniforms: {
      rows: { type: "uint32" as const, value: rows },
      cols: { type: "uint32" as const, value: cols },
      scale: { type: "float32" as const, value: scale },
      ...(Object.fromEntries(numbers) as Record<string, { type: "uint32"; value: number }>),
    },
  };
  const body = {
    sums,
    rowsOfPart: product.rowsOfPart ?? "uniforms.rows",
    place: product.place ?? "row * uniforms.cols + col",
  };
  if (variant === "thin") {
    const x = Math.min(cols, 32768);
    return {
      ...common,
      constants: { ...constants, thin: rows },
      workgroups: [x, Math.ceil(cols / x), 1],
      workgroupSize: [lanes, 1, 1],
      wgsl: (constants) => functions(constants) + thinSource(body, rows),
    };
  }
  if (variant === "direct") {
    const tile = directSide * directBlock;
    return {
      ...common,
      constants: { ...constants, direct: 1 },
      workgroups: [Math.ceil(cols / tile), Math.ceil(rows / tile), parts],
      workgroupSize: [directSide, directSide, 1],
      wgsl: (constants) => functions(constants) + directSource(body),
    };
  }
  const block = Number(variant.slice(-1));
  const tile = side * block;
  return {
    ...common,
    constants: { ...constants, block },
    workgroups: [Math.ceil(cols / tile), Math.ceil(rows / tile), parts],
    workgroupSize: [side, side, 1],
    wgsl: (constants) => functions(constants) + tiledSource(body, block),
  };
}

type Body = { sums: Sum[]; rowsOfPart: string; place: string };

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function tiledSource({ sums, rowsOfPart, place }: Body, block: number): string {
  const tile = side * block;
  const pitch = side + 1; // odd, so that neighbours along k lie in different banks
  const vector = block === 1 ? "f32" : `vec${block}<f32>`;
  const part = (name: string, i: number) => (block === 1 ? name : `${name}[${i}]`);
  /** Each invocation loads `block` neighbours of one k. Which ones: lanes side by side where memory is. */
  const load = (tileName: string, operand: Operand, first: string, end: string, depth: string) => `
        {
          let k = ${isAlongK(operand) ? `me % ${side}u` : `me / ${side}u`};
          let group = ${isAlongK(operand) ? `me / ${side}u` : `me % ${side}u`};
          let deep = start + k;
          var value = ${vector}(0.0);
          ${range(block)
            .map(
              (j) => `
          {
            let outer = ${first} + group * ${block}u + ${j}u;
            if (outer < ${end} && deep < ${depth}) { ${part("value", j)} = ${at(operand, "outer", "deep")}; }
          }`,
            )
            .join("")}
          ${tileName}[k * ${pitch}u + group] = value;
        }`;
  return `
  var<workgroup> tileA: array<${vector}, ${side * pitch}>;
  var<workgroup> tileB: array<${vector}, ${side * pitch}>;
  fn main() {
    let part = workgroupId.z;
    let top = workgroupId.y * ${tile}u;
    let left = workgroupId.x * ${tile}u;
    let rows = ${rowsOfPart};
    let me = localId.y * ${side}u + localId.x;
    ${range(block)
      .map((i) => `var sum${i} = ${vector}(0.0);`)
      .join("\n")}
    ${sums
      .map(
        ({ a, b, depth }) => `
    {
      let depth = ${depth};
      for (var start = 0u; start < depth; start += ${side}u) {
        ${load("tileA", a, "top", "rows", "depth")}
        ${load("tileB", b, "left", "uniforms.cols", "depth")}
        workgroupBarrier();
        for (var k = 0u; k < ${side}u; k++) {
          let a = tileA[k * ${pitch}u + localId.y];
          let b = tileB[k * ${pitch}u + localId.x];
          ${range(block)
            .map((i) => `sum${i} = fma(${vector}(${part("a", i)}), b, sum${i});`)
            .join("\n")}
        }
        workgroupBarrier();
      }
    }`,
      )
      .join("")}
    ${range(block)
      .flatMap((i) => range(block).map((j) => [i, j] as const))
      .map(
        ([i, j]) => `
    {
      let row = top + localId.y * ${block}u + ${i}u;
      let col = left + localId.x * ${block}u + ${j}u;
      if (row < rows && col < uniforms.cols) { result[${place}] = ${part(`sum${i}`, j)} * uniforms.scale; }
    }`,
      )
      .join("")}
  }`;
}

function thinSource({ sums }: Body, rows: number): string {
  return `
  var<workgroup> partials: array<f32, ${rows * lanes}>;
  fn main() {
    let part = 0u;
    let col = min(workgroupId.y * numWorkgroups.x + workgroupId.x, uniforms.cols - 1u);
    ${range(rows)
      .map((row) => `var sum${row} = 0.0;`)
      .join("\n")}
    ${sums
      .map(
        ({ a, b, depth }) => `
    {
      let depth = ${depth};
      for (var k = localId.x; k < depth; k += ${lanes}u) {
        let value = ${at(b, "col", "k")};
        ${range(rows)
          .map((row) => `sum${row} = fma(${at(a, `${row}u`, "k")}, value, sum${row});`)
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

function directSource({ sums, rowsOfPart, place }: Body): string {
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
    let top = (workgroupId.y * ${directSide}u + localId.y) * ${directBlock}u;
    let left = (workgroupId.x * ${directSide}u + localId.x) * ${directBlock}u;
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
