/** @file GGUF files: what is read of them, in Hugging Face's order, and what is refused. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../core/byteSource";
import { parseModelConfig } from "../core/model";
import { openGguf } from "./gguf";
import { openLlama2c, readLlama2cTokenizer } from "./llama2c";

/** Of the bits; comparing long arrays number by number is slow. */
const hashOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

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
