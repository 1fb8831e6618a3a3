/** @file GGUF headers: what is read of them, and that nothing malformed passes. */

import { expect, test } from "vitest";
import type { ByteSource } from "../core/byteSource";
import { bytesSource } from "../core/byteSource";
import { openGguf } from "./gguf";
import { readGgufHeader } from "./ggufHeader";
import { newWeightFile } from "./weightFiles";

const encoder = new TextEncoder();
const join = (...parts: (Uint8Array | number[])[]) => new Uint8Array(Buffer.concat(parts.map((p) => Buffer.from(p))));
const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
const u64 = (n: number | bigint) => new Uint8Array(BigUint64Array.of(BigInt(n)).buffer);
const string = (text: string | Uint8Array) => {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  return join(u64(bytes.length), bytes);
};
const key = (name: string, type: number, ...value: Uint8Array[]) => join(string(name), u32(type), ...value);
const tensor = (name: string, dims: (number | bigint)[], type: number, offset: number | bigint) =>
  join(string(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset));

type Parts = { start?: Uint8Array; keys?: Uint8Array[]; tensors?: Uint8Array[]; data?: number };

/** A file of these keys and tensors, and `data` bytes behind them. */
function newFile({ start, keys = [], tensors = [], data = 0 }: Parts): Uint8Array {
  const first = start ?? join(encoder.encode("GGUF"), u32(3), u64(tensors.length), u64(keys.length));
  const header = join(first, ...keys, ...tensors);
  const file = new Uint8Array(Math.ceil(header.length / 32) * 32 + data);
  file.set(header);
  return file;
}

const read = (parts: Parts) => readGgufHeader(bytesSource(newFile(parts), "x.gguf"));

test("every type of value is read", async () => {
  const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer.slice(0) as ArrayBuffer);
  const { metadata, version } = await read({
    keys: [
      key("u8", 0, Uint8Array.of(255)),
      key("i8", 1, Uint8Array.of(255)),
      key("u16", 2, bytes(Uint16Array.of(65535))),
      key("i16", 3, bytes(Int16Array.of(-2))),
      key("u32", 4, u32(4294967295)),
      key("i32", 5, bytes(Int32Array.of(-3))),
      key("f32", 6, bytes(Float32Array.of(0.5))),
      key("bool", 7, Uint8Array.of(1)),
      key("string", 8, string("é ▁ 数")),
      key("u64", 10, u64(2 ** 40)),
      key("i64", 11, bytes(BigInt64Array.of(-5n))),
      key("f64", 12, bytes(Float64Array.of(1e300))),
      key("bools", 9, u32(7), u64(2), Uint8Array.of(1, 0)),
      key("numbers", 9, u32(3), u64(2), bytes(Int16Array.of(-1, 7))),
      key("strings", 9, u32(8), u64(3), string("a"), string(""), string("ü")),
      key("none", 9, u32(8), u64(0)),
      key("__proto__", 8, string("only a name")),
    ],
  });
  expect(version).toBe(3);
  expect(Object.fromEntries([...metadata].filter(([name]) => name !== "__proto__"))).toEqual({
    u8: 255,
    i8: -1,
    u16: 65535,
    i16: -2,
    u32: 4294967295,
    i32: -3,
    f32: 0.5,
    bool: true,
    string: "é ▁ 数",
    u64: 2 ** 40,
    i64: -5,
    f64: 1e300,
    bools: [true, false],
    numbers: [-1, 7],
    strings: ["a", "", "ü"],
    none: [],
  });
  expect(metadata.get("__proto__")).toBe("only a name");
});

test("tensors lie where the header says, in any order, with any alignment", async () => {
  const parts = {
    keys: [key("general.alignment", 4, u32(64))],
    tensors: [tensor("b", [4, 2], 0, 64), tensor("a", [], 0, 0), tensor("empty", [4, 0], 0, 64)],
  };
  const bytes = newFile({ ...parts, data: 256 });
  const end = join(encoder.encode("GGUF"), u32(3), u64(3), u64(1), ...parts.keys, ...parts.tensors).length;
  const start = Math.ceil(end / 64) * 64;
  new DataView(bytes.buffer).setFloat32(start, 7, true);
  new DataView(bytes.buffer).setFloat32(start + 64 + 4 * 4, 9, true);
  const { tensors } = await readGgufHeader(bytesSource(bytes, "x.gguf"));
  const file = newWeightFile(tensors);
  expect(file.tensors.get("b")?.shape).toEqual([2, 4]);
  expect([...(await file.readRows("a", 0, 1))]).toEqual([7]);
  expect([...(await file.readRows("b", 1, 2))]).toEqual([9, 0, 0, 0]);
  expect(await file.readRows("empty", 0, 0)).toHaveLength(0);
  await expect(file.readRows("b", 1, 3)).rejects.toThrow(/"b": it has no rows 1 to 3, only 2/);
  await expect(file.readRows("b", -1, 1)).rejects.toMatchObject({ code: "model.tensor" });
  await expect(file.readRows("b", 0.5, 1)).rejects.toMatchObject({ code: "model.tensor" });
  await expect(file.readRows("c", 0, 1)).rejects.toThrow(/"c": it is not in the file/);
});

