/** @file Hashes of what our readers make of a file of weights: `node scripts/bundle.mjs interop/weights.ts FILE OUT`. */

import { createHash } from "node:crypto";
import { open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ByteSource } from "../src/core/byteSource";
import type { WeightFile } from "../src/core/weightFile";
import { openGguf } from "../src/formats/gguf";
import { openSafetensors, openSafetensorsShards } from "../src/formats/safetensors";

async function fileSource(file: string): Promise<ByteSource> {
  const handle = await open(file);
  const { size } = await handle.stat();
  return {
    name: path.basename(file),
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      await handle.read(bytes, 0, length, offset);
      return bytes;
    },
  };
}

async function openWeights(file: string): Promise<{ config: unknown; weights: WeightFile }> {
  if (file.endsWith(".gguf")) {
    const { config, file: weights } = await openGguf(await fileSource(file));
    return { config, weights };
  }
  if (file.endsWith(".safetensors")) return { config: null, weights: await openSafetensors(await fileSource(file)) };
  const beside = (name: string) => fileSource(path.join(path.dirname(file), name));
  const index = JSON.parse(await readFile(file, "utf8")) as unknown;
  return { config: null, weights: await openSafetensorsShards(index, beside) };
}

/** The most bytes that this script was seen to hold in its heap and its buffers together. */
let peak = 0;

/** Of the rows one part after another, so that no tensor is ever whole in memory. */
async function hashRows(rows: number, read: (from: number, to: number) => Promise<Float32Array | Int32Array>) {
  const hash = createHash("sha256");
  for (let from = 0; from < rows; from += 1000) {
    const { buffer, byteOffset, byteLength } = await read(from, Math.min(rows, from + 1000));
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    peak = Math.max(peak, heapUsed + arrayBuffers);
  }
  return hash.digest("hex");
}

const [, , file = "", out = ""] = process.argv;
const { config, weights } = await openWeights(file);
const tensors: Record<string, unknown> = {};
for (const [name, { shape, type, packed }] of weights.tensors) {
  const rows = shape[0] ?? 1;
  const f32 = await hashRows(rows, (from, to) => weights.readRows(name, from, to));
  const words = packed === null ? null : await hashRows(rows, (from, to) => weights.readPacked(name, from, to));
  tensors[name] = { shape, type, packed, f32, words };
}
await writeFile(out, JSON.stringify({ config, tensors, peak }));
