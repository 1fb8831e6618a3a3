/** @file Adapters that PEFT itself wrote, from the shared data: read, written again byte for byte, refused for another base. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { newMethod } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import { newPeftFiles, type PeftMethod, parsePeft } from "./peft";
import { config, decode, expectInvalid } from "./peftCase.fixture";

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
