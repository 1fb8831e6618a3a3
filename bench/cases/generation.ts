/** @file Greedy generation by the embedded model's shape: prompts of 20 to 60 tokens, 64 new tokens each. */

import { generate } from "../../src/model/generation";
import { loadLlama } from "../../src/model/llama";
import { type Measured, measure, rounded } from "../measure";
import { newBatch, newWeights, type Shape } from "../shapes";

const maxTokens = 64;

export async function timeGeneration(shape: Shape, rows: number): Promise<Measured> {
  const { config } = shape;
  const llama = loadLlama(config, newWeights(config));
  const prompts = Array.from({ length: rows }, (_, i) => {
    const length = 20 + ((i * 17) % 41);
    return Array.from(newBatch({ config, rows: 1, length }, "all").tokens);
  });
  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
  let tokens = 0;
  const measured = await measure(
    async () => {
      tokens = 0;
      for await (const fresh of generate(llama, null, { prompts, maxTokens, sampling, stopIds: [] })) {
        tokens += fresh.length;
      }
    },
    { warmUps: 1, most: 5, budgetMs: 8000 },
  );
  return { ...measured, tokensPerSecond: rounded((1000 * tokens) / measured.ms) };
}
