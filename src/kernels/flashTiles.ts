/**
 * @file WGSL of flash attention's tiles: 32 rows that a workgroup owns (queries, or keys) against 32 rows that it walks
 * over (keys, or queries), in chunks of 32 of their D numbers.
 *
 * Invocations stand 8 across the walked rows. Each makes 4 walked rows of the scores, 8 apart, times `rowsEach` owned
 * rows, so that a vec4 loaded from workgroup memory is used 4 or `rowsEach` times; and in the products that follow, one
 * vec4 along D of as many owned rows. Weights are stored as they are made: the four components of vec4 `x` of a row
 * belong to the walked rows x, x + 8, x + 16 and x + 24. Their sum takes any order, and no two lanes meet in a bank.
 */

import { isSoftwareAdapter } from "./adapter";

export const tile = 32;
const across = 8;
/** In vec4s; odd, so that the rows of a tile begin in different banks. */
const stride = across + 1;

/** Owned rows an invocation: large heads leave no registers for more. On a CPU a barrier costs by invocations. */
export const rowsEach = (D: number): number => {
  if (isSoftwareAdapter()) return 16;
  return D <= 64 ? 4 : 2;
};

/** Workgroup memory holds three tiles, called by WGSL numbers: that of the owned rows, that of the walked, and one more. */
export const owned = "0u";
export const walked = "1u";

/** Rows of a tensor: row i's first number lies at `base + i * step`; the tile begins at row `first`. All WGSL. */
export type Rows = { source: string; base: string; step: string; first: string };

export function newTiles(D: number) {
  const each = rowsEach(D);
  const down = tile / each;
  const threads = across * down;
  const chunks = Math.ceil(D / tile);
  const blocks = Array.from({ length: each }, (_, r) => r);
  const columns = [0, 1, 2, 3];
  const row = (r: number) => `(localId.y + ${r * down}u)`;
  const quadsOf = (chunk: number) => Math.min(across, Math.ceil((D - chunk * tile) / 4));
  const perRow = (text: (r: number) => string) => blocks.map(text).join("\n");
  const perChunk = (text: (chunk: number) => string, from = 0) =>
    Array.from({ length: chunks - from }, (_, i) => text(from + i)).join("\n");
  const cell = (slot: string, row: string, quad: string) =>
    `tiles[${slot} * ${tile * stride}u + ${row} * ${stride}u + ${quad}]`;

  return {
    chunks,
    workgroupSize: [across, down, 1] as [number, number, number],
    perRow,
    perChunk,
    /** The owned row of an invocation's block `r`, within the tile. */
    row,
    declare: `var<workgroup> tiles: array<vec4<f32>, ${3 * tile * stride}>;`,

    /** Fills a tile with one chunk of 32 rows; beyond the last row, and beyond D, with zeros. */
    load(slot: string, { source, base, step, first }: Rows, chunk: number): string {
      const inside = D % tile === 0 ? "" : `&& d < ${D}u`;
      const number = (c: number) =>
        D % 4 === 0 ? `${source}[at + ${c}u]` : `select(0.0, ${source}[at + ${c}u], d + ${c}u < ${D}u)`;
      return `
      for (var n = localId.y * ${across}u + localId.x; n < ${tile * across}u; n += ${threads}u) {
        let d = ${chunk * tile}u + 4u * (n % ${across}u);
        let place = ${first} + n / ${across}u;
        var numbers = vec4<f32>();
        if (place < T ${inside}) {
          let at = ${base} + place * ${step} + d;
          numbers = vec4<f32>(${columns.map(number).join(", ")});
        }
        ${cell(slot, `(n / ${across}u)`, `n % ${across}u`)} = numbers;
      }`;
    },

    /** Adds to `sumR` the products, over one chunk, of owned row R with the four walked rows. */
    dot(sum: string, chunk: number): string {
      return `
      for (var d = 0u; d < ${quadsOf(chunk)}u; d++) {
        ${columns.map((c) => `let walked${c} = ${cell(walked, `(localId.x + ${c * across}u)`, "d")};`).join("\n")}
        ${perRow(
          (r) => `
        let owned${r} = ${cell(owned, row(r), "d")};
        ${sum}${r} += vec4<f32>(${columns.map((c) => `dot(owned${r}, walked${c})`).join(", ")});`,
        )}
      }`;
    },

    /** Adds to `sumCHUNK_R` the walked rows times their weights for owned row R. */
    accumulate(sum: string, weights: string, rows: string, chunk: number): string {
      return `
      for (var j = 0u; j < ${across}u; j++) {
        ${columns.map((c) => `let walked${c} = ${cell(rows, `(j + ${c * across}u)`, "localId.x")};`).join("\n")}
        ${perRow(
          (r) => `
        let weight${r} = ${cell(weights, row(r), "j")};
        ${columns.map((c) => `${sum}${chunk}_${r} = fma(vec4<f32>(weight${r}[${c}]), walked${c}, ${sum}${chunk}_${r});`).join("\n")}`,
        )}
      }`;
    },

    /** Where an invocation's weights of owned row R go. */
    weight: (slot: string, r: number) => cell(slot, row(r), "localId.x"),

    sums: (sum: string) => perChunk((chunk) => perRow((r) => `var ${sum}${chunk}_${r} = vec4<f32>();`)),

    /** Writes the sums, times `factor` of each row, to rows of `result`. */
    store(sum: string, { source, base, step, first }: Rows, factor: (r: number) => string): string {
      return perRow(
        (r) => `
      if (${first} + ${row(r)} < T) {
        let at = ${base} + (${first} + ${row(r)}) * ${step} + 4u * localId.x;
        ${perChunk(
          (chunk) => `
        {
          let numbers = ${sum}${chunk}_${r} * ${factor(r)};
          ${columns
            .map((c) => {
              const d = chunk * tile + c;
              const put = `${source}[at + ${d}u] = numbers[${c}];`;
              return D % tile === 0 ? put : `if (4u * localId.x + ${d}u < ${D}u) { ${put} }`;
            })
            .join("\n")}
        }`,
        )}
      }`,
      );
    },
  };
}

/** WGSL: the four walked places of an invocation, and the documents that they belong to. */
export const walkedPlaces = (first: string) => `
      let places = ${first} + localId.x + vec4<u32>(0u, 8u, 16u, 24u);
      let theirs = min(places, vec4<u32>(T - 1u)) + b * T;
      let documents = vec4<i32>(segments[theirs.x], segments[theirs.y], segments[theirs.z], segments[theirs.w]);`;

/**
 * WGSL: whether two tiles can share a document, by the least and the greatest number in each. All that it reads is read
 * only and the same in the whole workgroup, so that barriers may depend on it.
 */
export const meets = `
  fn meets(row: u32, owned: u32, walked: u32, T: u32) -> bool {
    if (segments[row + owned] == segments[row + walked]) { return true; }
    var low = vec2<i32>(2147483647);
    var high = -low;
    for (var i = 0u; i < ${tile}u; i++) {
      let last = T - 1u;
      let pair = vec2<i32>(segments[row + min(owned + i, last)], segments[row + min(walked + i, last)]);
      low = min(low, pair);
      high = max(high, pair);
    }
    return low.x <= high.y && low.y <= high.x;
  }`;
