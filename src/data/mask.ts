/** @file An example as token ids, with the mask that says which of them the loss counts. */

import type { Example } from "../core/dataset";
import type { PreviewToken, RowPreview } from "../core/engine";
import type { Recipe } from "../core/recipe";
import { applyTemplate } from "./template";
import type { Tokenizer } from "./tokenizer";

export type Document = {
  tokens: number[]; // [n]
  /** 1 where the token counts in the loss as a target; the first token is never a target. */
  trained: Uint8Array; // [n]
  /** Longer than the context: left out of training and counted. */
  tooLong: boolean;
};

/** The ids a model is given to complete, in training and in generation alike. */
export function encodePrompt(prompt: string, template: Recipe["template"], tokenizer: Tokenizer): number[] {
  return [...tokenizer.prefix, ...tokenizer.encode(applyTemplate({ prompt, completion: "" }, template).prompt)];
}

/**
 * Prompt and completion are tokenized apart, so that the mask is exact and generation sees the same prompt ids.
 * The end-of-text token follows and is trained.
 */
export function newDocument(
  example: Example,
  template: Recipe["template"],
  tokenizer: Tokenizer,
  lossOn: Recipe["objective"]["lossOn"],
  contextLength: number,
): Document {
  const prompt = encodePrompt(example.prompt, template, tokenizer);
  const completion = tokenizer.encode(applyTemplate(example, template).completion);
  const tokens = [...prompt, ...completion, tokenizer.eos];
  const firstTrained = lossOn === "all" ? 1 : Math.max(1, prompt.length);
  const trained = new Uint8Array(tokens.length).fill(1, firstTrained);
  return { tokens, trained, tooLong: tokens.length > contextLength };
}

/** A document as the preview shows it. */
export function newPreview(document: Document, tokenizer: Tokenizer): RowPreview {
  const tokens = document.tokens.map(
    (id, i): PreviewToken => ({ id, text: tokenizer.tokenText(id), trained: document.trained[i] === 1 }),
  );
  return { tokens, tooLong: document.tooLong };
}
