/** @file Files of weights: rows and shards are what the whole is, and no mutant of a header does harm. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, test } from "vitest";
import { type ByteSource, bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { narrowHalf } from "../core/float16";
import { unpackWeight } from "../core/packing";
import { newRandom, type Random } from "../core/random";
import type { WeightFile } from "../core/weightFile";
import { openGguf } from "./gguf";
import { openLlama2c, parseLlama2c } from "./llama2c";
import { openSafetensors, openSafetensorsShards, parseSafetensors, writeSafetensors } from "./safetensors";

const random = newRandom(11);
const normal = (length: number) => Float32Array.from({ length }, () => random.normal());

/** One tensor of BF16, beside what writeSafetensors can write. */
function newBfloatFile(): { bytes: Uint8Array; values: Float32Array } {
  const bits = Uint16Array.from({ length: 96 }, () => random.below(0x7f80) | (random.below(2) << 15));
  const header = '{"w":{"dtype":"BF16","shape":[4,24],"data_offsets":[0,192]}}';
  const bytes = new Uint8Array(8 + header.length + 192);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  bytes.set(new Uint8Array(bits.buffer), 8 + header.length);
  return { bytes, values: new Float32Array(Uint32Array.from(bits, (x) => x << 16).buffer) };
}

const tensors = new Map([
  ["a.weight", { shape: [5, 64], values: normal(320), dtype: "F16" as const }],
  ["b.weight", { shape: [3, 33], values: normal(99), dtype: "F16" as const }],
  ["c.weight", { shape: [2, 3, 4], values: normal(24) }],
  ["d.bias", { shape: [7], values: normal(7) }],
  ["scalar", { shape: [], values: normal(1) }],
  ["empty", { shape: [0, 32], values: new Float32Array(0) }],
]);
const whole = writeSafetensors(tensors, { format: "pt" });

async function rowByRow(file: WeightFile, name: string): Promise<number[]> {
  const values: number[] = [];
  const rows = file.tensors.get(name)?.shape[0] ?? 1;
  for (let row = 0; row < rows; row++) values.push(...(await file.readRows(name, row, row + 1)));
  return values;
}

describe("safetensors", () => {
  it("has row by row what it has as a whole", async () => {
    const file = await openSafetensors(bytesSource(whole, "model.safetensors"));
    const read = parseSafetensors(whole);
    expect(file.metadata).toEqual(read.metadata);
    expect([...file.tensors.keys()]).toEqual([...read.tensors.keys()]);
    for (const [name, { shape, dtype, values }] of read.tensors) {
      expect(file.tensors.get(name)).toMatchObject({ shape, type: dtype });
      expect(await file.readRows(name, 0, shape[0] ?? 1)).toEqual(values);
      expect(await rowByRow(file, name)).toEqual([...values]);
    }
  });

  it("packs matrices of halves whose rows are whole blocks, and nothing else", async () => {
    const file = await openSafetensors(bytesSource(whole, "model.safetensors"));
    const packed = [...file.tensors].filter(([, entry]) => entry.packed !== null);
    expect(packed.map(([name, entry]) => [name, entry.packed])).toEqual([["a.weight", "f16"]]);
    const words = await file.readPacked("a.weight", 1, 4);
    expect(unpackWeight(words, 64, "f16")).toEqual(await file.readRows("a.weight", 1, 4));
    expect(new Uint16Array(words.buffer)).toEqual(narrowHalf(tensors.get("a.weight")!.values).slice(64, 256));
    await expect(file.readPacked("b.weight", 0, 1)).rejects.toMatchObject({ code: "model.tensor" });
    await expect(file.readPacked("a.weight", 0, 6)).rejects.toThrow(/"a\.weight": it has no rows 0 to 6, only 5/);
  });

  it("widens bfloat16 by rows", async () => {
    const { bytes, values } = newBfloatFile();
    const file = await openSafetensors(bytesSource(bytes, "x"));
    expect(file.tensors.get("w")).toEqual({ shape: [4, 24], type: "BF16", packed: null });
    expect(await file.readRows("w", 1, 3)).toEqual(values.slice(24, 72));
  });

  it("reads no more than the header and the rows asked for, a few megabytes at a time", async () => {
    const reads: number[] = [];
    const rows = 2 ** 18;
    const header = `{"w":{"dtype":"F32","shape":[${rows},512],"data_offsets":[0,${rows * 2048}]}}`; // half a gigabyte
    const head = new Uint8Array(8 + header.length);
    new DataView(head.buffer).setBigUint64(0, BigInt(header.length), true);
    head.set(new TextEncoder().encode(header), 8);
    const source: ByteSource = {
      name: "great",
      size: head.length + rows * 2048,
      read(offset, length) {
        reads.push(length);
        const bytes = new Uint8Array(length);
        bytes.set(head.subarray(Math.min(offset, head.length), offset + length));
        return Promise.resolve(bytes);
      },
    };
    const file = await openSafetensors(source);
    expect(reads).toEqual([8, header.length]);
    await file.readRows("w", rows - 3, rows);
    expect(reads.at(-1)).toBe(3 * 2048);
    await file.readRows("w", 0, 5000);
    expect(Math.max(...reads)).toBeLessThanOrEqual(4 << 20);
  });
});

