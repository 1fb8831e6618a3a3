/** @file LoRA adapters as GGUF: llama.cpp's own converter's read, ours read again, and the malformed refused. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { linearNamesOf, linearPath, linearShape } from "../core/adapter";
import { bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import { type LoraModules, newGgufAdapter, parseGgufAdapter } from "./ggufAdapter";
import { readGgufHeader } from "./ggufHeader";
import { newWeightFile } from "./weightFiles";

const configOf = (model_type: string, changes: Record<string, unknown> = {}): ModelConfig =>
  parseModelConfig(
    model_type === "gpt2"
      ? { model_type, vocab_size: 16, n_positions: 32, n_embd: 32, n_layer: 2, n_head: 4 }
      : {
          model_type,
          vocab_size: 16,
          hidden_size: 32,
          intermediate_size: 48,
          num_hidden_layers: 2,
          num_attention_heads: 4,
          num_key_value_heads: model_type === "phi3" ? 4 : 2,
          head_dim: 8,
          query_pre_attn_scalar: 8,
          max_position_embeddings: 64,
          ...changes,
        },
  );

/** One module of each linear layer; `scaleOf` and `rankOf` by number. */
function newModules(
  config: ModelConfig,
  rankOf: (i: number) => number = () => 4,
  scaleOf: (i: number) => number = () => 2,
): LoraModules {
  const random = newRandom(7);
  const tensor = (rows: number, columns: number) => ({
    shape: [rows, columns],
    values: Float32Array.from({ length: rows * columns }, () => random.normal()),
  });
  const paths = Array.from({ length: config.layers }, (_, layer) =>
    linearNamesOf(config).map((name) => ({ path: linearPath(layer, name), shape: linearShape(config, name) })),
  ).flat();
  return new Map(
    paths.map(({ path: module, shape: [out, in_] }, i) => [
      module,
      { a: tensor(rankOf(i), in_), b: tensor(out, rankOf(i)), scale: scaleOf(i) },
    ]),
  );
}

const write = (config: ModelConfig, modules: LoraModules) =>
  bytesSource(newGgufAdapter({ config, name: "an adapter", modules }), "ours");

describe.each(["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "gpt2"])("of %s", (type) => {
  const config = configOf(type);

  it("is read again to the bit", async () => {
    const modules = newModules(config);
    expect(await parseGgufAdapter(write(config, modules), config)).toEqual(modules);
  });
});

