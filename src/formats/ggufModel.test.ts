/** @file A model as GGUF: what gguf-py and the converter make of the same, and what our reader makes of ours. */

import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type Architecture, architectures } from "../core/architectures";
import { bytesSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { ggufWeightTypes } from "../core/exportFormat";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import { textOf } from "../core/say";
import { tensorShapes } from "../core/tensorNames";
import { openGguf } from "./gguf";
import { readGgufHeader } from "./ggufHeader";
import { type GgufFile, type GgufModel, newGgufModel } from "./ggufModel";
import { type GgufMetadata, type GgufTyped, text, uint32 } from "./ggufWriter";
import { newWeightFile } from "./weightFiles";

const openGolden = async (name: string) =>
  bytesSource(await readFile(path.join(import.meta.dirname, "golden", `${name}.gguf`)), name);

const tokensOf = ({ vocabSize, bosTokenId, eosTokenIds }: ModelConfig): GgufMetadata =>
  new Map<string, GgufTyped>([
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.tokens", { type: "strings", value: Array.from({ length: vocabSize }, (_, i) => `t${i}`) }],
    ...(bosTokenId === null ? [] : ([["tokenizer.ggml.bos_token_id", uint32(bosTokenId)]] as const)),
    ...(["eos", "eot", "eom"] as const).flatMap((name, i) => {
      const id = eosTokenIds[i];
      return id === undefined ? [] : ([[`tokenizer.ggml.${name}_token_id`, uint32(id)]] as const);
    }),
  ]);

async function join({ bytes, size }: Pick<GgufFile, "bytes" | "size">): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const part of bytes()) {
    whole.set(part, at);
    at += part.length;
  }
  expect(at).toBe(size);
  return whole;
}

type Rows = Map<string, { shape: number[]; values: Float32Array }>;

const readFrom =
  (tensors: Rows): GgufModel["rows"] =>
  (name, from, to) => {
    const { shape, values } = tensors.get(name)!;
    const width = values.length / (shape[0] ?? 1);
    return Promise.resolve(values.slice(from * width, to * width));
  };

/** Norms on a grid on which 1 added and taken away is nothing. */
function newTensors(config: ModelConfig, seed = 1): Rows {
  const random = newRandom(seed);
  return new Map(
    [...tensorShapes(config)].map(([name, shape]) => {
      const length = shape.reduce((product, n) => product * n, 1);
      const isNorm = /norm\.weight$/.test(name);
      const next = () => (isNorm ? Math.round(64 * random.normal()) / 64 : 0.1 * random.normal());
      return [name, { shape, values: Float32Array.from({ length }, next) }];
    }),
  );
}

const write = async (config: ModelConfig, tensors: Rows, type: GgufModel["type"]) =>
  bytesSource(
    await join(newGgufModel({ config, name: "a model", type, tokenizer: tokensOf(config), rows: readFrom(tensors) })),
    "ours",
  );

describe.each(["llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "gpt2"])("a converted %s", (name) => {
  it("written again has the same tensors and says the same", async () => {
    const source = await openGolden(name);
    const golden = await readGgufHeader(source);
    const { config: json, file } = await openGguf(source);
    const config = parseModelConfig(json);
    const model = { config, name: "again", type: "F32" as const, tokenizer: tokensOf(config), rows: file.readRows };
    const written = await readGgufHeader(bytesSource(await join(newGgufModel(model)), "ours"));
    expect([...written.tensors.keys()].sort()).toEqual([...golden.tensors.keys()].sort());
    const [theirs, ours] = [newWeightFile(golden.tensors), newWeightFile(written.tensors)];
    for (const [tensor, { shape }] of theirs.tensors) {
      expect([tensor, ours.tensors.get(tensor)?.shape]).toEqual([tensor, shape]);
      const numbers = await theirs.readRows(tensor, 0, shape[0] ?? 0);
      // The golden's factors were computed in double precision from f32 frequencies, ours in double throughout.
      const isFactor = tensor.startsWith("rope");
      const mine = await ours.readRows(tensor, 0, shape[0] ?? 0);
      const worst = mine.reduce((most, value, i) => Math.max(most, Math.abs(value - (numbers[i] ?? 0))), 0);
      expect([tensor, worst]).toEqual([tensor, isFactor ? expect.closeTo(0, 5) : 0]);
    }
    for (const [key, value] of golden.metadata) {
      if (key.startsWith("general.") || key.includes("rope.scaling") || key.endsWith("padding_token_id")) continue;
      expect([key, written.metadata.get(key)]).toEqual([key, value]);
    }
  });
});

