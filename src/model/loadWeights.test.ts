/** @file Weights of every architecture that are packed, named in short, or do not fit. */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { bytesSource } from "../core/byteSource";
import { type ModelConfig, parseModelConfig } from "../core/model";
import type { WeightFormat } from "../core/packing";
import { fullyNamed } from "../core/tensorNames";
import { openSafetensors, parseSafetensors, writeSafetensors } from "../formats/safetensors";
import { deviceMemory, openDevice } from "../kernels/device";
import { relativeError } from "../kernels/kernelCases";
import { type Golden, goldenNames, unpack } from "./architectureGolden";
import { logits } from "./generation";
import { disposeLlama, type Llama, loadLlama, readLlama, type TensorData } from "./llama";

const file = (name: string) => readFileSync(new URL(`golden/architectures/${name}`, import.meta.url));
const goldenOf = (name: string) => JSON.parse(file(`${name}.json`).toString()) as Golden;
const tensorsOf = (name: string) => parseSafetensors(file(`${name}.safetensors`)).tensors;

async function read(
  config: ModelConfig,
  tensors: ReadonlyMap<string, TensorData>,
  { format = "f32", signal = new AbortController().signal }: { format?: WeightFormat; signal?: AbortSignal } = {},
): Promise<Llama> {
  const opened = await openSafetensors(bytesSource(writeSafetensors(new Map(tensors)), "model.safetensors"));
  return readLlama(config, fullyNamed(config, opened), { formatOf: () => format, signal });
}

beforeAll(() => openDevice("wasm"));

describe.each(goldenNames)("%s", (name) => {
  const golden = goldenOf(name);
  const config = parseModelConfig(golden.config);
  const { values: want } = unpack(golden.logits);

  it.each([
    ["f16", 1e-4],
    ["int8", 0.05],
    ["q4", 0.8], // so few numbers a row, and none alike: what is not the model at all would be above 1
  ] as const)("computes nearly the same of weights in %s, read from a file or from memory", async (format, limit) => {
    const ofFile = await read(config, tensorsOf(name), { format });
    const ofMemory = loadLlama(config, tensorsOf(name), format);
    const got = await logits(ofFile, null, golden.sequence);
    expect(got).toEqual(await logits(ofMemory, null, golden.sequence));
    const error = relativeError(got, want);
    expect(error).toBeLessThan(limit);
    if (format !== "f16") expect(error).toBeGreaterThan(1e-4); // they are packed
    disposeLlama(ofFile);
    disposeLlama(ofMemory);
  });

  it("takes names without their first part, and leaves tables alone", async () => {
    const short = [...tensorsOf(name)].map(([key, data]) => [key.replace(/^(model|transformer)\./, ""), data] as const);
    const block = name === "gpt2" ? "h.0.attn.bias" : "layers.0.self_attn.rotary_emb.inv_freq";
    const table = { shape: [2], values: new Float32Array(2) };
    const llama = await read(config, new Map<string, TensorData>([...short, [block, table]]));
    expect(llama.unused).toEqual([]);
    expect(relativeError(await logits(llama, null, golden.sequence), want)).toBeLessThan(1e-4);
    disposeLlama(llama);
  });

  it("names every tensor that is missing or misshapen, and leaves nothing on the device", async () => {
    const before = deviceMemory().tensors;
    for (const key of tensorsOf(name).keys()) {
      const missing = tensorsOf(name);
      const data = missing.get(key)!;
      missing.delete(key);
      await expect(read(config, missing), key).rejects.toThrow(`${key} is missing`);
      const misshapen = tensorsOf(name).set(key, { ...data, shape: [...data.shape, 1] });
      await expect(read(config, misshapen), key).rejects.toThrow(
        `${key} is [${[...data.shape, 1].join(", ")}], expected`,
      );
      expect(() => loadLlama(config, missing), key).toThrow(`${key} is missing`);
    }
    expect(deviceMemory().tensors).toBe(before);
  });

  it("stops where it is told to", async () => {
    const before = deviceMemory().tensors;
    await expect(read(config, tensorsOf(name), { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
    expect(deviceMemory().tensors).toBe(before);
  });
});