const shard = (...names: string[]) => writeSafetensors(new Map([...tensors].filter(([name]) => names.includes(name))));
const shards: Record<string, Uint8Array> = {
  "model-1.safetensors": shard("a.weight", "b.weight"),
  "model-2.safetensors": shard("c.weight", "d.bias"),
  "model-3.safetensors": shard("b.weight", "scalar"),
};
const openShard = (file: string) => {
  const bytes = shards[file];
  if (!bytes) throw new StudioError("file.unreadable");
  return Promise.resolve(bytesSource(bytes, file));
};
const [first, second, third] = ["model-1.safetensors", "model-2.safetensors", "model-3.safetensors"];

describe("shards", () => {
  it("are one file", async () => {
    const map = { "a.weight": first, "c.weight": second, "b.weight": first };
    const file = await openSafetensorsShards({ metadata: { total_size: 1 }, weight_map: map }, openShard);
    expect([...file.tensors.keys()].sort()).toEqual(["a.weight", "b.weight", "c.weight"]);
    for (const name of Object.keys(map)) {
      const shape = tensors.get(name)!.shape;
      const { values } = parseSafetensors(whole).tensors.get(name)!;
      expect(await file.readRows(name, 0, shape[0]!)).toEqual(values);
    }
  });

  it.each<[string, unknown, RegExp]>([
    ["no object", null, /no weight_map/],
    ["no map", { weight_map: 3 }, /no weight_map/],
    ["a list", { weight_map: ["a"] }, /no weight_map/],
    [
      "a missing tensor",
      { weight_map: { "a.weight": first, "c.weight": first } },
      /"c\.weight": it is not in "model-1/,
    ],
    [
      "a tensor in two files",
      { weight_map: { "b.weight": first, scalar: third } },
      /"b\.weight": it is in "model-3.*where the index says "model-1/,
    ],
    ["a path", { weight_map: { a: "../model.safetensors" } }, /"a": .*no plain name/],
    ["a folder", { weight_map: { a: "x/model.safetensors" } }, /"a": .*no plain name/],
    ["a path of Windows", { weight_map: { a: "x\\model.safetensors" } }, /"a": .*no plain name/],
    ["a hidden file", { weight_map: { a: ".safetensors" } }, /"a": .*no plain name/],
    ["another kind of file", { weight_map: { a: "model.bin" } }, /"a": .*no plain name/],
    ["a number", { weight_map: { a: 3 } }, /"a": .*no plain name/],
  ])("%s is refused", async (_, index, detail) => {
    const opening = openSafetensorsShards(index, openShard);
    await expect(opening).rejects.toMatchObject({ code: "model.tensor" });
    await expect(opening).rejects.toThrow(detail);
  });

  it("says which file is missing", async () => {
    const index = { weight_map: { a: "model-9.safetensors" } };
    await expect(openSafetensorsShards(index, openShard)).rejects.toMatchObject({ code: "file.unreadable" });
  });
});

/** A checkpoint of llama2.c of 2 layers. */
function newLlama2c(vocab: number): Uint8Array {
  const [C, F, L, H, K, P] = [8, 12, 2, 2, 1, 4];
  const V = Math.abs(vocab);
  const layer = C + C * C + 2 * K * 4 * C + C * C + C + 3 * F * C;
  const bytes = new Uint8Array(28 + 4 * (V * C + L * layer + C + P * 4 + (vocab < 0 ? V * C : 0)));
  new Int32Array(bytes.buffer, 0, 7).set([C, F, L, H, K, vocab, P]);
  new Float32Array(bytes.buffer, 28).set(normal((bytes.length - 28) / 4));
  return bytes;
}

