/** @file A merged model computes what the base with its adapter computes: every architecture, every method that merges. */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import { linearNamesOf } from "../core/adapter";
import { bytesSource } from "../core/byteSource";
import { type ModelConfig, parseModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import type { WeightFile } from "../core/weightFile";
import { mergedConfig } from "../formats/merge";
import { openSafetensors } from "../formats/safetensors";
import { openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { disposeAdapter, loadAdapter } from "../model/adapter";
import type { Golden } from "../model/architectureGolden";
import { logits } from "../model/generation";
import { disposeLlama, readLlama, type TensorData } from "../model/llama";
import { exportModel, type StreamedFile } from "./exportModel";
import type { OpenModel } from "./openModel";

const goldens = new URL("../model/golden/architectures/", import.meta.url);

async function openGolden(name: string): Promise<{ open: OpenModel; sequence: number[] }> {
  const golden = JSON.parse(readFileSync(new URL(`${name}.json`, goldens), "utf8")) as Golden;
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.safetensors`, goldens)));
  const file = await openSafetensors(bytesSource(bytes, "model.safetensors"));
  const open: OpenModel = {
    name,
    container: "safetensors",
    config: parseModelConfig(golden.config),
    weights: () => Promise.resolve(file),
    tokenizerJson: {},
    tokenizerConfig: {},
    stopIds: [],
    chatTemplate: null,
    licence: "",
  };
  return { open, sequence: golden.sequence };
}

/** Numbers of every method that do something, and nothing too large: as training leaves them. */
async function newNumbers(
  config: ModelConfig,
  adaptation: Adaptation,
  base: WeightFile,
): Promise<Map<string, TensorData>> {
  const random = newRandom(3);
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of adaptationTensors(config, adaptation)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const entry = base.tensors.get(name);
    const start = entry ? await base.readRows(name, 0, shape[0] ?? 0) : new Float32Array(size);
    const at = name.endsWith("ia3_l") || name.endsWith("magnitude_vector") ? 1 : 0;
    tensors.set(name, { shape, values: start.map((value) => value + at + 0.2 * random.normal()) });
  }
  return tensors;
}

const adaptations: Record<string, (config: ModelConfig) => Adaptation> = {
  "LoRA with ranks and alphas by layer": (config) => [
    newMethod("lora", {
      rank: 3,
      alpha: 4,
      targetModules: linearNamesOf(config),
      rankPattern: { q_proj: 2, c_attn: 5 },
      alphaPattern: { v_proj: 9, c_fc: 1 },
    }),
  ],
  rsLoRA: (config) => [newMethod("lora", { rank: 4, alpha: 2, rslora: true, targetModules: linearNamesOf(config) })],
  DoRA: (config) => [newMethod("lora", { rank: 2, alpha: 4, dora: true, targetModules: linearNamesOf(config) })],
  IA3: (config) => [ia3Of(config)],
  full: () => [newMethod("full")],
  last: () => [newMethod("last", { layers: 1 })],
  "last blocks, LoRA in all and IA3": (config) => [
    newMethod("last"),
    newMethod("lora", { rank: 2, alpha: 4, targetModules: linearNamesOf(config) }),
    ia3Of(config),
  ],
};
const ofBiases: Record<string, (config: ModelConfig) => Adaptation> = {
  biases: () => [newMethod("bias")],
  "biases, DoRA and IA3": (config) => [
    newMethod("bias"),
    newMethod("lora", { rank: 2, alpha: 4, dora: true, targetModules: linearNamesOf(config) }),
    ia3Of(config),
  ],
};

function ia3Of(config: ModelConfig) {
  const targetModules = linearNamesOf(config).filter((name) => !/^(q_proj|gate_proj|c_fc)$/.test(name));
  const feedForwardModules = targetModules.filter((name) => /(down_proj|mlp.c_proj|o_proj)$/.test(name));
  return newMethod("ia3", { targetModules, feedForwardModules });
}

async function bytesOf(file: StreamedFile | undefined): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of file?.bytes() ?? []) pieces.push(piece.slice());
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

const formatOf = () => "f32" as const;
const { signal } = new AbortController();

async function compare(name: string, make: (config: ModelConfig) => Adaptation) {
  const { open, sequence } = await openGolden(name);
  const adaptation = make(open.config);
  const base = await open.weights();
  const tensors = await newNumbers(open.config, adaptation, base);
  const llama = await readLlama(open.config, base, { formatOf, signal });
  const plain = await logits(llama, null, sequence);
  const adapter = loadAdapter(llama, adaptation, tensors);
  const wanted = await logits(llama, adapter, sequence);
  disposeAdapter(adapter);
  disposeLlama(llama);

  const files = await exportModel(open, { adaptation, tensors });
  const file = (path: string) => files.find((each) => each.path === path);
  const config = parseModelConfig(JSON.parse(new TextDecoder().decode(await bytesOf(file("config.json")))));
  expect(config).toEqual(mergedConfig(open.config, adaptation));
  const bytes = await bytesOf(file("model.safetensors"));
  expect(bytes.length).toBe(file("model.safetensors")?.size);
  const merged = await readLlama(config, await openSafetensors(bytesSource(bytes, "merged")), { formatOf, signal });
  expect(merged.unused).toEqual([]);
  const got = await logits(merged, null, sequence);
  disposeLlama(merged);
  expect(relativeError(plain, wanted)).toBeGreaterThan(0.01); // the adapter does something
  expect(relativeError(got, wanted)).toBeLessThan(1e-5);
}

beforeAll(async () => {
  await openDevice("wasm");
});

describe.each(["llama3", "llamaBiases", "qwen2", "phi3Short", "gemma2", "gpt2"])("%s", (name) => {
  test.each(Object.entries(adaptations))("%s", async (_, make) => {
    await compare(name, make);
  });
});

describe.each(["llama3", "llamaBiases", "qwen2", "gpt2"])("%s", (name) => {
  test.each(Object.entries(ofBiases))("%s", async (_, make) => {
    await compare(name, make);
  });
});