describe("an adapter", () => {
  const config = configOf("llama");

  it("has Llama's queries and keys turned, as the base has them, and nothing else", async () => {
    const modules = newModules(config);
    const { tensors, metadata } = await readGgufHeader(write(config, modules));
    expect(metadata.get("general.type")).toBe("adapter");
    expect(metadata.get("adapter.lora.alpha")).toBe(8);
    const file = newWeightFile(tensors);
    const rowsOf = async (name: string, rows: number) => {
      const values = await file.readRows(name, 0, rows);
      return Array.from({ length: rows }, (_, i) => [...values.subarray(4 * i, 4 * i + 4)].join());
    };
    const given = (name: string) => {
      const { shape, values } = modules.get(`model.layers.1.self_attn.${name}`)!.b;
      return Array.from({ length: shape[0] ?? 0 }, (_, i) => [...values.subarray(4 * i, 4 * i + 4)].join());
    };
    // Places 0 … 7 of a head of 8 lie as 0, 4, 1, 5, 2, 6, 3, 7.
    for (const [name, letter, heads] of [["q_proj", "q", 4] as const, ["k_proj", "k", 2] as const]) {
      const order = Array.from({ length: 8 * heads }, (_, i) => 8 * Math.floor(i / 8) + (i % 2) * 4 + ((i % 8) >> 1));
      expect(await rowsOf(`blk.1.attn_${letter}.weight.lora_b`, 8 * heads)).toEqual(order.map((i) => given(name)[i]));
    }
    expect(await rowsOf("blk.1.attn_v.weight.lora_b", 16)).toEqual(given("v_proj"));
  });

  it("of ranks that differ needs no folding where alpha is one", async () => {
    const modules = newModules(
      config,
      (i) => 1 + (i % 3),
      (i) => 6 / (1 + (i % 3)),
    );
    expect((await readGgufHeader(write(config, modules))).metadata.get("adapter.lora.alpha")).toBe(6);
    expect(await parseGgufAdapter(write(config, modules), config)).toEqual(modules);
  });

  it("has rsLoRA's scale: alpha · √r", async () => {
    const modules = newModules(
      config,
      () => 8,
      () => 16 / Math.sqrt(8),
    );
    const source = write(config, modules);
    expect((await readGgufHeader(source)).metadata.get("adapter.lora.alpha")).toBeCloseTo(16 * Math.sqrt(8), 5);
    for (const [, { scale }] of await parseGgufAdapter(source, config)) expect(scale).toBeCloseTo(16 / Math.sqrt(8), 6);
  });

  it("of scales that differ has scale · B · A for each, zero and less among them", async () => {
    const scales = [2, 2, 2, 0.3, 0, -1.5];
    const modules = newModules(
      config,
      (i) => 2 + (i % 2),
      (i) => scales[i % 6] ?? 0,
    );
    const read = await parseGgufAdapter(write(config, modules), config);
    expect([...read.keys()]).toEqual([...modules.keys()]);
    for (const [name, { a, b, scale }] of modules) {
      const again = read.get(name)!;
      expect(again.a).toEqual(a);
      again.b.values.forEach((value, i) => expect(value * again.scale).toBeCloseTo((b.values[i] ?? 0) * scale, 5));
    }
    const silent = newModules(
      config,
      () => 2,
      () => 0,
    );
    const none = await parseGgufAdapter(write(config, silent), config);
    for (const { b } of none.values()) expect(b.values.every((value) => value === 0)).toBe(true);
  });

  const one = (changes: Partial<{ a: number[]; b: number[]; scale: number; path: string }>): LoraModules => {
    const { a = [4, 32], b = [32, 4], scale = 1, path: module = "model.layers.0.self_attn.q_proj" } = changes;
    const tensor = (shape: number[]) => ({ shape, values: new Float32Array(shape.reduce((n, m) => n * m, 1)) });
    return new Map([[module, { a: tensor(a), b: tensor(b), scale }]]);
  };
  it.each([
    [new Map(), /has no module/],
    [one({ path: "model.layers.2.self_attn.q_proj" }), /layers\.2\.self_attn\.q_proj is no linear layer/],
    [one({ path: "lm_head" }), /lm_head is no linear layer/],
    [one({ a: [4, 31] }), /q_proj: A \[4, 31\] and B \[32, 4\] do not fit the weight \[32, 32\]/],
    [one({ b: [32, 5] }), /do not fit/],
    [one({ a: [0, 32], b: [32, 0] }), /do not fit/],
    [one({ scale: Number.NaN }), /its scale is NaN/],
  ] as [LoraModules, RegExp][])("that does not fit the base is not written (%#)", (modules, message) => {
    const make = () => newGgufAdapter({ config, name: "", modules });
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: "adapter.invalid" }));
  });
});

