/** @file llama.cpp's side of the interop tests: `node interop/llamacpp/oracle.mjs COMMAND MODEL REQUEST OUT`. */
import { readFile, writeFile } from "node:fs/promises";
import { getLlama } from "node-llama-cpp";

/**
 * A model and one sequence of it, on the CPU with prebuilt binaries: nothing is downloaded or compiled.
 * @param {string} modelPath
 * @param {{ threads?: number, contextSize?: number, flashAttention?: boolean, lora?: string, isExact?: boolean }} options
 *   `lora` is an adapter's file; `isExact` keeps keys and values in f32, where llama.cpp halves them by default.
 */
async function open(modelPath, options = {}) {
  const { threads = 1, contextSize = 1024, flashAttention = false, lora, isExact = false } = options;
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    maxThreads: threads,
    logLevel: "error",
  });
  const begun = performance.now();
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const kept = isExact ? { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" } : {};
  const context = await model.createContext({ contextSize, batchSize: 512, threads, flashAttention, lora, ...kept });
  return { model, sequence: context.getSequence(), loadSeconds: (performance.now() - begun) / 1000 };
}

/** Ids of a text whose special tokens are written out, with the beginning-of-text token where the file asks for one. */
function tokenize(model, text) {
  const ids = model.tokenize(text, true);
  const { bos, shouldPrependBosToken } = model.tokens;
  return shouldPrependBosToken && ids[0] !== bos ? [bos, ...ids] : ids;
}

/** What asks controlledEvaluate for the greatest logits, greatest first. */
const topLogits = (count) => ({
  generateNext: { logits: { filter: { tokens: [], includeTop: count } }, options: { temperature: 0 } },
});

/** Feeds tokens and answers the greatest logits for what follows them: [[token, logit], …]. */
async function follow(sequence, tokens, count = 5) {
  const results = await sequence.controlledEvaluate([...tokens.slice(0, -1), [tokens.at(-1), topLogits(count)]]);
  return [...results[tokens.length - 1].next.logits].slice(0, count);
}

const commands = {
  /** REQUEST: {prompts, tokens}. Of each prompt its ids, the greedy tokens (on past end tokens), and the top logits of each place. */
  async continue(modelPath, { prompts, tokens, ...options }) {
    const { model, sequence } = await open(modelPath, options);
    const results = [];
    for (const prompt of prompts) {
      await sequence.clearHistory();
      const ids = tokenize(model, prompt);
      const places = [];
      for (let next = ids; places.length < tokens; next = [places.at(-1)[0][0]])
        places.push(await follow(sequence, next));
      const made = places.map(([[token]]) => token);
      results.push({ ids, tokens: made, places, text: model.detokenize(made, false, ids) });
    }
    return results;
  },

  /** REQUEST: {texts}. The ids of each. */
  async tokenize(modelPath, { texts }) {
    const { model } = await open(modelPath);
    return texts.map((text) => tokenize(model, text));
  },

  /** Ids of the tokens that end a text, among them those that end one to fill in. */
  async ends(modelPath) {
    const { model } = await open(modelPath);
    const ids = model.fileInfo.metadata.tokenizer.ggml.tokens.map((_, id) => id);
    return ids.filter((id) => model.isEogToken(id));
  },

  /**
   * REQUEST: {sequences: [{ids, tokens}], top}. The `top` greatest logits (5 where none is said) of each place where one of
   * the tokens goes on from the ids.
   */
  async force(modelPath, { sequences, top = 5, ...options }) {
    const { sequence } = await open(modelPath, options);
    const results = [];
    for (const { ids, tokens } of sequences) {
      await sequence.clearHistory();
      const inputs = [...ids, ...tokens.slice(0, -1)];
      const asked = inputs.map((token, i) => (i < ids.length - 1 ? token : [token, topLogits(top)]));
      const places = await sequence.controlledEvaluate(asked);
      results.push(places.slice(ids.length - 1).map(({ next }) => [...next.logits].slice(0, top)));
    }
    return results;
  },

  /** REQUEST: {prompt, prefill, decode, threads}. Tokens a second of reading `prefill` tokens and of making `decode` more. */
  async time(modelPath, { prompt, prefill, decode, ...options }) {
    const { model, sequence, loadSeconds } = await open(modelPath, options);
    const ids = tokenize(model, prompt).slice(0, prefill);
    if (ids.length < prefill) throw new Error(`The prompt has ${ids.length} tokens, ${prefill} are wanted`);
    await follow(sequence, ids.slice(0, 8)); // The first evaluation touches the weights' pages.
    await sequence.clearHistory();
    const begun = performance.now();
    let [[token]] = await follow(sequence, ids, 1);
    const between = performance.now();
    for (let i = 0; i < decode; i++) [[token]] = await follow(sequence, [token], 1);
    const ended = performance.now();
    return { loadSeconds, prefill: (1000 * prefill) / (between - begun), decode: (1000 * decode) / (ended - between) };
  },
};

const [, , command = "", modelPath = "", requestFile = "", out = ""] = process.argv;
if (!Object.hasOwn(commands, command))
  throw new Error(`No command ${command}; there are ${Object.keys(commands).join(", ")}`);
const result = await commands[command](modelPath, JSON.parse(await readFile(requestFile, "utf8")));
await writeFile(out, JSON.stringify(result));
process.exit(); // llama.cpp's threads would keep the process alive.
