/** @file A tiny base and random adapters for it, as PEFT's folders: what the tests of PEFT's layout share. */

import { expect } from "vitest";
import { type Lora, methodTensors, newMethod } from "../core/adaptation";
import { type ModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { newPeftFiles } from "./peft";

export const config: ModelConfig = {
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
export const lora: Lora = newMethod("lora", { rank: 3, alpha: 6, dropout: 0.1 });

export function newTensors(shapes: Map<string, number[]>, seed = 1) {
  const random = newRandom(seed);
  return new Map(
    [...shapes].map(([name, shape]) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
      return [name, { shape, values }] as const;
    }),
  );
}

export const tensors = newTensors(methodTensors(config, lora));
export const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

export function written(changes: Partial<Parameters<typeof newPeftFiles>[0]> = {}) {
  const files = newPeftFiles({ config, method: lora, tensors, baseName: "tiny", card: "# card\n", ...changes });
  const byPath = new Map(files.map((file) => [file.path, file.bytes]));
  return {
    paths: [...byPath.keys()],
    adapter_config: JSON.parse(decode(byPath.get("adapter_config.json"))) as Record<string, unknown>,
    safetensors: byPath.get("adapter_model.safetensors") ?? new Uint8Array(0),
    card: decode(byPath.get("README.md")),
  };
}

export function expectInvalid(act: () => unknown, detail: RegExp): void {
  expect(act).toThrow(
    expect.objectContaining({ code: "adapter.invalid", message: expect.stringMatching(detail) as string }) as Error,
  );
}
