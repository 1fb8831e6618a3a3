/** @file Configurations of every architecture: what is read, and every field missing, of a wrong type, or absurd. */

import { describe, expect, it, test } from "vitest";
import { fittingTargets, linearNames } from "./adapter";
import { architectureNames, architectures } from "./architectures";
import { StudioError } from "./errors";
import { countParameters, parseModelConfig, toHuggingFaceConfig } from "./model";
import { newRandom } from "./random";
import { ropeFrequencies } from "./rope";

/** As the hub's config.json has them, but for what no one reads. */
const llama = {
  model_type: "llama",
  vocab_size: 128256,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  max_position_embeddings: 131072,
  rope_theta: 500000,
  rope_scaling: {
    factor: 32,
    high_freq_factor: 4,
    low_freq_factor: 1,
    original_max_position_embeddings: 8192,
    rope_type: "llama3",
  },
  rms_norm_eps: 1e-5,
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  bos_token_id: 128000,
  eos_token_id: [128001, 128008, 128009],
};
const qwen2 = {
  ...{ model_type: "qwen2", vocab_size: 151936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
  ...{ num_attention_heads: 14, num_key_value_heads: 2, max_position_embeddings: 32768, rope_theta: 1e6 },
  ...{ rms_norm_eps: 1e-6, hidden_act: "silu", tie_word_embeddings: true, bos_token_id: 151643 },
  ...{ use_sliding_window: false, sliding_window: 32768, max_window_layers: 21, eos_token_id: 151645 },
};
const gemma2 = {
  ...{ model_type: "gemma2", vocab_size: 256000, hidden_size: 2304, intermediate_size: 9216, num_hidden_layers: 26 },
  ...{ num_attention_heads: 8, num_key_value_heads: 4, head_dim: 256, max_position_embeddings: 8192 },
  ...{ rms_norm_eps: 1e-6, hidden_act: "gelu_pytorch_tanh", hidden_activation: "gelu_pytorch_tanh" },
  ...{ rope_theta: 10000, sliding_window: 4096, query_pre_attn_scalar: 256, attn_logit_softcapping: 50 },
  ...{ final_logit_softcapping: 30, attention_bias: false, bos_token_id: 2, eos_token_id: 1 },
};
const gemma3 = {
  ...{ model_type: "gemma3_text", vocab_size: 262144, hidden_size: 1152, intermediate_size: 6912 },
  ...{ num_hidden_layers: 26, num_attention_heads: 4, num_key_value_heads: 1, head_dim: 256 },
  ...{ max_position_embeddings: 32768, rms_norm_eps: 1e-6, hidden_activation: "gelu_pytorch_tanh" },
  ...{ rope_theta: 1e6, rope_local_base_freq: 10000, rope_scaling: null, sliding_window: 512 },
  ...{ sliding_window_pattern: 6, query_pre_attn_scalar: 256, bos_token_id: 2, eos_token_id: [1, 106] },
};
const factors = Array.from({ length: 48 }, (_, i) => 1 + i / 10);
const phi3 = {
  ...{ model_type: "phi3", vocab_size: 32064, hidden_size: 3072, intermediate_size: 8192, num_hidden_layers: 32 },
  ...{ num_attention_heads: 32, num_key_value_heads: 32, max_position_embeddings: 131072, rms_norm_eps: 1e-5 },
  ...{ original_max_position_embeddings: 4096, rope_theta: 10000, sliding_window: 262144, hidden_act: "silu" },
  rope_scaling: { type: "longrope", short_factor: factors, long_factor: factors },
};
const gpt2 = {
  ...{ model_type: "gpt2", vocab_size: 50257, n_ctx: 1024, n_embd: 768, n_head: 12, n_layer: 12, n_positions: 1024 },
  ...{ activation_function: "gelu_new", layer_norm_epsilon: 1e-5, bos_token_id: 50256, eos_token_id: 50256 },
};
const mistral = { ...llama, model_type: "mistral", rope_scaling: undefined, sliding_window: 4096 };
const qwen3 = { ...qwen2, model_type: "qwen3", head_dim: 128, attention_bias: false };
const all = { llama, qwen2, qwen3, mistral, gemma2, gemma3, phi3, gpt2 };

const refused = (config: unknown, detail: string) =>
  expect(() => parseModelConfig(config)).toThrow(
    expect.objectContaining({ code: "model.config", message: expect.stringContaining(detail) as string }) as Error,
  );

describe("what is read", () => {
  test.each(architectureNames)("%s is written as it was read", (name) => {
    const config = parseModelConfig(all[name]);
    expect(config.architecture).toBe(name);
    expect(parseModelConfig(toHuggingFaceConfig(config, "float16"))).toEqual(config);
  });

  it("counts the parameters that the models' cards tell", () => {
    expect(countParameters(parseModelConfig(llama))).toBe(1_235_814_400);
    expect(countParameters(parseModelConfig(qwen2))).toBe(494_032_768);
    expect(countParameters(parseModelConfig(gemma2))).toBe(2_614_341_888);
    expect(countParameters(parseModelConfig(gemma3))).toBe(999_885_952);
    expect(countParameters(parseModelConfig(phi3))).toBe(3_821_079_552);
    expect(countParameters(parseModelConfig(gpt2))).toBe(124_439_808);
  });

  it("knows Gemma's windows, scales and caps", () => {
    const two = parseModelConfig(gemma2);
    expect(two.windows.slice(0, 4)).toEqual([4096, null, 4096, null]);
    expect(two).toMatchObject({ attentionSoftcap: 50, finalSoftcap: 30, attentionScale: 1 / 16, embeddingScale: 48 });
    expect(two.tieWordEmbeddings).toBe(true);
    const three = parseModelConfig(gemma3);
    expect(three.windows.slice(0, 7)).toEqual([512, 512, 512, 512, 512, null, 512]);
    expect(three).toMatchObject({ ropeTheta: 1e6, localRopeTheta: 10000, attentionSoftcap: null, hasHeadNorms: true });
    const nested = {
      full_attention: { rope_type: "linear", factor: 8, rope_theta: 1e6 },
      sliding_attention: { rope_type: "default", rope_theta: 10000 },
    };
    expect(parseModelConfig({ ...gemma3, rope_parameters: nested })).toEqual({
      ...three,
      ropeScaling: { kind: "linear", factor: 8 },
    });
  });

  it("takes transformers 5's rope_parameters for 4's rope_theta and rope_scaling", () => {
    const { rope_theta, rope_scaling, ...rest } = llama;
    expect(parseModelConfig({ ...rest, rope_parameters: { rope_theta, ...rope_scaling } })).toEqual(
      parseModelConfig(llama),
    );
  });

  it("takes GPT-2's inner width from its width, and counts windows from max_window_layers on", () => {
    expect(parseModelConfig({ ...gpt2, n_inner: null }).intermediateSize).toBe(3072);
    expect(parseModelConfig({ ...gpt2, scale_attn_weights: false }).attentionScale).toBe(1);
    const windows = { ...qwen2, use_sliding_window: true };
    expect(parseModelConfig(windows).windows.slice(20)).toEqual([null, 32768, 32768, 32768]);
    expect(parseModelConfig({ ...mistral, sliding_window: null }).windows).toEqual([]);
    expect(new Set(parseModelConfig({ ...windows, sliding_window: null }).windows)).toEqual(new Set([null]));
  });

  it("stretches low frequencies alone as Llama 3.1 does", () => {
    const { ropeTheta, ropeScaling } = parseModelConfig(llama);
    const plain = ropeFrequencies(64, { theta: ropeTheta ?? 0, scaling: null });
    const scaled = ropeFrequencies(64, { theta: ropeTheta ?? 0, scaling: ropeScaling });
    expect(scaled[0]).toBe(plain[0]);
    expect(scaled[31]).toBeCloseTo((plain[31] ?? 0) / 32, 12);
  });
});

describe("what is refused", () => {
  it.each([null, 3, "llama", [], undefined])("%j as a whole", (value) => refused(value, "is not an object"));

  it("names an unknown model_type, and says what is known of it", () => {
    refused(
      { model_type: "bert", num_hidden_layers: 12, hidden_size: 768, vocab_size: 30522 },
      'model_type is "bert" (layers 12, hidden size 768, vocabulary 30522); supported are llama, qwen2',
    );
    refused({}, "model_type is missing (layers missing, hidden size missing");
    refused({ ...llama, model_type: "constructor" }, 'model_type is "constructor"');
    refused({ ...llama, model_type: ["llama"] }, 'model_type is ["llama"]');
  });

  const needed = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"];
  describe.each(architectureNames)("in %s", (name) => {
    const { fieldNames } = architectures[name];
    const wholes = [
      ...needed,
      "max_position_embeddings",
      ...(name === "gpt2" ? [] : ["num_key_value_heads", "head_dim"]),
    ];
    const own = (field: string) => fieldNames?.[field] ?? field;
    const without = (field: string) => ({ ...all[name], [field]: undefined });

    it.each(needed.filter((field) => name !== "gpt2" || field !== "intermediate_size").map(own))("no %s", (field) =>
      refused(without(field), `${field} is missing`),
    );
    it.each(wholes.map(own))("%s of a wrong type or size", (field) => {
      for (const value of ["8", 0, -4, 2.5, Number.NaN, Number.POSITIVE_INFINITY, {}, [8], true]) {
        refused({ ...all[name], [field]: value }, `${field} is not a positive whole number`);
      }
      refused({ ...all[name], [field]: 2 ** 40 }, `${field} is ${2 ** 40}; at most`);
    });
    it.each([own("rms_norm_eps")])("%s of a wrong type or size", (field) => {
      for (const value of ["1e-5", 0, -1, Number.NaN, Number.POSITIVE_INFINITY, []]) {
        refused({ ...all[name], [field]: value }, `${field} is not a positive number`);
      }
    });
    it("an activation that is not known", () => {
      const field = name.startsWith("gemma") ? "hidden_activation" : own("hidden_act");
      for (const value of ["relu", "toString", 3, {}]) refused({ ...all[name], [field]: value }, `${field} is `);
    });
    it("tokens that are no numbers, and flags that are no flags", () => {
      for (const value of ["2", -1, 1.5, [1, null], {}]) refused({ ...all[name], eos_token_id: value }, "eos_token_id");
      refused({ ...all[name], bos_token_id: "x" }, "bos_token_id is not a token's number");
      refused({ ...all[name], tie_word_embeddings: 1 }, "tie_word_embeddings is not true or false");
    });
  });

  it.each([
    [llama, { num_key_value_heads: 5 }, "num_key_value_heads does not divide num_attention_heads"],
    [llama, { head_dim: 7 }, "head_dim is odd"],
    [llama, { head_dim: undefined, hidden_size: 2047 }, "num_attention_heads does not divide hidden_size"],
    [gpt2, { n_embd: 770 }, "n_head does not divide n_embd"],
    [llama, { rope_theta: "x" }, "rope_theta is not a positive number"],
    [llama, { rope_scaling: "llama3" }, "the rope parameters are not an object"],
    [llama, { rope_scaling: { rope_type: "dynamic", factor: 2 } }, 'rope_type "dynamic" is not supported'],
    [llama, { rope_scaling: { type: "yarn", factor: 4, truncate: false } }, "truncate is false"],
    [llama, { rope_scaling: { type: "yarn", factor: 4, beta_fast: "32" } }, "beta_fast is not a positive number"],
    [llama, { rope_scaling: { rope_type: "linear" } }, "factor is missing"],
    [llama, { rope_scaling: { rope_type: "linear", factor: -2 } }, "factor is not a positive number"],
    [llama, { rope_scaling: { rope_type: "llama3", factor: 8 } }, "low_freq_factor is missing"],
    [llama, { rope_scaling: { ...llama.rope_scaling, high_freq_factor: 1 } }, "high_freq_factor is not above"],
    [llama, { partial_rotary_factor: 0.5 }, "partial_rotary_factor is 0.5; only 1 is supported"],
    [llama, { attention_bias: "yes" }, "attention_bias is not true or false"],
    [phi3, { rope_scaling: { type: "longrope", short_factor: factors } }, "long_factor is not a list of 48"],
    [phi3, { rope_scaling: { type: "su", short_factor: [1], long_factor: factors } }, "short_factor is not a list"],
    [phi3, { rope_scaling: { type: "longrope", short_factor: factors, long_factor: factors.map(() => 0) } }, "long_f"],
    [qwen2, { use_sliding_window: true, layer_types: ["full_attention"] }, "layer_types does not name 24 layers"],
    [qwen2, { use_sliding_window: true, max_window_layers: "all" }, "max_window_layers"],
    [gemma2, { layer_types: Array(26).fill("chunked_attention") }, "layer_types names a kind"],
    [gemma2, { sliding_window: 0 }, "sliding_window is not a positive whole number"],
    [gemma2, { query_pre_attn_scalar: 0 }, "query_pre_attn_scalar is not a positive number"],
    [gemma2, { attn_logit_softcapping: -1 }, "attn_logit_softcapping is not a positive number"],
    [gemma2, { final_logit_softcapping: "30" }, "final_logit_softcapping is not a positive number"],
    [gemma3, { use_bidirectional_attention: true }, "use_bidirectional_attention is not supported"],
    [gemma3, { rope_parameters: { sliding_attention: { rope_type: "linear", factor: 2 } } }, "the windowed layers"],
    [gemma3, { rope_parameters: "x" }, "the rope parameters are not an object"],
    [gpt2, { scale_attn_by_inverse_layer_idx: true }, "scale_attn_by_inverse_layer_idx is not supported"],
    [gpt2, { activation_function: "silu" }, 'activation_function is "silu"'],
  ])("%#: what does not fit together", (config, change, detail) => refused({ ...config, ...change }, detail));
});

describe("an adaptation's layers", () => {
  test.each([
    ["llama", [...linearNames], [...linearNames]],
    ["phi3", [...linearNames], ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]],
    ["gpt2", ["q_proj", "down_proj"], ["c_attn", "mlp.c_proj"]],
    ["llama", ["c_attn"], ["q_proj", "k_proj", "v_proj"]],
    ["qwen2", ["v_proj", "q_proj"], ["q_proj", "v_proj"]],
    ["phi3", ["o_proj"], ["o_proj"]],
  ] as const)("of %s are named as its own: %j", (architecture, names, fitting) => {
    expect(fittingTargets({ architecture }, names)).toEqual(fitting);
  });
});