describe("a file that is none for this base", () => {
  const config = configOf("llama");
  const bytes = newGgufAdapter({ config, name: "an adapter", modules: newModules(config) });
  const replaced = (from: string, to: string) => {
    const copy = Buffer.from(bytes);
    const at = copy.indexOf(from);
    expect([at > 0, to.length]).toEqual([true, from.length]);
    copy.write(to, at);
    return bytesSource(copy, "changed");
  };
  it.each([
    ["adapter\u000c", "adapted\u000c", /no adapter but of type "adapted"/],
    ["\u0004\0\0\0\0\0\0\0lora", "\u0004\0\0\0\0\0\0\0dora", /type is "dora"; only "lora"/],
    ["adapter.lora.alpha", "adapter.lora.alphb", null],
    ["blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_c", /lora_c" belongs to no linear layer/],
    ["blk.0.attn_q.weight.lora_a", "blk.2.attn_q.weight.lora_a", /"blk\.2\.attn_q\.weight\.lora_a" belongs to no/],
    ["blk.0.attn_q.weight.lora_a", "blk.0.attn_x.weight.lora_a", /belongs to no linear layer/],
  ] as [string, string, RegExp | null][])("%j → %j", async (from, to, message) => {
    const reading = parseGgufAdapter(replaced(from, to), config);
    if (message) await expect(reading).rejects.toThrow(message);
    else for (const { scale } of (await reading).values()) expect(scale).toBe(1); // as llama.cpp without an alpha
  });

  it("is refused, saying for what it is", async () => {
    const qwen = configOf("qwen2");
    await expect(parseGgufAdapter(bytesSource(bytes, "a"), qwen)).rejects.toThrow(/for "llama", the base is "qwen2"/);
    const wider = configOf("llama", { hidden_size: 64, num_attention_heads: 8 });
    await expect(parseGgufAdapter(bytesSource(bytes, "a"), wider)).rejects.toThrow(/do not fit the weight \[64, 64\]/);
    const model = readFileSync(path.join(import.meta.dirname, "golden", "llama.gguf"));
    await expect(parseGgufAdapter(bytesSource(model, "a"), config)).rejects.toThrow(/no adapter but of type "model"/);
  });

  it("with a half missing is refused, naming it", async () => {
    const modules = newModules(config);
    const [first] = modules;
    const whole = newGgufAdapter({ config, name: "", modules: new Map([first!]) });
    const text = Buffer.from(whole);
    const at = text.indexOf("blk.0.attn_q.weight.lora_b");
    text.write("blk.0.attn_v.weight.lora_b", at);
    await expect(parseGgufAdapter(bytesSource(text, "a"), config)).rejects.toThrow(
      /attn_q\.weight\.lora_b" is missing/,
    );
  });

  it("mutated 3,000 times is read or refused with a typed error", async () => {
    const small = configOf("qwen2");
    const modules = new Map([...newModules(small, () => 1)].slice(0, 3));
    const whole = newGgufAdapter({ config: small, name: "m", modules });
    const { tensors } = await readGgufHeader(bytesSource(whole, "whole"));
    const head = Math.min(...[...tensors.values()].map(({ offset }) => offset));
    const random = newRandom(3000);
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 3000; i++) {
      const mutant = Uint8Array.from(whole);
      for (let n = 1 + random.below(3); n > 0; n--) {
        // Small numbers are likelier to pass for lengths, types and ranks than any byte.
        const byte = random.below(2) === 0 ? random.below(256) : random.below(9);
        mutant[random.below(head)] = byte;
      }
      const cut = random.below(5) === 0 ? mutant.slice(0, random.below(mutant.length)) : mutant;
      try {
        const read = await parseGgufAdapter(bytesSource(cut, "mutant"), small);
        for (const { a, b } of read.values()) expect(a.shape[0]).toBe(b.shape[1]);
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof StudioError) || !["adapter.invalid", "model.tensor"].includes(error.code)) throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(1500);
  });
});

const golden = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "golden/lora-qwen2-2layer.gguf");

describe.skipIf(!existsSync(golden) && !process.env["CI"])("convert_lora_to_gguf.py's adapter", () => {
  const config = configOf("qwen2", { num_attention_heads: 8 });

  it("is read, and written again has the same tensors", async () => {
    const bytes = readFileSync(golden);
    const { tensors } = await readGgufHeader(bytesSource(bytes, "golden"));
    expect(tensors.get("blk.0.attn_q.weight.lora_b")?.shape).toEqual([64, 8]);
    const read = await parseGgufAdapter(bytesSource(bytes, "golden"), config);
    expect([...read.keys()]).toEqual(["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"]);
    const theirs = newWeightFile(tensors);
    for (const [module, { a, b, scale }] of read) {
      const name = `blk.${module.split(".")[2] ?? ""}.attn_q.weight`;
      expect([a.shape, b.shape, scale]).toEqual([[8, 32], [64, 8], 2]);
      expect(a.values).toEqual(await theirs.readRows(`${name}.lora_a`, 0, 8));
      expect(b.values).toEqual(await theirs.readRows(`${name}.lora_b`, 0, 64)); // Qwen's are not turned
    }
    const again = await readGgufHeader(write(config, read));
    const ours = newWeightFile(again.tensors);
    for (const [name, { shape }] of theirs.tensors)
      expect(await ours.readRows(name, 0, shape[0] ?? 0)).toEqual(await theirs.readRows(name, 0, shape[0] ?? 0));
    for (const key of ["general.type", "general.architecture", "adapter.type", "adapter.lora.alpha"])
      expect(again.metadata.get(key)).toEqual((await readGgufHeader(bytesSource(bytes, "golden"))).metadata.get(key));
  });
});