/** Of each architecture one with all that is its own; widths of whole blocks but for one. */
const shared = {
  vocab_size: 48,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  bos_token_id: 1,
  eos_token_id: [2, 5],
  rope_theta: 500000,
};
const gemma = { ...shared, head_dim: 32, query_pre_attn_scalar: 32, sliding_window: 128 };
const configs: Record<Architecture, Record<string, unknown>> = {
  llama: { ...shared, attention_bias: true, mlp_bias: true, rope_scaling: { rope_type: "linear", factor: 2.5 } },
  mistral: { ...shared, sliding_window: 100, head_dim: 32 },
  qwen2: {
    ...shared,
    tie_word_embeddings: true,
    rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 128, attention_factor: 1.5 },
    use_sliding_window: true,
    sliding_window: 64,
    max_window_layers: 1,
  },
  qwen3: { ...shared, head_dim: 48, intermediate_size: 80, rope_scaling: { rope_type: "yarn", factor: 2 } },
  gemma2: { ...gemma, layer_types: ["full_attention", "sliding_attention", "full_attention"] },
  gemma3: { ...gemma, rope_local_base_freq: 20000, rope_scaling: { rope_type: "linear", factor: 8 } },
  phi3: {
    ...shared,
    num_key_value_heads: 4,
    sliding_window: 200,
    original_max_position_embeddings: 64,
    rope_scaling: {
      rope_type: "longrope",
      long_factor: Array.from({ length: 8 }, (_, i) => 1 + i / 3),
      short_factor: Array.from({ length: 8 }, (_, i) => 1 + i / 7),
      attention_factor: 1.25,
    },
  },
  gpt2: { vocab_size: 48, n_positions: 32, n_embd: 64, n_layer: 2, n_head: 4, n_inner: 160, eos_token_id: 2 },
};
const configOf = (architecture: Architecture, changes: Record<string, unknown> = {}) =>
  parseModelConfig({ model_type: architectures[architecture].modelType, ...configs[architecture], ...changes });

/** Numbers of a configuration as f32 has them; YaRN's own factor is a product. */
const rounded = (config: unknown): unknown =>
  JSON.parse(
    JSON.stringify(config, (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(6)) : value)),
  );

/** By how much a number may be off, in parts of the largest: half a step, or a whole one at Q4_0's open end, of a halved d. */
const most = { F32: 0, F16: 2 ** -11, Q8_0: 0.5 / 127 + 2 ** -11, Q4_0: 1 / 8 + 2 ** -11 };

describe.each(Object.keys(configs) as Architecture[])("%s", (architecture) => {
  const config = configOf(architecture);
  const tensors = newTensors(config);

  it.each(ggufWeightTypes)("in %s is read again as it was", async (type) => {
    const { config: json, file, metadata } = await openGguf(await write(config, tensors, type));
    const read = parseModelConfig(json);
    expect(rounded(read)).toEqual(rounded(config));
    expect(metadata.get("general.name")).toBe("a model");
    expect([...file.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, values }] of tensors) {
      const entry = file.tensors.get(name)!;
      expect([name, entry.shape]).toEqual([name, shape]);
      if (/norm|ln_|bias|wpe/.test(name)) expect([name, entry.type]).toEqual([name, "F32"]);
      const held = await file.readRows(name, 0, shape[0] ?? 0);
      const scale = values.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);
      const allowed = scale * most[entry.type as keyof typeof most];
      const worst = held.reduce((peak, value, i) => Math.max(peak, Math.abs(value - (values[i] ?? 0))), 0);
      expect([name, entry.type, worst <= allowed, held.length]).toEqual([name, entry.type, true, values.length]);
    }
    const types = new Set([...file.tensors].filter(([name]) => /proj|c_/.test(name)).map(([, entry]) => entry.type));
    expect(types.has(type)).toBe(true);
  });
});