test("20,000 mutants of configurations are read or refused by a typed error, and what is read can be computed", () => {
  const random = newRandom(5);
  const values: unknown[] = [
    ...[null, undefined, true, false, 0, -1, 1, 2, 3, 7, 0.5, 1e9, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY],
    ...[
      "",
      "silu",
      "llama3",
      [],
      [1],
      ["full_attention"],
      {},
      { rope_type: "linear", factor: 2 },
      { rope_type: "yarn" },
      { rope_type: "yarn", mscale: 1 },
    ],
    ...[
      { full_attention: { rope_theta: 0 } },
      { full_attention: 3 },
      { sliding_attention: null },
      { type: "longrope" },
    ],
  ];
  const keys = [...new Set([...Object.values(all).flatMap(Object.keys), "layer_types", "rope_parameters", "n_inner"])];
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const mutant: Record<string, unknown> = { ...all[architectureNames[i % architectureNames.length] ?? "llama"] };
    for (let n = random.below(3); n >= 0; n--) {
      const [key, other] = [keys[random.below(keys.length)] ?? "", keys[random.below(keys.length)] ?? ""];
      mutant[key] = random.below(4) === 0 ? mutant[other] : values[random.below(values.length)];
    }
    try {
      const config = parseModelConfig(mutant);
      read++;
      const again = parseModelConfig(toHuggingFaceConfig(config, "float32"));
      if (JSON.stringify(again) !== JSON.stringify(config)) throw new RangeError("It is not read as it was written");
      if (!Number.isSafeInteger(countParameters(config))) throw new RangeError("Its parameters cannot be counted");
    } catch (error) {
      expect(error, JSON.stringify(mutant)).toBeInstanceOf(StudioError);
    }
  }
  expect(read).toBeGreaterThan(4000);
});
