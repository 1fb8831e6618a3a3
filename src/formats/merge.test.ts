/** @file Merging by rows: the same numbers however few are read at a time, and what cannot be merged is named. */

import { expect, test } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import { type ModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { tensorShapes } from "../core/tensorNames";
import { canMerge, mergedConfig, newMerger, type ReadRows } from "./merge";

const llama: ModelConfig = {
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
const gpt2: ModelConfig = {
  ...llama,
  architecture: "gpt2",
  keyValueHeads: 4,
  ropeTheta: null,
  activation: "gelu",
  biases: ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"],
};

function newTensors(shapes: Map<string, number[]>, seed: number) {
  const random = newRandom(seed);
  return new Map(
    [...shapes].map(([name, shape]) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
      return [name, { shape, values }] as const;
    }),
  );
}

function readerOf(tensors: ReturnType<typeof newTensors>): ReadRows {
  return (name, from, to) => {
    const { shape, values } = tensors.get(name) ?? { shape: [], values: new Float32Array() };
    const width = values.length / (shape[0] ?? 1);
    return Promise.resolve(values.slice(from * width, to * width));
  };
}

const targetModules = ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"] as const;
const ofGpt2: Adaptation = [
  newMethod("lora", { rank: 3, alpha: 6, dora: true, rslora: true, targetModules: [...targetModules] }),
  newMethod("ia3", { targetModules: [...targetModules], feedForwardModules: ["mlp.c_proj"] }),
];
const ofLlama: Adaptation = [newMethod("bias"), newMethod("lora", { rank: 3, alpha: 6, dora: true }), newMethod("ia3")];

test.each([
  ["Llama", llama, ofLlama],
  ["GPT-2, whose weights lie the other way round", gpt2, ofGpt2],
] as const)("row by row as all at once: %s", async (_, config, adaptation) => {
  const base = newTensors(tensorShapes(config), 1);
  const merger = newMerger(config, adaptation, newTensors(adaptationTensors(config, adaptation), 2));
  let changed = 0;
  for (const [name, [rows = 0]] of merger.shapes) {
    const whole = await merger.rows(readerOf(base))(name, 0, rows);
    const each = merger.rows(readerOf(base));
    const parts = await Promise.all(Array.from({ length: rows }, (_, row) => each(name, row, row + 1)));
    expect(
      parts.flatMap((part) => [...part]),
      name,
    ).toEqual([...whole]);
    if (whole.some((value, i) => value !== base.get(name)?.values[i])) changed++;
  }
  expect(changed).toBe(config.layers * (config === llama ? 14 : 7)); // each linear's weight and bias, but the bias of what is fed
});

test("LoRA adds (alpha / r) · B · A, and IA3 multiplies rows or, of what is fed, columns", async () => {
  const lora = newMethod("lora", { rank: 3, alpha: 6 });
  const base = newTensors(tensorShapes(llama), 1);
  const tensors = newTensors(adaptationTensors(llama, [lora, newMethod("ia3")]), 2);
  const at = (name: string, i: number) => tensors.get(name)?.values[i] ?? Number.NaN;
  const read = newMerger(llama, [lora, newMethod("ia3")], tensors).rows(readerOf(base));
  const [o, i] = [5, 7];
  for (const [path, in_, isFed] of [
    ["model.layers.1.mlp.down_proj", 12, true],
    ["model.layers.1.self_attn.k_proj", 8, false],
  ] as const) {
    const row = o % 4;
    let delta = 0;
    for (let r = 0; r < 3; r++)
      delta += at(`${path}.lora_B.weight`, row * 3 + r) * at(`${path}.lora_A.weight`, r * in_ + i);
    const factor = at(`${path}.ia3_l`, isFed ? i : row);
    const was = base.get(`${path}.weight`)?.values[row * in_ + i] ?? 0;
    expect((await read(`${path}.weight`, row, row + 1))[i]).toBeCloseTo(factor * (was + 2 * delta), 5);
  }
  const embedding = "model.embed_tokens.weight";
  expect(await read(embedding, 3, 5)).toEqual(base.get(embedding)?.values.slice(24, 40));
});

test("DoRA gives each row of W + ΔW its length, and a row of zeros none", async () => {
  const lora = newMethod("lora", { rank: 2, alpha: 2, dora: true, targetModules: ["v_proj"] });
  const base = newTensors(tensorShapes(llama), 1);
  const tensors = newTensors(adaptationTensors(llama, [lora]), 2);
  const path = "model.layers.0.self_attn.v_proj";
  base.get(`${path}.weight`)?.values.fill(0, 0, 8);
  tensors.get(`${path}.lora_B.weight`)?.values.fill(0, 0, 2);
  const rows = await newMerger(llama, [lora], tensors).rows(readerOf(base))(`${path}.weight`, 0, 4);
  expect([...rows.subarray(0, 8)]).toEqual(Array(8).fill(0));
  for (let row = 1; row < 4; row++) {
    const length = Math.hypot(...rows.subarray(8 * row, 8 * row + 8));
    expect(length).toBeCloseTo(Math.abs(tensors.get(`${path}.lora_magnitude_vector`)?.values[row] ?? 0), 5);
  }
});

test("biases where there were none are in the configuration", () => {
  expect(mergedConfig(llama, [newMethod("lora")]).biases).toEqual([]);
  expect(mergedConfig(llama, [newMethod("bias")]).biases).toHaveLength(7);
  const qwen2 = { ...llama, architecture: "qwen2", biases: ["q_proj", "k_proj", "v_proj"] } as ModelConfig;
  expect(mergedConfig(qwen2, [newMethod("bias")])).toEqual(qwen2);
});

test("what does not merge says what to take instead", () => {
  for (const kind of ["lora", "full", "last", "bias", "ia3"] as const) expect(canMerge([newMethod(kind)])).toBeNull();
  expect(canMerge([newMethod("lora"), newMethod("loar")])?.key).toMatch(/Python module/);
  expect(canMerge([newMethod("prefix")])?.key).toMatch(/PEFT/);
  expect(canMerge([newMethod("prompt")])?.key).toMatch(/PEFT/);
  expect(canMerge([newMethod("bottleneck")])?.key).toMatch(/own folder/);
  const merge =
    (adaptation: Adaptation, tensors = new Map()) =>
    () =>
      newMerger(llama, adaptation, tensors);
  expect(merge([newMethod("prefix")])).toThrow("keys and values before every text");
  expect(merge([newMethod("lora")])).toThrow("The tensor model.layers.0.self_attn.q_proj.lora_A.weight is missing");
  const tensors = newTensors(adaptationTensors(llama, [newMethod("lora")]), 1);
  expect(merge([newMethod("lora", { rank: 4 })], tensors)).toThrow("is [16, 8], the base model asks for [4, 8]");
  expect(merge([newMethod("lora")], tensors)).not.toThrow();
});