describe("a model", () => {
  it("keeps rows that are not whole blocks in half precision, and embeddings in more bits than four", async () => {
    const config = configOf("qwen3");
    const { file } = await openGguf(await write(config, newTensors(config), "Q4_0"));
    const typeOf = (name: string) => file.tensors.get(name)?.type;
    expect(typeOf("model.layers.0.mlp.down_proj.weight")).toBe("F16"); // of 80
    expect(typeOf("model.layers.0.mlp.up_proj.weight")).toBe("Q4_0");
    expect(typeOf("model.embed_tokens.weight")).toBe("Q8_0");
    expect(typeOf("lm_head.weight")).toBe("Q8_0");
  });

  it("is read a few megabytes at a time, whole heads where they are turned", async () => {
    const config = configOf("llama", { vocab_size: 70_000, attention_bias: false });
    const tensors = newTensors(config);
    let largest = 0;
    const rows: GgufModel["rows"] = (name, from, to) => {
      if (/[qk]_proj/.test(name)) expect([from % 16, to % 16]).toEqual([0, 0]);
      return readFrom(tensors)(name, from, to).then((values) => {
        largest = Math.max(largest, values.length);
        return values;
      });
    };
    const written = newGgufModel({ config, name: "large", type: "F16", tokenizer: tokensOf(config), rows });
    const { file } = await openGguf(bytesSource(await join(written), "large"));
    expect(largest).toBe(2 ** 21);
    const embedding = tensors.get("model.embed_tokens.weight")!.values;
    const [read] = await file.readRows("model.embed_tokens.weight", 69_999, 70_000);
    expect(read).toBeCloseTo(embedding[69_999 * 64] ?? 0, 3);
  });

  it("says where llama.cpp will differ", () => {
    const notesOf = (config: ModelConfig) =>
      newGgufModel({
        config,
        name: "",
        type: "F32",
        tokenizer: tokensOf(config),
        rows: readFrom(new Map()),
      }).notes.map(textOf);
    expect(notesOf(configOf("mistral"))).toEqual([expect.stringMatching(/every layer of mistral .* 100 tokens/)]);
    expect(notesOf(configOf("qwen2"))).toHaveLength(1);
    expect(notesOf(configOf("mistral", { sliding_window: 512 }))).toEqual([]);
    expect(notesOf(configOf("gemma3"))).toEqual([]);
    expect(notesOf(configOf("phi3"))).toEqual([
      expect.stringMatching(/context is set to more than 64 tokens/),
      expect.stringMatching(/every layer of phi3 .* 200 tokens/),
    ]);
  });

  const refused: [architecture: Architecture, changes: Record<string, unknown>, message: RegExp][] = [
    ["llama", { hidden_act: "gelu_pytorch_tanh" }, /llama with silu only/],
    ["gemma2", { query_pre_attn_scalar: 100 }, /scales the scores of gemma2 by 0\.17.*by 0\.1$/],
    ["gemma2", { attn_logit_softcapping: null }, /caps the scores/],
    ["gemma2", { tie_word_embeddings: false }, /no head of its own/],
    ["qwen3", { attention_bias: true }, /no place for the bias of q_proj in qwen3/],
    ["gpt2", { scale_attn_weights: false }, /scales the scores of gpt2/],
    ["qwen2", { head_dim: 32 }, /as shares of its width/],
    ["qwen2", { rope_scaling: { rope_type: "yarn", factor: 2, beta_fast: 16 } }, /YaRN between 32 and 1 turns/],
    [
      "qwen2",
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 } },
      /rope scaling llama3 in qwen2/,
    ],
    ["gemma3", { rope_scaling: { rope_type: "yarn", factor: 2 } }, /rope scaling yarn in gemma3/],
  ];
  it.each(refused)("of %s with %o is refused, saying why", (architecture, changes, message) => {
    const config = configOf(architecture, changes);
    const make = () =>
      newGgufModel({ config, name: "", type: "F32", tokenizer: tokensOf(config), rows: readFrom(new Map()) });
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: "model.config" }));
  });

  it("needs a token for each row", () => {
    const config = configOf("llama");
    const tokenizer = tokensOf({ ...config, vocabSize: 47 });
    const model = { config, name: "", type: "F32" as const, rows: readFrom(new Map()) };
    expect(() => newGgufModel({ ...model, tokenizer })).toThrow(/47 tokens, the model 48/);
    expect(() => newGgufModel({ ...model, tokenizer: new Map() })).toThrow(/0 tokens, the model 48/);
  });

  it.each([
    ["F16", 70_000],
    ["F32", Number.NaN],
    ["Q8_0", Number.POSITIVE_INFINITY],
  ] as const)("in %s with a weight of %d is refused, naming it", async (type, value) => {
    const config = configOf("llama");
    const tensors = newTensors(config);
    tensors.get("model.layers.1.mlp.up_proj.weight")!.values[7] = value;
    const failure = await write(config, tensors, type).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StudioError);
    expect(failure).toMatchObject({ code: "model.tensor" });
    expect(String(failure)).toMatch(new RegExp(`model\\.layers\\.1\\.mlp\\.up_proj\\.weight holds ${value}`));
  });
});
