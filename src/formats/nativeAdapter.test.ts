/** @file The studio's own folder of an adapter: what is written is read again, and what is wrong is named. */

import { describe, expect, test } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import { type ModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { newNativeAdapterFiles, parseNativeAdapter } from "./nativeAdapter";
import { writeSafetensors } from "./safetensors";

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

function newTensors(adaptation: Adaptation) {
  const random = newRandom(1);
  return new Map(
    [...adaptationTensors(config, adaptation)].map(([name, shape]) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
      return [name, { shape, values }] as const;
    }),
  );
}

function written(adaptation: Adaptation) {
  const files = newNativeAdapterFiles({
    config,
    adaptation,
    tensors: newTensors(adaptation),
    baseName: "tiny",
    card: "# card\n",
  });
  expect(files.map(({ path }) => path)).toEqual(["anneal_adapter.json", "adapter_model.safetensors", "README.md"]);
  return {
    anneal_adapter: JSON.parse(new TextDecoder().decode(files[0]?.bytes)) as Record<string, unknown>,
    safetensors: files[1]?.bytes ?? new Uint8Array(),
  };
}

test.each<[string, Adaptation]>([
  ["LoAR and LoRA", [newMethod("loar", { mode: "hard", annotator: { kind: "code" } }), newMethod("lora", { rank: 2 })]],
  ["bottlenecks", [newMethod("bottleneck", { size: 3, stages: 2 })]],
  ["the last block and a prefix", [newMethod("last"), newMethod("prefix", { virtualTokens: 2 })]],
  ["everything", [newMethod("full")]],
  ["biases of a base without", [newMethod("bias")]],
])("what is written is read again: %s", (_, adaptation) => {
  expect(parseNativeAdapter(written(adaptation), config)).toEqual({ adaptation, tensors: newTensors(adaptation) });
});

describe("refused", () => {
  const adaptation: Adaptation = [newMethod("loar"), newMethod("lora", { rank: 2, targetModules: ["q_proj"] })];
  const read =
    (record: unknown, safetensors = written(adaptation).safetensors) =>
    () =>
      parseNativeAdapter({ anneal_adapter: record, safetensors }, config);
  const good = written(adaptation).anneal_adapter;
  const [loar, lora] = good["adaptation"] as [Record<string, unknown>, Record<string, unknown>];

  test.each<[string, unknown, RegExp]>([
    ["a list", [], /not an object/],
    ["null", null, /not an object/],
    ["another version", { ...good, version: 2 }, /version is 2; 1 is known/],
    ["no version", { base: "b", adaptation: [lora] }, /version is nothing/],
    ["no base", { ...good, base: null }, /base is null, not a name/],
    ["an unknown field", { ...good, code: "x" }, /"code" is not known/],
    ["no method", { ...good, adaptation: [] }, /adaptation: /],
    ["a method of no kind", { ...good, adaptation: [{ kind: "x" }] }, /adaptation\.0/],
    ["a method with a field of its own", { ...good, adaptation: [{ ...lora, y: 1 }] }, /adaptation\.0/],
    ["a rank of none", { ...good, adaptation: [loar, { ...lora, rank: 0 }] }, /adaptation\.1\.rank/],
    [
      "a layer that is none",
      { ...good, adaptation: [loar, { ...lora, targetModules: ["w"] }] },
      /adaptation\.1\.target/,
    ],
    ["a kind twice", { ...good, adaptation: [lora, lora] }, /adaptation\.1\.kind: lora is there twice/],
    ["kinds that clash", { ...good, adaptation: [lora, { kind: "full" }] }, /full does not go with lora/],
    [
      "another rank",
      { ...good, adaptation: [loar, { ...lora, rank: 3 }] },
      /is \[2, 8\], the base model asks for \[3, 8\]/,
    ],
    ["a method without its tensors", { ...good, adaptation: [loar, lora, { kind: "last", layers: 1 }] }, /is missing/],
    ["tensors without their method", { ...good, adaptation: [lora] }, /belongs to no module/],
    ["more blocks than there are", { ...good, adaptation: [{ kind: "last", layers: 3 }] }, /has 2 layers, not 3/],
  ])("%s", (_, record, detail) => {
    const message = expect.stringMatching(detail) as string;
    expect(read(record)).toThrow(expect.objectContaining({ code: "adapter.invalid", message }) as Error);
  });

  test("a file of tensors that is none", () => {
    expect(read(good, new Uint8Array(9))).toThrow(expect.objectContaining({ code: "model.tensor" }) as Error);
    expect(read(good, writeSafetensors(new Map()))).toThrow("is missing");
    expect(() => newNativeAdapterFiles({ config, adaptation, tensors: new Map(), baseName: "b", card: "" })).toThrow(
      "is missing",
    );
  });
});
