/** @file PEFT's folder by kind of adapter, and by names of layers: what is written is read again, and what does not fit is named. */

import { describe, expect, test } from "vitest";
import { type Lora, type Method, methodTensors, newMethod } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import { type PeftMethod, parsePeft } from "./peft";
import { config, expectInvalid, lora, newTensors, written } from "./peftCase.fixture";
import { parseSafetensors, writeSafetensors } from "./safetensors";

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
    expect(parsePeft(files(), config)).toEqual({ method, head: null, tensors: given });
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
    expect(parsePeft(files, gpt2)).toEqual({ method: ours, head: null, tensors: named });
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
