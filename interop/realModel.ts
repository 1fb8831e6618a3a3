/** @file A real model in our engine: `node scripts/bundle.mjs interop/realModel.ts COMMAND MODEL REQUEST OUT`. */

import { readFile, writeFile } from "node:fs/promises";
import { modelFiles } from "../src/cli/host";
import { encodePrompt } from "../src/data/mask";
import { writeSafetensors } from "../src/formats/safetensors";
import { type LoadedModel, loadModel } from "../src/jobs/loadModel";
import { openDevice } from "../src/kernels/device";
import { generate, logits } from "../src/model/generation";

type Request = {
  prompts: string[];
  /** What each prompt is forced to go on with. */
  forced: number[][];
  maxTokens: number;
  ids: number[];
  threads: number;
  prefill: number;
  decode: number;
};

const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };

/** Stop tokens are left out, as each comparison is of so many places. */
async function continueAll(model: LoadedModel, prompts: number[][], maxTokens: number): Promise<number[][]> {
  const steps = generate(model.llama, null, { prompts, maxTokens, sampling: greedy, stopIds: [] });
  let next = await steps.next();
  while (!next.done) next = await steps.next();
  return next.value;
}

/** The `count` greatest of a row and where they stand, greatest first. */
function greatest(row: Float32Array, count: number): [token: number, logit: number][] {
  const found: [number, number][] = [];
  row.forEach((logit, token) => {
    const last = found[count - 1];
    if (last && logit <= last[1]) return;
    const at = found.findIndex((other) => logit > other[1]);
    found.splice(at < 0 ? found.length : at, 0, [token, logit]);
    found.length = Math.min(found.length, count);
  });
  return found;
}

const encode = (model: LoadedModel, prompt: string) =>
  encodePrompt(prompt, { prompt: "{prompt}", completion: "{completion}" }, model.tokenizer);

const commands: Record<string, (model: LoadedModel, request: Request) => Promise<unknown>> = {
  /**
   * Of each prompt: its ids, the top logits at every place of what it is forced to go on with, and the greedy tokens
   * that generation makes of all prompts at once and, every fourth, of this one alone.
   */
  async continue(model, { prompts, forced, maxTokens }) {
    const all = prompts.map((prompt) => encode(model, prompt));
    const together = await continueAll(model, all, maxTokens);
    const results: unknown[] = [];
    const V = model.config.vocabSize;
    for (const [i, ids] of all.entries()) {
      const tokens = forced[i] ?? [];
      const values = await logits(model.llama, null, [...ids, ...tokens]);
      const rows = tokens.map((_, n) => values.subarray((ids.length - 1 + n) * V, (ids.length + n) * V));
      const places = rows.map((row) => greatest(row, 5));
      const [alone] = i % 4 === 0 ? await continueAll(model, [ids], maxTokens) : [];
      results.push({ ids, places, together: together[i], alone: alone ?? null });
    }
    return results;
  },

  /** Ids of each prompt as it stands. */
  tokenize: (model, { prompts }) => Promise.resolve(prompts.map((prompt) => encode(model, prompt))),

  ends: ({ stopIds }) => Promise.resolve(stopIds.toSorted((a, b) => a - b)),

  /** All logits of one sequence of ids. */
  async logits(model, { ids }) {
    const values = await logits(model.llama, null, ids);
    const V = model.config.vocabSize;
    return writeSafetensors(new Map([["logits", { shape: [ids.length, V], values: values.slice(0, ids.length * V) }]]));
  },

  /** Tokens a second of reading `prefill` tokens (the first token made is part of it) and of making `decode` more. */
  async time(model, { prompts, prefill, decode }) {
    const ids = encode(model, prompts[0] ?? "").slice(0, prefill);
    if (ids.length < prefill) throw new Error(`The prompt has ${ids.length} tokens, ${prefill} are wanted`);
    await continueAll(model, [ids.slice(0, 8)], 2);
    const begun = performance.now();
    let between = begun;
    let made = 0;
    const stopIds: number[] = [];
    const maxTokens = decode + 1;
    for await (const fresh of generate(model.llama, null, { prompts: [ids], maxTokens, sampling: greedy, stopIds })) {
      if (made === 0) between = performance.now();
      made += fresh.length;
    }
    const ended = performance.now();
    return { prefill: (1000 * prefill) / (between - begun), decode: (1000 * (made - 1)) / (ended - between) };
  },
};

const [, , command = "", file = "", requestFile = "", out = ""] = process.argv;
const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
if (!run) throw new Error(`No command ${command}; there are ${Object.keys(commands).join(", ")}`);
const request = JSON.parse(await readFile(requestFile, "utf8")) as Request;
console.info = console.log = console.warn = () => undefined;
const device = await openDevice("wasm", { threads: request.threads });
const begun = performance.now();
const model = await loadModel(await modelFiles(file));
const loadSeconds = (performance.now() - begun) / 1000;
const result = await run(model, request);
const { threads } = device;
const isBytes = result instanceof Uint8Array;
await writeFile(out, isBytes ? result : JSON.stringify({ loadSeconds, threads, result }));
process.exit(); // the backend's threads would keep the process alive
