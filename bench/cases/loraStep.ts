/** @file A training step of the studio's own kind: LoRA of rank 16 on all linear layers, clipping, AdamW. */

import { newMethod } from "../../src/core/adaptation";
import { newAdapter } from "../../src/model/adapter";
import { loadLlama } from "../../src/model/llama";
import { newOptimizer, trainStep } from "../../src/model/training";
import { type Measured, measure, type Patience, rounded } from "../measure";
import { adam, learningRate, newBatch, newWeights, type Shape } from "../shapes";
import { stepOperations } from "../work";

const lora = newMethod("lora", { rank: 16, alpha: 32 });

export async function timeLoraStep(shape: Shape, patience: Patience): Promise<Measured> {
  const llama = loadLlama(shape.config, newWeights(shape.config), shape.weights);
  const adapter = await newAdapter(llama, [lora], 1);
  const optimizer = newOptimizer(adapter, adam);
  const batch = newBatch(shape, "half");
  const losses: number[] = [];
  const settings = { learningRate, maxGradNorm: 1, dropoutSeed: 1, recompute: shape.recompute };
  const measured = await measure(async () => {
    losses.push((await trainStep(llama, adapter, optimizer, [batch], settings)).loss);
  }, patience);
  const gflops = rounded(stepOperations(shape.config, batch, lora.rank) / measured.ms / 1e6);
  return { ...measured, gflops, losses: losses.slice(0, 3).map(rounded) };
}
