/** @file Added adapters change the base as much as they do one by one. */

import { expect, test } from "vitest";
import { adaptationTensors, type Lora, loraScale, newMethod } from "../core/adaptation";
import { linearPath, linearShape } from "../core/adapter";
import { type ModelConfig, plainDecoder } from "../core/model";
import { newRandom } from "../core/random";
import { addLoras, type WeightedLora } from "./addAdapters";

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

function drawn(lora: Lora, weight: number, seed: number): WeightedLora {
  const random = newRandom(seed);
  const tensors = [...adaptationTensors(config, [lora])].map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
    return [name, { shape, values }] as const;
  });
  return { lora, weight, tensors: new Map(tensors) };
}

/** scale · B · A of one layer; zeros where it is not adapted. */
function change(
  { lora, tensors }: Pick<WeightedLora, "lora" | "tensors">,
  layer: number,
  name: "q_proj" | "down_proj",
) {
  const [out, in_] = linearShape(config, name);
  if (!lora.targetModules.includes(name)) return new Float64Array(out * in_);
  const { rank, scale } = loraScale(lora, name);
  const path = linearPath(layer, name);
  const [A, B] = [tensors.get(`${path}.lora_A.weight`)!.values, tensors.get(`${path}.lora_B.weight`)!.values];
  return Float64Array.from({ length: out * in_ }, (_, i) => {
    const [o, c] = [Math.floor(i / in_), i % in_];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += B[o * rank + r]! * A[r * in_ + c]!;
    return scale * sum;
  });
}

const first = drawn(newMethod("lora", { rank: 2, alpha: 8 }), 0.7, 1);
const second = drawn(
  newMethod("lora", { rank: 3, alpha: 3, rslora: true, targetModules: ["q_proj", "v_proj"] }),
  -1.5,
  2,
);

test("two adapters of other ranks, scales and layers add up by their weights", () => {
  const { lora, tensors } = addLoras(config, [first, second]);
  expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([...adaptationTensors(config, [lora])]);
  for (const layer of [0, 1]) {
    for (const name of ["q_proj", "down_proj"] as const) {
      const sum = change({ lora, tensors }, layer, name);
      const [a, b] = [change(first, layer, name), change(second, layer, name)];
      sum.forEach((x, i) => {
        expect(x).toBeCloseTo(0.7 * a[i]! - 1.5 * b[i]!, 4);
      });
    }
  }
});

test("what does not add up is refused by name", () => {
  const dora = drawn(newMethod("lora", { rank: 2, dora: true }), 1, 3);
  expect(() => addLoras(config, [first, dora])).toThrow("DoRA");
  const large = drawn(newMethod("lora", { rank: 300, targetModules: ["q_proj"] }), 1, 4);
  expect(() => addLoras(config, [large, large])).toThrow("The ranks come to 600");
  const cut = { ...first, tensors: new Map([...first.tensors].slice(1)) };
  expect(() => addLoras(config, [cut])).toThrow("lora_A.weight is missing");
  const foreign = { ...first, lora: newMethod("lora", { rank: 2, targetModules: ["c_attn"] }) };
  expect(() => addLoras(config, [foreign])).toThrow("c_attn is not a layer of this model");
});
