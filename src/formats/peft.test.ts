/** @file PEFT's folder: what is written is read again, PEFT's own files are read, and what does not fit is named. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Lora, type Method, methodTensors, newMethod } from "../core/adaptation";
import { type ModelConfig, parseModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { newHuggingFaceFolder } from "./huggingFace";
import { newPeftFiles, type PeftMethod, parsePeft } from "./peft";
import { parseSafetensors, writeSafetensors } from "./safetensors";

const config: ModelConfig = {
  ...plainDecoder,
  vocabSize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 2,
  maxPositions: 32,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [1],
};
const lora: Lora = newMethod("lora", { rank: 3, alpha: 6, dropout: 0.1 });

function newTensors(shapes: Map<string, number[]>, seed = 1) {
  const random = newRandom(seed);
  return new Map(
    [...shapes].map(([name, shape]) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
      return [name, { shape, values }] as const;
    }),
  );
}

const tensors = newTensors(methodTensors(config, lora));
const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

function written(changes: Partial<Parameters<typeof newPeftFiles>[0]> = {}) {
  const files = newPeftFiles({ config, method: lora, tensors, baseName: "tiny", card: "# card\n", ...changes });
  const byPath = new Map(files.map((file) => [file.path, file.bytes]));
  return {
    paths: [...byPath.keys()],
    adapter_config: JSON.parse(decode(byPath.get("adapter_config.json"))) as Record<string, unknown>,
    safetensors: byPath.get("adapter_model.safetensors") ?? new Uint8Array(0),
    card: decode(byPath.get("README.md")),
  };
}

function expectInvalid(act: () => unknown, detail: RegExp): void {
  expect(act).toThrow(
    expect.objectContaining({ code: "adapter.invalid", message: expect.stringMatching(detail) as string }) as Error,
  );
}

test("what is written is read again", () => {
  const files = written();
  expect(files.paths).toEqual(["adapter_config.json", "adapter_model.safetensors", "README.md"]);
  expect(files.card).toBe("# card\n");
  const read = parsePeft(files, config);
  expect(read.method).toEqual(lora);
  expect(read.tensors).toEqual(tensors);
  const raw = parseSafetensors(files.safetensors);
  expect(raw.metadata).toEqual({ format: "pt" });
  expect([...raw.tensors.keys()]).toContain("base_model.model.model.layers.1.mlp.down_proj.lora_B.weight");
});

test.each([
  ["use_dora", "yes", /use_dora is "yes"/],
  ["use_dora", true, /lora_magnitude_vector is missing/],
  ["fan_in_fan_out", true, /fan_in_fan_out/],
  ["bias", "all", /bias is "all"/],
  ["modules_to_save", ["lm_head"], /modules_to_save/],
  ["rank_pattern", { q_proj: 2 }, /q_proj.lora_A.weight is \[3, 8\], the base model asks for \[2, 8\]/],
  ["rank_pattern", { q_proj: "2" }, /rank_pattern: "q_proj" is "2"/],
  ["rank_pattern", { q_proj: 0 }, /rank_pattern: "q_proj" is 0/],
  ["rank_pattern", [1], /rank_pattern is \[1\], not an object/],
  ["rank_pattern", { "layers.[01].*q_proj": 2 }, /is a regular expression/],
  [
    "rank_pattern",
    { "model.layers.1.self_attn.q_proj": 2 },
    /layers.0.self_attn.q_proj 3 and model.layers.1.self_attn/,
  ],
  ["alpha_pattern", { "^model.layers.0.mlp.up_proj": 2 }, /alpha_pattern gives model.layers.0.mlp.up_proj 2 and/],
  ["alpha_pattern", { up_proj: -2 }, /alpha_pattern: "up_proj" is -2/],
  ["layers_to_transform", 0, /layers_to_transform is 0/],
  ["init_lora_weights", "pissa_niter_4", /changes the base/],
  ["peft_type", "LOHA", /peft_type is "LOHA"; supported are "LORA", "IA3"/],
  ["r", 0, /r is 0/],
  ["r", "8", /r is "8"/],
  ["lora_alpha", -1, /lora_alpha/],
  ["lora_dropout", 2, /lora_dropout/],
  ["target_modules", [], /target_modules is empty/],
  ["target_modules", ["model.layers.0.self_attn.q_proj"], /target_modules leaves out model.layers.1.self_attn.q_proj/],
  ["target_modules", ["c_attn"], /"c_attn" is not one of/],
  ["target_modules", ".*proj", /".\*proj" is not one of/],
  ["target_modules", null, /null is not one of/],
  ["target_modules", ["q_proj"], /belongs to no module/],
  ["r", 4, /is \[3, 8\], the base model asks for \[4, 8\]/],
])("%s = %j is refused", (key, value, detail) => {
  const files = written();
  expectInvalid(
    () => parsePeft({ ...files, adapter_config: { ...files.adapter_config, [key]: value } }, config),
    detail,
  );
});

test("settings at rest, unknown settings and all-linear pass", () => {
  const files = written();
  const adapter_config = {
    ...files.adapter_config,
    target_modules: "all-linear",
    rank_pattern: {},
    modules_to_save: [],
    use_qalora: false,
    something_new: 1,
  };
  expect(parsePeft({ ...files, adapter_config }, config).method).toEqual(lora);
});

test("a missing, an extra and a misshapen tensor are named", () => {
  const { adapter_config, safetensors } = written();
  const all = parseSafetensors(safetensors).tensors;
  const name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
  const change = (edit: (map: Map<string, { shape: number[]; values: Float32Array }>) => void) => {
    const map = new Map([...all].map(([key, { shape, values }]) => [key, { shape, values }] as const));
    edit(map);
    return { adapter_config, safetensors: writeSafetensors(map) };
  };
  const extra = { shape: [1], values: new Float32Array(1) };
  expectInvalid(
    () =>
      parsePeft(
        change((map) => map.delete(name)),
        config,
      ),
    /layers.0.self_attn.q_proj.lora_A.weight is missing/,
  );
  expectInvalid(
    () =>
      parsePeft(
        change((map) => map.set("base_model.model.x", extra)),
        config,
      ),
    /tensor x belongs/,
  );
  expectInvalid(
    () =>
      parsePeft(
        change((map) => map.set("x", extra)),
        config,
      ),
    /x does not begin with/,
  );
  expectInvalid(
    () =>
      parsePeft(
        change((map) => map.set(name, extra)),
        config,
      ),
    /is \[1\], the base/,
  );
  expectInvalid(() => parsePeft({ adapter_config: [], safetensors }, config), /not an object/);
  expectInvalid(() => written({ tensors: new Map() }), /is missing/);
  expect(() => parsePeft({ adapter_config, safetensors: safetensors.subarray(9) }, config)).toThrow(
    expect.objectContaining({ code: "model.tensor" }) as Error,
  );
});

describe.each<[string, PeftMethod]>([
  [
    "LoRA with everything set",
    newMethod("lora", {
      rank: 3,
      alpha: 6,
      rslora: true,
      dora: true,
      rankPattern: { q_proj: 2, down_proj: 5 },
      alphaPattern: { q_proj: 1.5 },
    }),
  ],
  ["IA3", newMethod("ia3")],
  ["prefix tuning", newMethod("prefix", { virtualTokens: 3 })],
  ["prompt tuning", newMethod("prompt", { virtualTokens: 3 })],
])("%s", (_, method) => {
  const files = () => written({ method, tensors: newTensors(methodTensors(config, method)) });

  test("what is written is read again", () => {
    const given = newTensors(methodTensors(config, method));
    expect(parsePeft(files(), config)).toEqual({ method, tensors: given });
  });

  test("a tensor too few, too many, or of another shape is named", () => {
    const { adapter_config, safetensors } = files();
    type Named = [string, { shape: number[]; values: Float32Array }];
    const all: Named[] = [...parseSafetensors(safetensors).tensors];
    const [[name, { values }] = ["", { values: new Float32Array() }]] = all;
    const read = (tensors: Map<string, { shape: number[]; values: Float32Array }>) => () =>
      parsePeft({ adapter_config, safetensors: writeSafetensors(tensors) }, config);
    expectInvalid(read(new Map(all.slice(1))), /is missing/);
    expectInvalid(
      read(new Map([...all, ["base_model.model.x", { shape: [1], values: new Float32Array(1) }]])),
      /x belongs/,
    );
    expectInvalid(
      read(new Map([...all.slice(1), [name, { shape: [values.length], values }]])),
      /the base model asks for/,
    );
  });
});

test.each<[Method["kind"], string, unknown, RegExp]>([
  ["ia3", "feedforward_modules", null, /feedforward_modules is missing/],
  ["ia3", "feedforward_modules", ["x"], /feedforward_modules: "x" is not one of/],
  ["ia3", "feedforward_modules", [], /down_proj.ia3_l is \[1, 12\], the base model asks for \[8, 1\]/],
  ["ia3", "exclude_modules", ["x"], /exclude_modules is/],
  ["ia3", "modules_to_save", ["lm_head"], /modules_to_save is/],
  ["prefix", "num_virtual_tokens", 0, /num_virtual_tokens is 0/],
  ["prefix", "num_virtual_tokens", "3", /num_virtual_tokens is "3"/],
  ["prefix", "num_virtual_tokens", 4, /is \[16, 16\], the base model asks for \[4, 16\]/],
  ["prefix", "num_layers", 3, /num_layers is 3, the base model asks for 2/],
  ["prefix", "num_attention_heads", 4, /num_attention_heads is 4, the base model asks for 2/],
  ["prefix", "token_dim", 8, /token_dim is 8, the base model asks for 4/],
  ["prefix", "num_transformer_submodules", 2, /num_transformer_submodules is 2/],
  ["prompt", "token_dim", 4, /token_dim is 4, the base model asks for 8/],
] as const)("%s with %s = %j is refused", (kind, key, value, detail) => {
  const method = newMethod(kind) as PeftMethod;
  const files = written({ method, tensors: newTensors(methodTensors(config, method)) });
  expectInvalid(
    () => parsePeft({ ...files, adapter_config: { ...files.adapter_config, [key]: value } }, config),
    detail,
  );
});

test("patterns by a path's last parts, by whole paths that agree, and by the first key that fits", () => {
  const method = newMethod("lora", { rank: 3, rankPattern: { q_proj: 2, o_proj: 2 }, alphaPattern: { up_proj: 1 } });
  const files = written({ method, tensors: newTensors(methodTensors(config, method)) });
  const adapter_config = {
    ...files.adapter_config,
    rank_pattern: {
      "self_attn.o_proj": 2,
      o_proj: 7,
      "model.layers.0.self_attn.q_proj": 2,
      "^model.layers.1.self_attn.q_proj": 2,
      lm_head: 9,
    },
    alpha_pattern: { "mlp.up_proj": 1, up_proj: 5, proj: 3 },
  };
  expect(parsePeft({ ...files, adapter_config }, config).method).toEqual(method);
});

describe("a base with layers of other names", () => {
  const gpt2: ModelConfig = { ...config, architecture: "gpt2", keyValueHeads: 4, ropeTheta: null, activation: "gelu" };
  const ours: Lora = { ...lora, targetModules: ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"] };
  const named = newTensors(methodTensors(gpt2, ours));

  test("GPT-2's are kept the other way round, and say so", () => {
    const files = written({ config: gpt2, method: ours, tensors: named });
    expect(files.adapter_config["fan_in_fan_out"]).toBe(true);
    expect(parsePeft(files, gpt2)).toEqual({ method: ours, tensors: named });
    expect([...named.keys()]).toContain("transformer.h.1.mlp.c_proj.lora_A.weight");
    // What PEFT writes of the same adapter: two layers by one name.
    const adapter_config = { ...files.adapter_config, target_modules: ["c_proj", "c_fc", "c_attn"] };
    expect(parsePeft({ ...files, adapter_config }, gpt2).method).toEqual(ours);
    expectInvalid(() => parsePeft(files, config), /fan_in_fan_out is true, which does not fit this base/);
  });

  test("a layer that a base has not is refused", () => {
    const phi3: ModelConfig = { ...config, architecture: "phi3" };
    const fused: Lora = { ...lora, targetModules: ["qkv_proj", "gate_up_proj"] };
    expect([...methodTensors(phi3, fused)].slice(0, 2)).toEqual([
      ["model.layers.0.self_attn.qkv_proj.lora_A.weight", [3, 8]],
      ["model.layers.0.self_attn.qkv_proj.lora_B.weight", [16, 3]],
    ]);
    expectInvalid(() => methodTensors(phi3, lora), /q_proj is not a layer of this model: it has qkv_proj, o_proj/);
    const files = written({ config: phi3, method: fused, tensors: newTensors(methodTensors(phi3, fused)) });
    const adapter_config = { ...files.adapter_config, target_modules: ["q_proj"] };
    expectInvalid(() => parsePeft({ ...files, adapter_config }, phi3), /"q_proj" is not one of qkv_proj/);
    expectInvalid(
      () => parsePeft({ ...files, adapter_config: { ...adapter_config, target_modules: [""] } }, phi3),
      /""/,
    );
  });
});

test("a Hugging Face folder holds what it was given, the tied head apart", () => {
  const base = newTensors(
    new Map([
      ["model.embed_tokens.weight", [11, 8]],
      ["lm_head.weight", [11, 8]],
    ]),
  );
  const files = newHuggingFaceFolder({
    config,
    tensors: base,
    tokenizerJson: { a: 1 },
    tokenizerConfig: { b: 2 },
    dtype: "float16",
  });
  const byPath = new Map(files.map((file) => [file.path, file.bytes]));
  expect(parseModelConfig(JSON.parse(decode(byPath.get("config.json"))))).toEqual(config);
  const read = parseSafetensors(byPath.get("model.safetensors") ?? new Uint8Array(0)).tensors;
  expect([...read.keys()]).toEqual(["model.embed_tokens.weight"]);
  expect(read.get("model.embed_tokens.weight")?.dtype).toBe("F16");
  expect(JSON.parse(decode(byPath.get("generation_config.json")))).toEqual({ bos_token_id: null, eos_token_id: 1 });
  expect(JSON.parse(decode(byPath.get("tokenizer.json")))).toEqual({ a: 1 });
});

const golden = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "golden/peft-0.21.0");
const withShared = test.skipIf(!existsSync(golden) && !process.env["CI"]);
const readGolden = (folder: string) => ({
  adapter_config: JSON.parse(readFileSync(path.join(golden, folder, "adapter_config.json"), "utf8")) as unknown,
  safetensors: new Uint8Array(readFileSync(path.join(golden, folder, "adapter_model.safetensors"))),
});
/** The base of the golden adapters: two layers, hidden 32, four heads of 8, two key-value heads. */
const goldenConfig: ModelConfig = { ...config, hiddenSize: 32, headDim: 8 };

