/** @file GGUF files: what is read of them, in Hugging Face's order, and what is refused. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../core/byteSource";
import { parseModelConfig } from "../core/model";
import { unpackWeight } from "../core/packing";
import { newRandom } from "../core/random";
import type { WeightFile } from "../core/weightFile";
import { openGguf } from "./gguf";
import { readGgufHeader } from "./ggufHeader";
import { openLlama2c, readLlama2cTokenizer } from "./llama2c";
import { newWeightFile } from "./weightFiles";

/** Of the bits; comparing long arrays number by number is slow. */
const hashOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

/** Without −0, which d · code + m does not tell from 0. */
const plain = (values: Float32Array) => Array.from(values, (x) => x + 0);

/** From gguf-py and transformers: interop/ggufGoldens.py. */
const golden = path.join(import.meta.dirname, "golden");
type Golden = { shape: number[]; type: string; sha256: string };
const goldens = JSON.parse(readFileSync(path.join(golden, "goldens.json"), "utf8")) as {
  types: Record<string, string>;
  models: Record<string, { config: Record<string, unknown>; tensors: Record<string, Golden> }>;
};
const openGolden = async (name: string) =>
  bytesSource(new Uint8Array(await readFile(path.join(golden, `${name}.gguf`))), name);

describe("types", async () => {
  const header = await readGgufHeader(await openGolden("types"));
  const file = newWeightFile(header.tensors);

  it.each(Object.entries(goldens.types))("%s is what gguf-py makes of it", async (name, sha256) => {
    const rows = file.tensors.get(name)?.shape[0] ?? 0;
    expect(hashOf(await file.readRows(name, 0, rows))).toBe(sha256);
  });

  it.each(["F16", "Q4_1", "Q8_0"])("%s is packed without loss", async (name) => {
    const { shape, packed } = file.tensors.get(name)!;
    const [rows = 0, width = 0] = shape;
    const values = await file.readRows(name, 0, rows);
    const words = await file.readPacked(name, 0, rows);
    expect(plain(unpackWeight(words, width, packed!))).toEqual(plain(values));
  });

  it("Q4_0 is packed without loss, and refused where its least number is beyond a half", async () => {
    await expect(file.readPacked("Q4_0", 0, 4)).rejects.toThrow(/"Q4_0": a block's scale is too large/);
    let packed = 0;
    for (let row = 0; row < 2; row++) {
      const values = await file.readRows("Q4_0", row, row + 1);
      const words = await file.readPacked("Q4_0", row, row + 1);
      expect(plain(unpackWeight(words, 512, "q4"))).toEqual(plain(values));
      packed++;
    }
    expect(packed).toBe(2);
  });

  it("the others are best taken as f32", async () => {
    for (const name of ["F32", "BF16", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]) {
      expect(file.tensors.get(name)).toMatchObject({ type: name, packed: null });
      await expect(file.readPacked(name, 0, 1)).rejects.toThrow(/not held in a packing/);
    }
  });
});

/** Reads all rows by parts of random lengths, put together. */
async function readByParts(file: WeightFile, name: string, seed: number): Promise<Float32Array> {
  const random = newRandom(seed);
  const rows = file.tensors.get(name)?.shape[0] ?? 0;
  const parts: number[] = [];
  for (let row = 0; row < rows; ) {
    const to = Math.min(rows, row + random.below(4));
    parts.push(...(await file.readRows(name, row, to)));
    row = to;
  }
  return Float32Array.from(parts);
}

describe.each(Object.entries(goldens.models))("%s", (architecture, { config, tensors }) => {
  it("has the configuration that it was made of", async () => {
    const gguf = await openGguf(await openGolden(architecture));
    expect(gguf.architecture).toBe(architecture);
    const made: Record<string, unknown> = architecture === "gpt2" ? { ...config } : { rope_scaling: null, ...config };
    if (architecture === "gemma3") {
      made["rope_theta"] = 1e6;
      made["rope_scaling"] = { rope_type: "linear", factor: 8 };
    }
    expect(gguf.config).toMatchObject(made);
    expect(gguf.metadata.get("general.architecture")).toBe(architecture);
    expect(() => parseModelConfig(gguf.config)).not.toThrow();
  });

  it("has Hugging Face's tensors, whole and by parts", async () => {
    const { file } = await openGguf(await openGolden(architecture));
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { shape, type, sha256 }] of Object.entries(tensors)) {
      expect([name, file.tensors.get(name)]).toMatchObject([name, { shape, type }]);
      expect([name, hashOf(await file.readRows(name, 0, shape[0] ?? 0))]).toEqual([name, sha256]);
      expect([name, hashOf(await readByParts(file, name, 7))]).toEqual([name, sha256]);
    }
  });

  it("has the same numbers packed", async () => {
    const { file } = await openGguf(await openGolden(architecture));
    let packed = 0;
    for (const [name, entry] of file.tensors) {
      if (entry.packed === null) continue;
      const [rows = 0, width = 0] = entry.shape;
      const from = Math.floor(rows / 3);
      const words = await file.readPacked(name, from, rows);
      const values = await file.readRows(name, from, rows);
      expect([name, ...plain(unpackWeight(words, width, entry.packed))]).toEqual([name, ...plain(values)]);
      packed++;
    }
    if (architecture !== "gpt2") expect(packed).toBeGreaterThan(2);
  });
});

const folder = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "models/stories260K");

describe.skipIf(!existsSync(folder) && !process.env["CI"])("stories260K", () => {
  const open = async (name: string) => bytesSource(new Uint8Array(await readFile(path.join(folder, name))), name);

  it("is the same model as in llama2.c's file", async () => {
    const gguf = await openGguf(await open("stories260K-f32.gguf"));
    const { config, file } = await openLlama2c(await open("stories260K.bin"));
    expect(gguf.config["tie_word_embeddings"]).toBe(false); // the file has the head a second time
    expect({ ...parseModelConfig(gguf.config), tieWordEmbeddings: true }).toEqual(config);
    expect([...gguf.file.tensors.keys()].filter((name) => name !== "lm_head.weight").sort()).toEqual(
      [...file.tensors.keys()].sort(),
    );
    for (const [name, { shape }] of gguf.file.tensors) {
      const same = name === "lm_head.weight" ? "model.embed_tokens.weight" : name;
      expect(file.tensors.get(same)?.shape).toEqual(shape);
      const rows = shape[0] ?? 0;
      expect(hashOf(await gguf.file.readRows(name, 0, rows))).toBe(hashOf(await file.readRows(same, 0, rows)));
    }
  });

  it("has llama2.c's tokenizer", async () => {
    const { metadata } = await openGguf(await open("stories260K-f32.gguf"));
    const bytes = new Uint8Array(await readFile(path.join(folder, "tok512.bin")));
    const tokenizer = readLlama2cTokenizer(bytes, 512);
    for (const [key, value] of tokenizer) expect([key, metadata.get(key)]).toEqual([key, value]);
  });
});
