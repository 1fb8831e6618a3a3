/** @file A model's folder as Hugging Face lays it out holds what it was given. */

import { expect, test } from "vitest";
import { parseModelConfig } from "../core/model";
import { newHuggingFaceFolder } from "./huggingFace";
import { config, decode, newTensors } from "./peftCase.fixture";
import { parseSafetensors } from "./safetensors";

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
