/** @file PEFT's folder: what is written is read again, and what does not fit is named. */

import { expect, test } from "vitest";
import { parsePeft } from "./peft";
import { config, expectInvalid, lora, tensors, written } from "./peftCase.fixture";
import { parseSafetensors, writeSafetensors } from "./safetensors";

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
