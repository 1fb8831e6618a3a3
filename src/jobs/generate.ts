/** @file One prompt answered, as its text comes. */

import type { Sampling } from "../core/engine";
import { StudioError } from "../core/errors";
import { nextTick } from "../core/nextTick";
import { say } from "../core/say";
import type { Turns } from "../core/turns";
import { encodePrompt } from "../data/mask";
import type { Adapter } from "../model/adapterParts";
import { generate } from "../model/generation";
import type { LoadedModel } from "./loadModel";
import { newLogic } from "./logic";

export type AnswerInputs = {
  model: LoadedModel;
  adapter: Adapter | null;
  prompt: string;
  /** Stands around the prompt: `{prompt}` is replaced. */
  template: string;
  maxTokens: number;
  sampling: Sampling;
  turns: Turns;
  signal: AbortSignal;
};

/** Milliseconds of tokens that one turn may make while a run waits for the device. */
const slice = 60;

/**
 * Yields text that is certain by now; the pieces joined are the answer. Throws `prompt.unusable` where the prompt is
 * longer than the model reads, and the signal's reason when aborted.
 */
export async function* answer(inputs: AnswerInputs): AsyncGenerator<string, { text: string; tokens: number }> {
  const { model, adapter, maxTokens, sampling, turns, signal } = inputs;
  const { tokenizer } = model;
  const template = { prompt: inputs.template, completion: "{completion}" };
  const ids = encodePrompt(inputs.prompt, template, tokenizer);
  const logic = await newLogic({ template, adaptation: adapter?.adaptation ?? [] }, tokenizer);
  if (ids.length >= model.config.maxPositions) {
    throw new StudioError(
      "prompt.unusable",
      say`The prompt has ${ids.length} tokens; the model reads ${model.config.maxPositions} with its answer`,
    );
  }
  const steps = generate(model.llama, adapter, {
    prompts: [ids],
    maxTokens,
    sampling,
    stopIds: model.stopIds,
    ...(logic ? { marks: { prompts: [logic.ofPrompt(inputs.prompt)], table: logic.table } } : {}),
    signal,
  });
  const decoder = tokenizer.newDecoder();
  // Some tokenizers drop a space where a text begins; the answer begins behind the prompt.
  const before = ids.slice(-1);
  const begun = decoder(before);
  const all: number[] = [];
  let told = "";
  try {
    for (;;) {
      const { fresh, completed } = await turns(() => takeSlice(steps));
      all.push(...fresh);
      const text = fresh.length > 0 ? decoder(fresh) : "";
      told += text;
      if (text !== "") yield text;
      if (completed) break;
      await nextTick();
      signal.throwIfAborted();
    }
  } finally {
    await steps.return([]);
  }
  const text = tokenizer.decode([...before, ...all]).slice(begun.length);
  if (text.length > told.length) yield text.slice(told.length);
  return { text, tokens: all.length };
}

/** As many tokens as one turn allows. */
async function takeSlice(steps: ReturnType<typeof generate>): Promise<{ fresh: number[]; completed: boolean }> {
  const begun = performance.now();
  const fresh: number[] = [];
  while (performance.now() - begun < slice) {
    const next = await steps.next();
    if (next.done) return { fresh, completed: true };
    fresh.push(...next.value.map(({ token }) => token));
  }
  return { fresh, completed: false };
}