const magic = encoder.encode("GGUF");
const two = [tensor("a", [8], 0, 0), tensor("b", [8], 0, 32)];

test.each<[string, Parts, RegExp]>([
  ["no GGUF", { start: encoder.encode("GGML............................") }, /x\.gguf does not begin with "GGUF"/],
  ["version 1", { start: join(magic, u32(1), u64(0), u64(0)) }, /version 1 is not supported/],
  ["version 4", { start: join(magic, u32(4), u64(0), u64(0)) }, /version 4 is not supported/],
  ["big endian", { start: join(magic, [0, 0, 0, 3], u64(0), u64(0)) }, /big endian/],
  ["countless tensors", { start: join(magic, u32(3), u64(2n ** 63n), u64(0)) }, /tensors, more than 200000/],
  ["countless keys", { start: join(magic, u32(3), u64(0), u64(2n ** 63n)) }, /keys, more than/],
  ["a key that is longer than the file", { keys: [join(u64(2n ** 40n))] }, /key 0: x\.gguf ends before/],
  ["a string that is longer than the file", { keys: [key("k", 8, u64(1000))] }, /"k": x\.gguf ends before 1000 bytes/],
  ["an array that is longer than the file", { keys: [key("k", 9, u32(4), u64(1000))] }, /"k": .* 1000 elements/],
  ["strings longer than the file", { keys: [key("k", 9, u32(8), u64(99))] }, /"k": .* 99 elements/],
  ["truth longer than the file", { keys: [key("k", 9, u32(7), u64(99))] }, /"k": .* 99 elements/],
  ["an array beyond all bounds", { keys: [key("k", 9, u32(0), u64(2n ** 63n))] }, /"k": .* elements, more than/],
  ["an array within an array", { keys: [key("k", 9, u32(9), u64(1), u32(4), u64(0))] }, /"k": an array within/],
  ["an unknown type", { keys: [key("k", 13, u64(0))] }, /"k": unknown type 13/],
  ["an array of an unknown type", { keys: [key("k", 9, u32(99), u64(0))] }, /"k": unknown type 99/],
  ["half a truth", { keys: [key("k", 7, Uint8Array.of(2))] }, /"k": the truth value 2/],
  ["a key twice", { keys: [key("k", 4, u32(1)), key("k", 4, u32(1))] }, /the key "k" stands twice/],
  ["a key that is no text", { keys: [join(string(Uint8Array.of(0xff)), u32(4), u32(0))] }, /key 0: not UTF-8 at byte/],
  ["a value that is no text", { keys: [key("k", 8, string(Uint8Array.of(0xc3)))] }, /"k": not UTF-8 at byte/],
  ["alignment 0", { keys: [key("general.alignment", 4, u32(0))] }, /alignment": not a power of two/],
  ["alignment 48", { keys: [key("general.alignment", 4, u32(48))] }, /alignment": not a power of two/],
  ["an alignment that is text", { keys: [key("general.alignment", 8, string("32"))] }, /not a power of two/],
  ["a tensor twice", { tensors: [...two, two[0]!], data: 64 }, /tensor "a" stands twice/],
  ["five dimensions", { tensors: [tensor("a", [1, 1, 1, 1, 1], 0, 0)], data: 32 }, /"a": 5 dimensions/],
  ["too large a shape", { tensors: [tensor("a", [2n ** 62n, 4], 0, 0)], data: 32 }, /"a": its shape .* too large/],
  ["a shape that overflows to 0", { tensors: [tensor("a", [2n ** 32n, 2n ** 32n], 0, 0)] }, /"a": its shape .* large/],
  ["a huge dimension by 0", { tensors: [tensor("a", [2n ** 63n, 0], 0, 0)] }, /"a": its shape .* too large/],
  ["half a block", { tensors: [tensor("a", [48, 2], 2, 0)], data: 96 }, /"a": rows of 48 .* blocks of Q4_0, of 32/],
  ["half a great block", { tensors: [tensor("a", [128, 2], 14, 0)], data: 512 }, /blocks of Q6_K, of 256/],
  ["a type we do not read", { tensors: [tensor("a", [256], 10, 0)], data: 96 }, /"a": its type Q2_K is not supported/],
  ["a type of nobody's", { tensors: [tensor("a", [8], 77, 0)], data: 32 }, /"a": unknown type 77/],
  ["an odd offset", { tensors: [tensor("a", [4], 0, 4)], data: 32 }, /"a": its offset 4 is no multiple of 32/],
  ["an offset beyond the file", { tensors: [tensor("a", [8], 0, 2n ** 62n)], data: 32 }, /"a": .* cut short/],
  ["data cut short", { tensors: [tensor("a", [9], 0, 0)], data: 32 }, /"a": its data ends .* cut short/],
  ["an overlap", { tensors: [tensor("a", [16], 0, 0), two[1]!], data: 64 }, /"b": its data overlaps/],
  ["no architecture", {}, /"general.architecture" is missing/],
  ["an adapter", { keys: [arch("llama"), key("general.type", 8, string("adapter"))] }, /of type "adapter"/],
  ["a part of a file", { keys: [arch("llama"), key("split.count", 2, Uint8Array.of(3, 0))] }, /one part of 3/],
  [
    "an architecture that we do not know",
    { keys: [arch("mamba"), key("mamba.context_length", 4, u32(2048))], tensors: two, data: 64 },
    /architecture "mamba" is not supported \(16 parameters in 2 tensors, context length 2048\)/,
  ],
  ["a model without an embedding", { keys: [arch("llama")], tensors: two, data: 64 }, /"token_embd.weight" is missing/],
])("%s is refused", async (_, parts, detail) => {
  const opening = openGguf(bytesSource(newFile(parts), "x.gguf"));
  await expect(opening).rejects.toMatchObject({ name: "StudioError" });
  await expect(opening).rejects.toThrow(detail);
});

function arch(name: string): Uint8Array {
  return key("general.architecture", 8, string(name));
}

const ready = [
  arch("llama"),
  ...Object.entries({ block_count: 1, embedding_length: 8, feed_forward_length: 8, context_length: 8 }).map(
    ([name, n]) => key(`llama.${name}`, 4, u32(n)),
  ),
  key("llama.attention.layer_norm_rms_epsilon", 6, new Uint8Array(Float32Array.of(1e-5).buffer)),
];
const heads = key("llama.attention.head_count", 4, u32(2));
const embedding = tensor("token_embd.weight", [8, 4], 0, 0);

test.each<[string, Uint8Array[], Uint8Array[], RegExp]>([
  ["a missing key", [], [], /the key "llama\.attention\.head_count" is missing/],
  ["text for a number", [key("llama.attention.head_count", 8, string("2"))], [], /head_count" is not a number/],
  ["no heads", [key("llama.attention.head_count", 4, u32(0))], [], /head_count" is 0, not a positive/],
  [
    "layers that differ",
    [key("llama.attention.head_count", 9, u32(4), u64(2), u32(1), u32(2))],
    [],
    /head_count" differs from layer to layer/,
  ],
  ["experts", [heads, key("llama.expert_count", 4, u32(8))], [], /mixture of experts is not supported/],
  ["a scaling", [heads, key("llama.rope.scaling.type", 8, string("su")), scale()], [], /rope scaling "su" is not/],
  ["other factors", [heads], [tensor("rope_freqs.weight", [2], 0, 128)], /rope_freqs\.weight is not the scaling/],
  ["factors in rows", [heads], [tensor("rope_freqs.weight", [1, 2], 0, 128)], /"rope_freqs\.weight" has the shape/],
  ["a strange tensor", [heads], [tensor("blk.0.attn_qkv.weight", [8], 0, 128)], /llama has none of this name/],
  ["a layer too many", [heads], [tensor("blk.1.attn_norm.weight", [8], 0, 128)], /the model has only 1 layers/],
  ["a layer 00", [heads], [tensor("blk.00.attn_norm.weight", [8], 0, 128)], /llama has none of this name/],
  ["rows of no head", [heads], [tensor("blk.0.attn_q.weight", [8, 2], 0, 128)], /its 2 rows are not of 2 heads/],
])("%s in a model is refused", async (_, keys, tensors, detail) => {
  const file = newFile({ keys: [...ready, ...keys], tensors: [embedding, ...tensors], data: 256 });
  await expect(openGguf(bytesSource(file, "x.gguf"))).rejects.toThrow(detail);
});

function scale(): Uint8Array {
  return key("llama.rope.scaling.factor", 6, new Uint8Array(Float32Array.of(2).buffer));
}

test("a model of nothing but an embedding opens", async () => {
  const file = newFile({ keys: [...ready, heads, scale()], tensors: [embedding], data: 128 });
  const { config } = await openGguf(bytesSource(file, "x.gguf"));
  expect(config).toMatchObject({ tie_word_embeddings: true, rope_scaling: { rope_type: "linear", factor: 2 } });
});

test.each([
  [32, 128, 500_000],
  [8, 128, 500_000],
  [8, 64, 500_000],
])("the scaling of a Llama 3 by %d with heads of %d is told from its frequencies", async (factor, D, theta) => {
  // transformers' modeling_rope_utils.py, _compute_llama3_parameters: what each frequency is divided by.
  const divisors = Float32Array.from({ length: D / 2 }, (_, i) => {
    const frequency = 1 / theta ** ((2 * i) / D);
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength > 8192) return factor;
    if (wavelength < 8192 / 4) return 1;
    const smooth = (8192 / wavelength - 1) / (4 - 1);
    return frequency / (((1 - smooth) * frequency) / factor + smooth * frequency);
  });
  const keys = [
    ...ready.slice(0, 2),
    key("llama.embedding_length", 4, u32(2 * D)),
    ...ready.slice(3),
    heads,
    key("llama.rope.freq_base", 6, new Uint8Array(Float32Array.of(theta).buffer)),
  ];
  const tensors = [tensor("rope_freqs.weight", [D / 2], 0, 0), tensor("token_embd.weight", [32], 0, 2 * D)];
  const file = newFile({ keys, tensors, data: 2 * D + 128 });
  file.set(new Uint8Array(divisors.buffer), file.length - 2 * D - 128);
  const opened = await openGguf(bytesSource(file, "x.gguf"));
  expect([...opened.file.tensors.keys()]).toEqual(["model.embed_tokens.weight"]);
  expect(opened.config["rope_scaling"]).toEqual({
    rope_type: "llama3",
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  });
});

/** A file whose bytes are made when they are read, and how many that were. */
function newSource(header: Uint8Array, size: number, fill: (bytes: Uint8Array, offset: number) => void) {
  const count = { bytes: 0 };
  const source: ByteSource = {
    name: "x.gguf",
    size,
    read(offset, length) {
      count.bytes += length;
      const bytes = new Uint8Array(length);
      fill(bytes, offset);
      if (offset < header.length) bytes.set(header.subarray(offset, offset + length));
      return Promise.resolve(bytes);
    },
  };
  return { source, count };
}

test("no more is read than the header, and then the rows asked for", async () => {
  const rows = 1 << 20; // a gigabyte of Q8_0
  const header = newFile({
    keys: [...ready.slice(0, 2), key("llama.embedding_length", 4, u32(1024)), ...ready.slice(3), heads],
    tensors: [tensor("token_embd.weight", [1024, rows], 8, 0)],
  });
  const great = newSource(header, header.length + rows * 32 * 34, (bytes) => bytes.fill(1));
  const { file } = await openGguf(great.source);
  expect(great.count.bytes).toBe(1 << 20);
  expect(file.tensors.get("model.embed_tokens.weight")).toEqual({ shape: [rows, 1024], type: "Q8_0", packed: "int8" });
  const last = await file.readRows("model.embed_tokens.weight", rows - 1, rows);
  expect(great.count.bytes).toBe((1 << 20) + 32 * 34);
  expect(new Set(last)).toEqual(new Set([Math.fround(257 * 2 ** -24)])); // the half 0x0101 times the code 1
});

test("a string of 100 MB is refused unread, and so are a hundred of 1 MB before they are all read", async () => {
  const start = join(magic, u32(3), u64(0), u64(100), string("k"), u32(8));
  const long = newSource(join(start, u64(100e6)), 200e6, (bytes) => bytes.fill(97));
  await expect(readGgufHeader(long.source)).rejects.toThrow(/"k": the header is longer than 67108864 bytes/);
  expect(long.count.bytes).toBeLessThan(2 << 20);

  const one = join(string("key 00"), u32(8), u64(1 << 20));
  const stride = one.length + (1 << 20);
  const many = newSource(start.subarray(0, 24), 200e6, (bytes, offset) => {
    bytes.fill(97);
    for (let i = 0; i < 100; i++) {
      const at = 24 + i * stride - offset;
      if (at < 0 || at + one.length > bytes.length) continue;
      bytes.set(one, at);
      bytes.set(encoder.encode(String(i).padStart(2, "0")), at + 12);
    }
  });
  const started = process.cpuUsage().user;
  await expect(readGgufHeader(many.source)).rejects.toThrow(/"key 63": the header is longer than/);
  expect(many.count.bytes).toBeLessThan(160 << 20);
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(2000);
});

test("a vocabulary of 150,000 tokens and as many merges is read in well under a second", async () => {
  const tokens = Array.from({ length: 150_000 }, (_, i) => (i % 9 === 0 ? `Ġmot é${i}` : `token${i}`));
  const list = (name: string) => {
    const parts = tokens.map((token) => Buffer.from(string(token)));
    return join(string(name), u32(9), u32(8), u64(tokens.length), Buffer.concat(parts));
  };
  const file = newFile({ keys: [list("tokens"), list("merges")] });
  const started = process.cpuUsage().user;
  const { metadata } = await readGgufHeader(bytesSource(file, "x.gguf"));
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(700);
  expect(metadata.get("merges")).toEqual(tokens);
});