withShared("adapters written by PEFT are read, and written again byte for byte", () => {
  const gpt2: ModelConfig = { ...goldenConfig, architecture: "gpt2", keyValueHeads: 4, intermediateSize: 128 };
  const wide = { ...goldenConfig, intermediateSize: 64 };
  const expected: Record<string, [ModelConfig, PeftMethod]> = {
    qwen_lora: [
      goldenConfig,
      newMethod("lora", { rank: 8, alpha: 16, dropout: 0, targetModules: ["q_proj", "v_proj"] }),
    ],
    qwen_rslora_dora: [
      goldenConfig,
      newMethod("lora", { rank: 8, alpha: 16, targetModules: ["q_proj"], rslora: true, dora: true }),
    ],
    qwen_ia3: [
      wide,
      newMethod("ia3", { targetModules: ["q_proj", "v_proj", "down_proj"], feedForwardModules: ["down_proj"] }),
    ],
    gpt2_lora: [
      gpt2,
      newMethod("lora", {
        rank: 8,
        alpha: 16,
        dropout: 0.05,
        targetModules: ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"],
      }),
    ],
    gpt2_ia3: [gpt2, newMethod("ia3", { targetModules: ["c_attn", "mlp.c_proj"], feedForwardModules: ["mlp.c_proj"] })],
    gpt2_prefix: [gpt2, newMethod("prefix", { virtualTokens: 5 })],
    gpt2_prompt: [gpt2, newMethod("prompt", { virtualTokens: 5 })],
  };
  for (const [folder, [base, method]] of Object.entries(expected)) {
    const files = readGolden(folder);
    const read = parsePeft(files, base);
    expect(read.method, folder).toEqual(method);
    const again = newPeftFiles({ config: base, method: read.method, tensors: read.tensors, baseName: "b", card: "" });
    expect(again.find((file) => file.path === "adapter_model.safetensors")?.bytes, folder).toEqual(files.safetensors);
    // Every setting that both write is the same.
    const theirs = files.adapter_config as Record<string, unknown>;
    const ours = JSON.parse(decode(again[0]?.bytes)) as Record<string, unknown>;
    const split = new Set(["base_model_name_or_path", "target_modules", "encoder_hidden_size"]);
    for (const key of Object.keys(ours))
      if (!split.has(key)) expect(ours[key], `${folder} ${key}`).toEqual(theirs[key]);
  }
});

withShared.each([
  ["qwen_lora_bias_mts", /modules_to_save is .*, which is not supported|bias is/],
  ["gpt2_lora", /fan_in_fan_out is true/],
  ["gpt2_ia3", /fan_in_fan_out is true/],
  ["gpt2_prefix", /token_dim is 32, the base model asks for 16/],
])("%s is refused for another base, with its reason", (folder, detail) => {
  expectInvalid(() => parsePeft(readGolden(folder), goldenConfig), detail);
});
