/** @file PEFT's folder: what is written is read again, PEFT's own files are read, and what does not fit is named. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Lora, newMethod } from "../core/adaptation";
import { linearNames } from "../core/adapter";
import { type ModelConfig, parseModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { mergeLora, newHuggingFaceFolder } from "./huggingFace";
import { listLoraTensors, newPeftFiles, parsePeft } from "./peft";
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

const tensors = newTensors(listLoraTensors(config, lora));
const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

function written(changes: Partial<Parameters<typeof newPeftFiles>[0]> = {}) {
  const files = newPeftFiles({ config, lora, tensors, baseName: "tiny", card: "# card\n", ...changes });
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
  expect(read.lora).toEqual(lora);
  expect(read.tensors).toEqual(tensors);
  const raw = parseSafetensors(files.safetensors);
  expect(raw.metadata).toEqual({ format: "pt" });
  expect([...raw.tensors.keys()]).toContain("base_model.model.model.layers.1.mlp.down_proj.lora_B.weight");
});

test.each([
  ["use_dora", true, /use_dora is true/],
  ["use_rslora", true, /use_rslora is true/],
  ["fan_in_fan_out", true, /fan_in_fan_out/],
  ["bias", "all", /bias is "all"/],
  ["modules_to_save", ["lm_head"], /modules_to_save/],
  ["rank_pattern", { q_proj: 2 }, /rank_pattern/],
  ["layers_to_transform", 0, /layers_to_transform is 0/],
  ["init_lora_weights", "pissa_niter_4", /changes the base/],
  ["peft_type", "IA3", /peft_type is "IA3"/],
  ["r", 0, /r is 0/],
  ["r", "8", /r is "8"/],
  ["lora_alpha", -1, /lora_alpha/],
  ["lora_dropout", 2, /lora_dropout/],
  ["target_modules", [], /target_modules is empty/],
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
  expect(parsePeft({ ...files, adapter_config }, config).lora).toEqual(lora);
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

test("merging adds (alpha/r)·B·A and leaves the rest alone", () => {
  const shapes = new Map([
    ["model.embed_tokens.weight", [11, 8]],
    ...[...listLoraTensors(config, { rank: 1, targetModules: lora.targetModules })].flatMap(([name, shape]) =>
      name.endsWith("lora_B.weight") ? [[name.replace(".lora_B.weight", ".weight"), shape] as const] : [],
    ),
  ] as [string, number[]][]);
  for (const [name, shape] of shapes) {
    const in_ = listLoraTensors(config, lora).get(name.replace(".weight", ".lora_A.weight"))?.[1];
    if (in_ !== undefined) shapes.set(name, [shape[0] ?? 0, in_]);
  }
  const base = newTensors(shapes, 9);
  const merged = mergeLora(base, config, [lora], tensors);
  expect(merged.get("model.embed_tokens.weight")).toBe(base.get("model.embed_tokens.weight"));
  const path_ = "model.layers.1.mlp.down_proj";
  const [W, A, B] = [
    base.get(`${path_}.weight`)?.values ?? [],
    tensors.get(`${path_}.lora_A.weight`)?.values ?? [],
    tensors.get(`${path_}.lora_B.weight`)?.values ?? [],
  ];
  const [o, i] = [5, 7];
  let delta = 0;
  for (let r = 0; r < 3; r++) delta += (B[o * 3 + r] ?? 0) * (A[r * 12 + i] ?? 0);
  expect(merged.get(`${path_}.weight`)?.values[o * 12 + i]).toBeCloseTo((W[o * 12 + i] ?? 0) + 2 * delta, 5);
  expectInvalid(() => mergeLora(new Map(), config, [lora], tensors), /q_proj: a tensor to merge is missing/);
  expectInvalid(() => mergeLora(base, config, { ...lora, rank: 4 }, tensors), /do not fit/);
});

describe("a base with layers of other names", () => {
  const gpt2: ModelConfig = { ...config, architecture: "gpt2", keyValueHeads: 4, ropeTheta: null, activation: "gelu" };
  const ours: Lora = { ...lora, targetModules: ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"] };
  const named = newTensors(listLoraTensors(gpt2, ours));

  test("GPT-2's are kept the other way round, and say so", () => {
    const files = written({ config: gpt2, lora: ours, tensors: named });
    expect(files.adapter_config["fan_in_fan_out"]).toBe(true);
    expect(parsePeft(files, gpt2)).toEqual({ lora: ours, tensors: named });
    expect([...named.keys()]).toContain("transformer.h.1.mlp.c_proj.lora_A.weight");
    // What PEFT writes of the same adapter: two layers by one name.
    const adapter_config = { ...files.adapter_config, target_modules: ["c_proj", "c_fc", "c_attn"] };
    expect(parsePeft({ ...files, adapter_config }, gpt2).lora).toEqual(ours);
    expectInvalid(() => parsePeft(files, config), /fan_in_fan_out is true, which does not fit this base/);
  });

  test("a layer that a base has not is refused", () => {
    const phi3: ModelConfig = { ...config, architecture: "phi3" };
    const fused: Lora = { ...lora, targetModules: ["qkv_proj", "gate_up_proj"] };
    expect([...listLoraTensors(phi3, fused)].slice(0, 2)).toEqual([
      ["model.layers.0.self_attn.qkv_proj.lora_A.weight", [3, 8]],
      ["model.layers.0.self_attn.qkv_proj.lora_B.weight", [16, 3]],
    ]);
    expectInvalid(() => listLoraTensors(phi3, lora), /q_proj is not a layer of this model: it has qkv_proj, o_proj/);
    const files = written({ config: phi3, lora: fused, tensors: newTensors(listLoraTensors(phi3, fused)) });
    const adapter_config = { ...files.adapter_config, target_modules: ["q_proj"] };
    expectInvalid(() => parsePeft({ ...files, adapter_config }, phi3), /"q_proj" is not one of qkv_proj/);
    expectInvalid(
      () => parsePeft({ ...files, adapter_config: { ...adapter_config, target_modules: [""] } }, phi3),
      /""/,
    );
  });

  test("merging turns the product as the weight is turned", () => {
    const path_ = "transformer.h.1.mlp.c_fc"; // [in, out] = [8, 12]
    const shapes = [...named.keys()]
      .filter((name) => name.endsWith("lora_A.weight"))
      .map((name): [string, number[]] => {
        const A = named.get(name)?.shape ?? [];
        const B = named.get(name.replace("lora_A", "lora_B"))?.shape ?? [];
        return [name.replace(".lora_A", ""), [A[1] ?? 0, B[0] ?? 0]];
      });
    const base = newTensors(new Map(shapes), 4);
    const merged = mergeLora(base, gpt2, ours, named);
    const numbers = (name: string) => named.get(name)?.values ?? new Float32Array(0);
    const [i, o] = [5, 7];
    let delta = 0;
    for (let r = 0; r < 3; r++) {
      delta +=
        (numbers(`${path_}.lora_B.weight`)[o * 3 + r] ?? 0) * (numbers(`${path_}.lora_A.weight`)[r * 8 + i] ?? 0);
    }
    const was = base.get(`${path_}.weight`)?.values[i * 12 + o] ?? 0;
    expect(merged.get(`${path_}.weight`)?.values[i * 12 + o]).toBeCloseTo(was + 2 * delta, 5);
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

withShared("an adapter written by PEFT is read, and written again byte for byte", () => {
  const files = readGolden("qwen_lora");
  const read = parsePeft(files, goldenConfig);
  expect(read.lora).toEqual({ kind: "lora", rank: 8, alpha: 16, dropout: 0, targetModules: ["q_proj", "v_proj"] });
  expect(read.tensors.size).toBe(8);
  const again = newPeftFiles({ config: goldenConfig, lora: read.lora, tensors: read.tensors, baseName: "b", card: "" });
  expect(again.find((file) => file.path === "adapter_model.safetensors")?.bytes).toEqual(files.safetensors);
});

withShared.each([
  ["qwen_rslora_dora", /use_rslora is true, which is not supported/],
  ["qwen_lora_bias_mts", /modules_to_save is .*, which is not supported|bias is/],
  ["qwen_ia3", /peft_type is "IA3"/],
  ["gpt2_prefix", /peft_type is "PREFIX_TUNING"/],
  ["gpt2_prompt", /peft_type is "PROMPT_TUNING"/],
  ["gpt2_lora", /fan_in_fan_out is true/],
])("%s is refused with its reason", (folder, detail) => {
  expectInvalid(() => parsePeft(readGolden(folder), goldenConfig), detail);
});
