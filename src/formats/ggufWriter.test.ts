/** @file GGUF files written: gguf-py's bytes, and every model read again as it was. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../core/byteSource";
import { type GgufWeightType, ggufWeightTypes } from "../core/exportFormat";
import { encodeGgml } from "./ggmlEncode";
import { openGguf } from "./gguf";
import { readGgufHeader } from "./ggufHeader";
import {
  copyGgufTokenizer,
  float32,
  type GgufTensorPlan,
  type GgufTyped,
  ggufPadding,
  planGguf,
  text,
  uint32,
} from "./ggufWriter";
import { newWeightFile } from "./weightFiles";

/** By gguf-py: interop/ggufGoldens.py. */
const golden = (name: string) => path.join(import.meta.dirname, "golden", `${name}.gguf`);

const metadata = new Map<string, GgufTyped>([
  ["general.architecture", text("llama")],
  ["a.string", text("naïve 日本 👍")],
  ["a.uint32", uint32(4294967295)],
  ["a.int32", { type: "int32", value: -5 }],
  ["a.float32", float32(0.1)],
  ["a.int64", { type: "int64", value: -(2 ** 40) }],
  ["a.float64", { type: "float64", value: 0.1 }],
  ["a.bool", { type: "bool", value: true }],
  ["strings", { type: "strings", value: ["", "a b", "é"] }],
  ["int32s", { type: "int32s", value: [1, -1] }],
  ["float32s", { type: "float32s", value: [0.5, -1000, 0.1] }],
  ["bools", { type: "bools", value: [true, false] }],
]);

async function awkwardNumbers(): Promise<Float32Array<ArrayBuffer>> {
  const { tensors } = await readGgufHeader(bytesSource(await readFile(golden("written")), "written"));
  return newWeightFile(tensors).readRows("F32", 0, 24);
}

describe("a file", () => {
  it("is gguf-py's to the last byte", async () => {
    const numbers = await awkwardNumbers();
    const tensors = new Map<string, GgufTensorPlan>([
      ...ggufWeightTypes.map((type) => [type, { shape: [24, 64], type }] as const),
      ["odd", { shape: [5], type: "F32" }],
      ["odd16", { shape: [1, 3], type: "F16" }],
    ]);
    const valuesOf = (name: string) =>
      name === "odd" ? [1, -2, 3, 4, 5] : name === "odd16" ? [1, -2, 3] : [...numbers];
    const { head, order, size } = planGguf(metadata, tensors);
    expect(order).toEqual([...tensors.keys()]);
    const parts: Uint8Array[] = [head];
    for (const [name, plan] of tensors)
      parts.push(encodeGgml(Float32Array.from(valuesOf(name)), plan.type), ggufPadding(plan));
    const written = Buffer.concat(parts);
    expect(written.length).toBe(size);
    expect(written.equals(readFileSync(golden("written")))).toBe(true);
  });

  it("has its keys again when read", async () => {
    const read = await readGgufHeader(bytesSource(planGguf(metadata, new Map()).head, "head"));
    expect([...read.metadata.keys()]).toEqual([...metadata.keys()]);
    expect(read.metadata.get("a.int64")).toBe(-(2 ** 40));
    expect(read.metadata.get("strings")).toEqual(["", "a b", "é"]);
  });

  it("grows past its first buffer", async () => {
    const long = new Map<string, GgufTyped>([
      ["long", text("x".repeat(300_000))],
      ["many", { type: "strings", value: Array.from({ length: 50_000 }, (_, i) => `token ${i}`) }],
    ]);
    const { metadata: read } = await readGgufHeader(bytesSource(planGguf(long, new Map()).head, "head"));
    expect(read.get("long")).toBe("x".repeat(300_000));
    expect(read.get("many")).toEqual(long.get("many")?.value);
  });
});

describe("blocks", () => {
  it.each(["F16", "Q8_0", "Q4_0"] as const)("of %s show what is no number", (type: GgufWeightType) => {
    const values = new Float32Array(64).fill(1);
    values[40] = Number.NaN;
    const { head, size } = planGguf(new Map(), new Map([["a", { shape: [2, 32], type }]]));
    const bytes = new Uint8Array(size);
    bytes.set(head);
    bytes.set(encodeGgml(values, type), head.length);
    return readGgufHeader(bytesSource(bytes, "a")).then(async ({ tensors }) => {
      const read = await newWeightFile(tensors).readRows("a", 0, 2);
      expect(Array.from(read.subarray(0, 32)).every((value) => Math.abs(value - 1) < 0.01)).toBe(true);
      expect(read[40]).toBeNaN();
    });
  });
});

describe("a tokenizer copied", () => {
  it("keeps its keys, in the types that readers insist on", () => {
    const copy = copyGgufTokenizer(
      new Map<string, string | number | boolean | readonly string[] | readonly number[]>([
        ["general.name", "x"],
        ["tokenizer.ggml.model", "llama"],
        ["tokenizer.ggml.tokens", ["a", "b"]],
        ["tokenizer.ggml.scores", [0, -1]],
        ["tokenizer.ggml.token_type", [1, 3]],
        ["tokenizer.ggml.bos_token_id", 1],
        ["tokenizer.ggml.padding_token_id", 4294967295],
        ["tokenizer.ggml.add_bos_token", true],
        ["tokenizer.ggml.odd", [0.1]],
        ["tokenizer.ggml.below", -1],
        ["tokenizer.ggml.share", 0.5],
      ]),
    );
    expect([...copy].map(([key, { type }]) => [key.replace("tokenizer.ggml.", ""), type])).toEqual([
      ["model", "string"],
      ["tokens", "strings"],
      ["scores", "float32s"],
      ["token_type", "int32s"],
      ["bos_token_id", "uint32"],
      ["padding_token_id", "uint32"],
      ["add_bos_token", "bool"],
      ["odd", "float64s"],
      ["below", "int32"],
      ["share", "float32"],
    ]);
  });

  it("comes out of a real file as it went in", async () => {
    const { metadata: read } = await openGguf(bytesSource(await readFile(golden("llama")), "llama"));
    const copy = copyGgufTokenizer(read);
    expect(copy.size).toBeGreaterThan(2);
    const again = await readGgufHeader(bytesSource(planGguf(copy, new Map()).head, "head"));
    for (const [key, value] of again.metadata) expect(value).toEqual(read.get(key));
  });
});
