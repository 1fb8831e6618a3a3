/** @file Which way a product is made: f16 only where the adapter has it, the weight is packed, and it is clearly faster. */

import { afterEach, describe, expect, it } from "vitest";
import { weightFormats } from "../core/packing";
import { describeAdapter } from "./adapter";
import { packedSource, timesPacked, timesPackedBack } from "./linear";
import { anyShape, candidates, chooseProducts, type ProductShape, productProgram, shapeKey, variants } from "./product";
import { acrossLanes, larger, plus } from "./shape";
import { fastest } from "./tuneProducts";

const card = { software: false, subgroups: true, halves: true };
const shape: ProductShape = { kind: "forward", rows: 256, cols: 64, depth: 64, format: 0 };
const packed = weightFormats.indexOf("nf4");

/** The source of y = x · wᵀ, or of dx = dy · w. */
function sourceOf(format: number, kind: "forward" | "back" = "forward"): string {
  const sum = kind === "forward" ? timesPacked("x", format) : timesPackedBack("x", format);
  const { constants = {}, wgsl } = productProgram({
    ...{ rows: 256, cols: 64, depth: 64, sums: [sum] },
    ...packedSource(format),
  });
  return wgsl(constants);
}

afterEach(() => {
  chooseProducts({});
  describeAdapter({ software: false });
});

describe("products in f16", () => {
  it("are tried for packed weights on an adapter that has f16, and for nothing else", () => {
    const halves = (traits: Parameters<typeof describeAdapter>[0], more: Partial<ProductShape>) => {
      describeAdapter(traits);
      return candidates({ ...shape, ...more }).filter((variant) => variant.startsWith("half"));
    };
    expect(halves(card, { format: packed })).toEqual(["half4", "half2"]);
    expect(halves(card, { format: packed, kind: "back" })).toEqual(["half4", "half2"]);
    expect(halves(card, { format: 0 })).toEqual([]);
    expect(halves(card, { format: packed, kind: "weight" })).toEqual([]);
    expect(halves(card, { format: packed, rows: 1 })).toEqual([]);
    expect(halves({ software: false, subgroups: true }, { format: packed })).toEqual([]);
  });

  it("are what is made where that was found fastest", () => {
    describeAdapter(card);
    chooseProducts({ [anyShape]: "half4" });
    for (const kind of ["forward", "back"] as const) {
      expect(sourceOf(packed, kind)).toContain("vec4<f16>");
      expect(sourceOf(0, kind)).not.toContain("f16>");
    }
  });

  it("are not made where f16 was remembered and is not there now, whatever the key", () => {
    describeAdapter(card);
    const key = shapeKey({ ...shape, format: packed });
    chooseProducts({ [key]: "half2" });
    expect(sourceOf(packed)).toContain("vec2<f16>");
    describeAdapter({ software: false });
    expect(sourceOf(packed)).not.toContain("f16>");
    chooseProducts({ [anyShape]: "half2" });
    expect(sourceOf(packed)).not.toContain("f16>");
  });

  it("have a key of their own, so that what was found without f16 is looked for again", () => {
    const key = (format: number) => shapeKey({ ...shape, format });
    const before = [key(0), key(packed)];
    describeAdapter(card);
    expect(key(0)).toBe(before[0]);
    expect(key(packed)).not.toBe(before[1]);
  });

  it("are taken only where they are a tenth faster than the best in f32", () => {
    const times = (half: number) => [
      { variant: "tile4", ms: 1 } as const,
      { variant: "half4", ms: half } as const,
      { variant: "half2", ms: half + 0.5 } as const,
      { variant: "tile2", ms: 2 } as const,
    ];
    expect(fastest(times(0.89))).toBe("half4");
    expect(fastest(times(0.91))).toBe("tile4");
    expect(fastest([])).toBe("tile1");
  });
});

it("ignores a remembered name that no variant has, and the variant of software adapters", () => {
  const key = shapeKey(shape);
  const made = (tuned: Record<string, string>) => {
    chooseProducts(tuned);
    return sourceOf(0);
  };
  const usual = made({});
  expect(made({ [key]: "unheard of" })).toBe(usual);
  expect(made({ [key]: "direct" })).toBe(usual);
  const sources = variants.filter((name) => name.startsWith("tile")).map((name) => made({ [key]: name }));
  expect(new Set(sources).size).toBe(3);
});

it("joins lanes by subgroups only where the adapter has them, and names no size of theirs", () => {
  const barriers = (source: string) => source.split("workgroupBarrier").length - 1;
  const plain = acrossLanes("sum", plus, { lanes: 64 });
  expect(plain).not.toContain("subgroup");
  describeAdapter(card);
  const joined = acrossLanes("sum", plus, { lanes: 64 });
  expect(joined).toContain("subgroupAdd(value)");
  expect(joined).not.toMatch(/subgroup_size|subgroup_invocation_id/);
  expect(acrossLanes("most", larger)).toContain("subgroupMax(value)");
  expect([barriers(plain), barriers(joined)]).toEqual([2, 1]);
});
