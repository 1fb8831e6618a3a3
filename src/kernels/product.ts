/**
 * @file Matrix products, result[row, col] = scale · Σ over the sums of Σ_k a(row, k) · b(k, col), and the way in which
 * each is made on this device (productSource.ts has their WGSL).
 */

import { hasHalves, isSoftwareAdapter } from "./adapter";
import type { Program } from "./kernel";
import {
  canBeHalf,
  directSource,
  directTile,
  isAlongK,
  type Sum,
  thinSource,
  tiledSource,
  tileSide,
} from "./productSource";

export type { Operand, Sum } from "./productSource";

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

const thinLanes = 64;
/** Fewer workgroups than this leave a graphics card idle, so tiles get smaller first. */
const enoughGroups = 64;
/** Rows that one workgroup of the thin variant keeps. */
const thinRows = 4;

/**
 * How products are made: in tiles by a block's width, the same with f16 for what is multiplied by a packed weight,
 * without workgroup memory, or a column a workgroup.
 */
export const variants = ["tile4", "tile2", "tile1", "half4", "half2", "direct", "thin"] as const;
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

/** In place of a shape's key, for the tests: every product that can be made so is. */
export const anyShape = "any";

/** Lengths that differ little share a key. What was found before f16 could be tried is not what is looked for now. */
export function shapeKey({ rows, cols, depth, kind, format }: ProductShape): string {
  const near = (n: number) => 2 ** Math.round(Math.log2(Math.max(1, n)));
  const [r, d] = kind === "weight" ? [rows, near(depth)] : [near(rows), depth];
  return `${kind} ${r} ${cols} ${d} ${format}${format > 0 && hasHalves() ? " f16" : ""}`;
}

/** Whether a variant multiplies in f16, within 2e-3 of the product: the others differ by the order of their sums alone. */
export const isHalf = (variant: Variant): boolean => variant === "half4" || variant === "half2";

/** The variants that can make a product. */
export function candidates({ rows, kind, format }: ProductShape): Variant[] {
  if (rows <= 2 * thinRows && kind === "forward") return ["thin", "tile1", "tile2"];
  const canBeHalf = hasHalves() && format > 0 && kind !== "weight";
  return ["tile4", "tile2", "tile1", ...(canBeHalf ? (["half4", "half2"] as const) : [])];
}

function variantFor({ rows, cols, depth, sums, parts = 1, constants = {} }: Product): Variant {
  const [first] = sums;
  const areAlongK = sums.every(({ a, b }) => isAlongK(a) && isAlongK(b));
  const canBeThin = areAlongK && parts === 1 && rows <= 2 * thinRows;
  const isPossible = (variant: Variant) => {
    if (variant === "thin") return canBeThin;
    return !isHalf(variant) || (hasHalves() && sums.some(canBeHalf));
  };
  const always = chosen.get(anyShape);
  if (always && isPossible(always)) return always;
  // It has no faster memory to keep operands in, and pays dearly for every barrier.
  if (isSoftwareAdapter()) return "direct";
  const kind = areAlongK ? "forward" : first && isAlongK(first.a) ? "back" : "weight";
  const known = chosen.get(shapeKey({ rows, cols, depth, kind, format: constants["format"] ?? 0 }));
  if (known && isPossible(known)) return known;
  if (canBeThin && rows <= thinRows) return "thin";
  const groups = (block: number) => parts * Math.ceil(rows / (tileSide * block)) * Math.ceil(cols / (tileSide * block));
  if (groups(4) >= enoughGroups) return "tile4";
  return groups(2) >= enoughGroups ? "tile2" : "tile1";
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
      workgroupSize: [thinLanes, 1, 1],
      wgsl: (constants) => functions(constants) + thinSource(body, rows, thinLanes),
    };
  }
  if (variant === "direct") {
    return {
      ...common,
      constants: { ...constants, direct: 1 },
      workgroups: [Math.ceil(cols / directTile.width), Math.ceil(rows / directTile.width), parts],
      workgroupSize: [directTile.side, directTile.side, 1],
      wgsl: (constants) => functions(constants) + directSource(body),
    };
  }
  const block = Number(variant.slice(-1));
  const tile = tileSide * block;
  const halves = isHalf(variant);
  return {
    ...common,
    constants: { ...constants, block, halves: Number(halves) },
    workgroups: [Math.ceil(cols / tile), Math.ceil(rows / tile), parts],
    workgroupSize: [tileSide, tileSide, 1],
    wgsl: (constants) => functions(constants) + tiledSource(body, block, halves),
  };
}
