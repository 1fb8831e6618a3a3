/**
 * @file What is measured: models and batches of shapes.json (which interop/timeSteps.py reads too), filled with seeded
 * numbers. The tiny decoder has 930,944 parameters: 128 wide, 4 layers, 4 heads of 32, 392 in its MLP, 512 tokens in
 * its vocabulary, input and output embeddings tied; a step of it takes 4 rows of 128 tokens and trains them all.
 */

import embedded from "../public/embedded/config.json";
import type { Batch } from "../src/core/batch";
import { type ModelConfig, parseModelConfig } from "../src/core/model";
import type { WeightFormat } from "../src/core/packing";
import { newRandom } from "../src/core/random";
import { tensorShapes } from "../src/core/tensorNames";
import { newRandomBatch } from "../src/jobs/measureSpeed";
import type { TensorData } from "../src/model/llama";
import { configs, shapes } from "./shapes.json";

export type Shape = {
  config: ModelConfig;
  rows: number;
  length: number;
  /** How frozen matrices lie on the device. */
  weights: WeightFormat;
  recompute: boolean;
};

type Entry = {
  config: string;
  layers?: number;
  rows: number;
  length: number;
  weights?: WeightFormat;
  recompute?: boolean;
};

export function shapeOf(name: string): Shape {
  const entry = (shapes as Record<string, Entry | undefined>)[name];
  if (!entry) throw new RangeError(`shapes.json has no ${name}`);
  const config = parseModelConfig({ embedded, ...configs }[entry.config]);
  const { rows, length, layers = config.layers, weights = "f32", recompute = false } = entry;
  return { rows, length, weights, recompute, config: { ...config, layers } };
}

export const learningRate = 1e-3;
export const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** Random tokens; the second half of each row is trained, or all of it. */
export function newBatch(
  { config, rows, length }: Pick<Shape, "config" | "rows" | "length">,
  trained: "half" | "all",
): Batch {
  const batch = newRandomBatch(rows, length, config.vocabSize, 2);
  return trained === "half" ? batch : { ...batch, weights: batch.weights.map(() => 1), trained: rows * length };
}

/** Norms of one, the rest uniform with a deviation of 0.02. All tensors are windows of one row of numbers. */
export function newWeights(config: ModelConfig): Map<string, TensorData> {
  const sizes = [...tensorShapes(config)].map(([name, shape]) => ({
    name,
    shape,
    size: shape.reduce((a, b) => a * b, 1),
  }));
  const step = 4099; // So that no two layers are alike.
  const random = newRandom(1);
  const length = Math.max(...sizes.map(({ size }) => size)) + step * sizes.length;
  const numbers = Float32Array.from({ length }, () => (random.next() - 0.5) * Math.sqrt(12) * 0.02);
  return new Map(
    sizes.map(({ name, shape, size }, i) => [
      name,
      {
        shape,
        values: shape.length === 1 ? new Float32Array(size).fill(1) : numbers.subarray(i * step, i * step + size),
      },
    ]),
  );
}
