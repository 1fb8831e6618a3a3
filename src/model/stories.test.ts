/** @file llama2.c's stories260K: the logits and the greedy text its own programs give. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseLlama2c, parseLlama2cTokens } from "../formats/llama2c";
import { openDevice } from "../kernels/device";
import { generate, logits } from "./generation";
import { type Llama, loadLlama } from "./llama";

const folder = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "models/stories260K");
const isThere = existsSync(folder);

const text = `Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.
Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do. She said, "I want to play with your ball, but I can't find it."
Lily was sad and didn't know what to do. She said, "I'm sorry, Lily. I didn't know what to do."
Lily didn't want to help her mom, so she said, "I'm sorry, mom. I didn't know what to do." Her mom said, "Don't worry, Lily. We can help you.`;

describe.skipIf(!isThere && !process.env["CI"])("stories260K", () => {
  let llama: Llama;
  let tokens: string[];
  beforeAll(async () => {
    await openDevice("wasm");
    const { config, tensors } = parseLlama2c(readFileSync(path.join(folder, "stories260K.bin")));
    llama = loadLlama(config, tensors);
    const bytes = parseLlama2cTokens(readFileSync(path.join(folder, "tok512.bin")), config.vocabSize);
    tokens = bytes.map((token) => new TextDecoder().decode(token));
  });

  it("gives the logits of llama2.c's test after the first token", async () => {
    const first = (await logits(llama, null, [1])).slice(0, 5);
    const want = [-6.22291, 8.40434, -6.22374, -6.22254, -6.22195];
    want.forEach((value, i) => expect(first[i]).toBeCloseTo(value, 4));
  });

  it("tells the story of its readme", async () => {
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
    const steps = generate(llama, null, { prompts: [[1]], maxTokens: 256, sampling, stopIds: [1] });
    let step = await steps.next();
    while (!step.done) step = await steps.next();
    const told = (step.value[0] ?? []).map((id) => {
      const byte = /^<0x([0-9A-F]{2})>$/.exec(tokens[id]!);
      return byte ? String.fromCharCode(Number.parseInt(byte[1]!, 16)) : tokens[id]!;
    });
    expect(told.join("").trim()).toBe(text);
  });
});
