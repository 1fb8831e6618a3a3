/** @file Methods of adaptation: what goes together, what their settings must be, and how much each trains. */

import { describe, expect, test } from "vitest";
import {
  type Adaptation,
  adaptationSchema,
  canJoin,
  countTrained,
  loraScale,
  type MethodKind,
  methodKinds,
  newMethod,
  wrongAdaptation,
} from "./adaptation";
import { linearNames } from "./adapter";
import { countParameters, type ModelConfig, plainDecoder } from "./model";

const config: ModelConfig = {
  ...plainDecoder,
  vocabSize: 100,
  hiddenSize: 16,
  intermediateSize: 40,
  layers: 3,
  heads: 4,
  keyValueHeads: 2,
  headDim: 4,
  maxPositions: 32,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [1],
};

test("every kind's defaults are valid, alone and through JSON", () => {
  for (const kind of methodKinds) {
    const adaptation = [newMethod(kind)];
    expect(adaptationSchema.parse(JSON.parse(JSON.stringify(adaptation)))).toEqual(adaptation);
    expect(wrongAdaptation(adaptation)).toBeNull();
  }
});

test("settings that an older recipe does not say are filled in", () => {
  const written = [{ kind: "lora", rank: 4, alpha: 8, dropout: 0, targetModules: ["q_proj"] }];
  expect(adaptationSchema.parse(written)).toEqual([
    newMethod("lora", { rank: 4, alpha: 8, targetModules: ["q_proj"] }),
  ]);
});

test.each<[MethodKind, MethodKind, boolean]>([
  ["lora", "loar", true],
  ["lora", "ia3", true],
  ["full", "loar", true],
  ["full", "lora", false],
  ["lora", "full", false],
  ["last", "bias", false],
  ["prefix", "prompt", false],
  ["prefix", "lora", true],
  ["lora", "lora", false],
])("%s and %s: %s", (first, second, fits) => {
  expect(canJoin([newMethod(first)], second)).toBe(fits);
  expect(wrongAdaptation([newMethod(first), newMethod(second)]) === null).toBe(fits);
});

describe("what is wrong is named", () => {
  const lora = newMethod("lora");
  test.each<[Adaptation, string]>([
    [[{ ...lora, targetModules: ["q_proj", "q_proj"] }], "0.targetModules"],
    [[newMethod("loar"), newMethod("loar")], "1.kind"],
    [[newMethod("ia3", { feedForwardModules: ["up_proj"] })], "0.feedForwardModules"],
    [[newMethod("last"), { ...lora, dora: true }], "1.dora"],
  ])("%j", (adaptation, field) => {
    expect(wrongAdaptation(adaptation)?.field).toBe(field);
  });

  test("what does not fit the model is told with the model", () => {
    expect(() => countTrained(config, [{ ...lora, targetModules: ["c_attn"] }])).toThrow("c_attn is not a layer");
    expect(() => countTrained(config, [newMethod("last", { layers: 4 })])).toThrow("The model has 3 layers, not 4");
    const shared = newMethod("ia3", { targetModules: ["gate_proj"], feedForwardModules: ["gate_proj"] });
    expect(() => countTrained(config, [shared])).toThrow("gate_proj shares its input");
    expect(() => countTrained({ ...config, architecture: "gemma2" }, [newMethod("bias")])).toThrow(
      "no biases to train",
    );
  });
});

test("how much each trains", () => {
  const [C, F, H, K, D, L] = [16, 40, 4, 2, 4, 3];
  const linears = [C + H * D, C + K * D, C + K * D, H * D + C, C + F, C + F, F + C];
  const sum = linears.reduce((a, b) => a + b, 0);
  const count = (...adaptation: Adaptation) => countTrained(config, adaptation);
  expect(count(newMethod("lora", { rank: 2 }))).toBe(2 * L * sum);
  expect(count(newMethod("lora", { rank: 2, rankPattern: { q_proj: 5 } }))).toBe(L * (2 * sum + 3 * (C + H * D)));
  expect(count(newMethod("full"))).toBe(countParameters(config));
  expect(count(newMethod("loar"))).toBe(L * (H * C + 2 * H));
  expect(count(newMethod("loar", { mode: "gate" }))).toBe(L * (H * C + H));
  expect(count(newMethod("prefix", { virtualTokens: 5 }))).toBe(5 * L * 2 * K * D);
  expect(count(newMethod("prompt", { virtualTokens: 5 }))).toBe(5 * C);
  expect(count(newMethod("bottleneck", { size: 3 }))).toBe(L * 2 * (2 * 3 * C + 3 + C));
  expect(count(newMethod("ia3"))).toBe(L * (2 * K * D + F));
  expect(count(newMethod("bias"))).toBe(L * (H * D + 2 * K * D + C + 2 * F + C));
  expect(count(newMethod("loar"), newMethod("lora", { rank: 2 }))).toBe(L * (H * C + 2 * H) + 2 * L * sum);
});

test("scales by PEFT's rules", () => {
  const lora = newMethod("lora", { rank: 4, alpha: 8, rankPattern: { q_proj: 16 }, alphaPattern: { v_proj: 2 } });
  expect(loraScale(lora, "k_proj")).toEqual({ rank: 4, scale: 2 });
  expect(loraScale(lora, "q_proj")).toEqual({ rank: 16, scale: 0.5 });
  expect(loraScale(lora, "v_proj")).toEqual({ rank: 4, scale: 0.5 });
  expect(loraScale({ ...lora, rslora: true }, "q_proj")).toEqual({ rank: 16, scale: 2 });
  expect(linearNames.length).toBe(7);
});
