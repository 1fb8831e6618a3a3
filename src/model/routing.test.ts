/** @file What is shown of LoAR: gates and a head's attention, against what they are by hand. */

import { beforeAll, expect, it } from "vitest";
import { newMethod } from "../core/adaptation";
import { openDevice } from "../kernels/device";
import { disposeAdapter, loadAdapter, newAdapter, readAdapter } from "./adapter";
import { disposeLlama, type Llama } from "./llama";
import { isGated, meanGates, readHeadAttention, readLambdas } from "./routing";
import { newTinyLlama, tinyConfig } from "./tinyLlama";

let llama: Llama;
beforeAll(async () => {
  await openDevice("wasm");
  llama = newTinyLlama();
  return () => disposeLlama(llama);
});

const tokens = Array.from({ length: 11 }, (_, i) => (7 * i + 3) % tinyConfig.vocabSize); // more than D = 6
const marks = Uint8Array.from(tokens, (_, i) => (i % 2 === 0 ? 1 : 0));
const batch = {
  rows: 1,
  length: tokens.length,
  tokens: Int32Array.from(tokens),
  targets: Int32Array.from(tokens),
  weights: new Float32Array(tokens.length).fill(1),
  positions: Int32Array.from(tokens, (_, i) => i),
  segments: new Int32Array(tokens.length).fill(1),
  marks: Int32Array.from(marks),
  trained: tokens.length,
};

it("a new adapter's gates let all pass, and its λ are zero", async () => {
  const adapter = await newAdapter(llama, [newMethod("loar")], 1);
  if (!isGated(adapter)) throw new Error("no gates");
  expect(await meanGates(llama, adapter, batch)).toEqual([
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ]);
  expect(await readLambdas(adapter)).toEqual([
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ]);
  disposeAdapter(adapter);
});

it("a bias moves one head's gate, λ moves its attention to marked tokens by e^λ", async () => {
  const start = await newAdapter(llama, [newMethod("loar")], 1);
  const tensors = await readAdapter(start);
  disposeAdapter(start);
  tensors.get("model.layers.1.loar.gate.bias")!.values[2] = 1.5;
  tensors.get("model.layers.1.loar.lambda")!.values[2] = 2;
  const adapter = loadAdapter(llama, [newMethod("loar")], tensors);
  if (!isGated(adapter)) throw new Error("no gates");
  const gate = 2 / (1 + Math.exp(-1.5));
  const gates = await meanGates(llama, adapter, batch);
  expect(gates[0]).toEqual([1, 1, 1, 1]);
  expect(gates[1]![2]).toBeCloseTo(gate, 5);
  const { base, tuned, gates: ofHead } = await readHeadAttention(llama, adapter, { tokens, marks, layer: 1, head: 2 });
  const T = tokens.length;
  for (let i = 0; i < T; i++) {
    const row = [...base.subarray(i * T, i * T + T)];
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    for (let j = i + 1; j < T; j++) expect(row[j]).toBe(0);
    const raised = row.map((p, j) => p * Math.exp(2 * marks[j]!));
    const sum = raised.reduce((a, b) => a + b, 0);
    for (let j = 0; j < T; j++) expect(tuned[i * T + j]).toBeCloseTo(raised[j]! / sum, 4);
    expect(ofHead![i]).toBeCloseTo(gate, 5);
  }
  const other = await readHeadAttention(llama, adapter, { tokens, marks, layer: 1, head: 1 });
  expect(other.tuned).toEqual(other.base);
  disposeAdapter(adapter);
});

it("a prefix takes its share of the attention that is shown", async () => {
  const adapter = await newAdapter(llama, [newMethod("prefix", { virtualTokens: 3 })], 1);
  const { tuned, gates } = await readHeadAttention(llama, adapter, { tokens, layer: 0, head: 0 });
  const first = tuned[0]!;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(1);
  expect(gates).toBeNull();
  disposeAdapter(adapter);
});
