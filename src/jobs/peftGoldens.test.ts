/** @file Adapters that PEFT wrote (interop/peftGoldens.py): our logits and 20 steps of AdamW follow PEFT's, merged and not. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesSource } from "../core/byteSource";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { canMerge, newMerger } from "../formats/merge";
import { parsePeft } from "../formats/peft";
import { openSafetensors, parseSafetensors } from "../formats/safetensors";
import { openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { disposeAdapter, loadAdapter } from "../model/adapter";
import { logits } from "../model/generation";
import { disposeLlama, type Llama, loadLlama, type TensorData } from "../model/llama";
import { disposeOptimizer, newOptimizer, trainStep } from "../model/training";
import { nextTokens } from "./nextTokens.fixture";

type Kind = { adapter_config: unknown; plusRatio: number; logits: string; losses: number[] };
type Goldens = {
  config: unknown;
  tokens: number[];
  rows: number[][][];
  learningRate: number;
  kinds: Record<string, Kind>;
};

const folder = new URL("../formats/golden/peft/", import.meta.url);
const readBytes = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const goldens = JSON.parse(readFileSync(new URL("goldens.json", folder), "utf8")) as Goldens;
const { tokens, rows, learningRate } = goldens;
const config: ModelConfig = parseModelConfig(goldens.config);

let llama: Llama;
beforeAll(async () => {
  await openDevice("wasm");
  llama = loadLlama(config, parseSafetensors(readBytes("base.safetensors")).tensors);
});
afterAll(() => {
  disposeLlama(llama);
});

describe.each(Object.entries(goldens.kinds))("%s", (name, kind) => {
  const file = name === "loraplus" ? "lora" : name; // the same adapter, trained otherwise
  const read = () =>
    parsePeft({ adapter_config: kind.adapter_config, safetensors: readBytes(`${file}.safetensors`) }, config);
  const theirs = new Float32Array(Uint8Array.from(atob(kind.logits), (letter) => letter.charCodeAt(0)).buffer);

  test("the logits and 20 losses of PEFT", async () => {
    const { method, tensors } = read();
    const adaptation = [method.kind === "lora" ? { ...method, plusRatio: kind.plusRatio } : method];
    const adapter = loadAdapter(llama, adaptation, tensors);
    expect(relativeError(await logits(llama, adapter, tokens), theirs)).toBeLessThan(1e-4);
    const optimizer = newOptimizer(adapter, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 });
    for (const [step, batch] of rows.entries()) {
      const settings = { learningRate, maxGradNorm: 1, dropoutSeed: 1 };
      const { loss } = await trainStep(llama, adapter, optimizer, [nextTokens(batch)], settings);
      const wanted = kind.losses[step] ?? Number.NaN;
      expect(Math.abs(loss - wanted) / wanted, `step ${step + 1}`).toBeLessThan(1e-3);
    }
    disposeOptimizer(optimizer);
    disposeAdapter(adapter);
  });

  test("merged, they are the same, or it cannot be", async () => {
    const { method, tensors } = read();
    if (canMerge([method])) {
      expect(["prefix", "prompt"]).toContain(name);
      return;
    }
    const base = await openSafetensors(bytesSource(readBytes("base.safetensors"), "base.safetensors"));
    const { shapes, rows: rowsOf } = newMerger(config, [method], tensors);
    const merged = new Map<string, TensorData>();
    for (const [path, shape] of shapes)
      merged.set(path, { shape, values: await rowsOf(base.readRows)(path, 0, shape[0] ?? 0) });
    const model = loadLlama(config, merged);
    expect(relativeError(await logits(model, null, tokens), theirs)).toBeLessThan(1e-4);
    disposeLlama(model);
  });
});