test("llama2.c's rows are those of the whole", async () => {
  for (const vocab of [5, -5]) {
    const bytes = newLlama2c(vocab);
    const { config, file } = await openLlama2c(bytesSource(bytes, "model.bin"));
    const read = parseLlama2c(bytes);
    expect(config).toEqual(read.config);
    expect([...file.tensors.keys()]).toEqual([...read.tensors.keys()]);
    for (const [name, { values }] of read.tensors) expect(await rowByRow(file, name)).toEqual([...values]);
  }
  await expect(openLlama2c(bytesSource(new Uint8Array(27), "x"))).rejects.toMatchObject({ code: "model.config" });
  const short = bytesSource(newLlama2c(5).subarray(0, 500), "x");
  await expect(openLlama2c(short)).rejects.toThrow(/ends within model\.layers\.0/);
});

const huge = [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n, 2n ** 31n - 1n, 200_000n, 4096n, 1n, 0n];

/** Flips bits, sets bytes, cuts, makes lengths huge, doubles, replaces and takes out pieces of the first `end` bytes. */
function mutate(bytes: Uint8Array, end: number, chance: Random): Uint8Array {
  let mutant = bytes.slice();
  for (let changes = 1 + chance.below(3); changes > 0; changes--) {
    const at = chance.below(Math.max(1, Math.min(end, mutant.length)));
    const piece = mutant.slice(at, at + chance.below(60));
    const kind = chance.below(6);
    if (kind === 0) mutant[at] = (mutant[at] ?? 0) ^ (1 << chance.below(8));
    else if (kind === 1) mutant[at] = chance.below(256);
    else if (kind === 2 && chance.below(4) === 0) mutant = mutant.slice(0, chance.below(mutant.length));
    else if (kind === 3 && at + 8 <= mutant.length)
      new DataView(mutant.buffer).setBigUint64(at, huge[chance.below(huge.length)] ?? 0n, true);
    else {
      const rest = mutant.subarray(at + (kind === 4 ? 0 : piece.length));
      mutant = new Uint8Array(Buffer.concat([mutant.subarray(0, at), kind === 5 ? new Uint8Array(0) : piece, rest]));
    }
  }
  return mutant;
}

const golden = (name: string) => new Uint8Array(readFileSync(path.join(import.meta.dirname, "golden", `${name}.gguf`)));
const openFile = async (bytes: Uint8Array) => (await openGguf(bytesSource(bytes, "x.gguf"))).file;

test.each<[string, Uint8Array[], number, (bytes: Uint8Array) => Promise<WeightFile>]>([
  ["GGUF", ["llama", "gemma3", "phi3", "gpt2"].map(golden), 2500, openFile],
  ["safetensors", [whole, newBfloatFile().bytes], 400, (bytes) => openSafetensors(bytesSource(bytes, "x"))],
  ["llama2.c", [newLlama2c(5), newLlama2c(-5)], 28, async (bytes) => (await openLlama2c(bytesSource(bytes, "x"))).file],
])(
  "20,000 mutants of %s either read or fail with a typed error, each in time",
  { timeout: 120_000 },
  async (_, files, end, open) => {
    const chance = newRandom(20_000);
    let read = 0;
    let slowest = 0;
    for (let i = 0; i < 20_000; i++) {
      const mutant = mutate(files[i % files.length] ?? new Uint8Array(0), end, chance);
      const started = performance.now();
      try {
        const file = await open(mutant);
        const names = [...file.tensors.keys()];
        const name = names[chance.below(names.length)] ?? "";
        const entry = file.tensors.get(name);
        await file.readRows(name, 0, Math.min(entry?.shape[0] ?? 1, 64));
        if (entry?.packed) await file.readPacked(name, 0, Math.min(entry.shape[0] ?? 1, 64));
        read++;
      } catch (error) {
        const isTyped = error instanceof StudioError && /^model\.(tensor|config)$/.test(error.code);
        if (!isTyped) throw error;
        expect(error.message.length).toBeLessThan(600);
      }
      slowest = Math.max(slowest, performance.now() - started);
    }
    expect(read).toBeGreaterThan(20); // changed names and metadata are still files
    expect(read).toBeLessThan(15_000);
    expect(slowest).toBeLessThan(2000);
  },
);
