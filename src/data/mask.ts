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
  /** How many of the tokens are the prompt's. */
  promptLength: number;
  /** 1 where the token belongs to a solution's steps, 2 to its final answer, 0 to neither; left out where nobody asks. */
  parts?: Uint8Array; // [n]
  /** 1 where the token carries logic; left out where no adapter asks. */
  marks?: Uint8Array; // [n]
  /** Longer than the context: left out of training and counted. */
  tooLong: boolean;
};

/** The ids a model is given to complete, in training and in generation alike. A template may write the prefix itself. */
export function encodePrompt(prompt: string, template: Recipe["template"], tokenizer: Tokenizer): number[] {
  const ids = tokenizer.encode(applyTemplate({ prompt, completion: "" }, template).prompt);
  const isThere = tokenizer.prefix.every((id, i) => ids[i] === id);
  return isThere ? ids : [...tokenizer.prefix, ...ids];
}

/** The token that a template closes an answer with: its own end-of-turn token, else the end-of-text token. */
export function endToken({ completion }: Recipe["template"], tokenizer: Tokenizer): number {
  const after = completion.slice(completion.lastIndexOf("{completion}") + "{completion}".length);
  return closingToken(tokenizer.encode(after), tokenizer) ?? tokenizer.eos;
}

/** The last of these ids where it is a special token, which stands for no text. */
function closingToken(ids: readonly number[], tokenizer: Tokenizer): number | null {
  const last = ids.at(-1);
  return last !== undefined && tokenizer.decode([last]) === "" ? last : null;
}

/**
 * Prompt and completion are tokenized apart, so that the mask is exact and generation sees the same prompt ids.
 * The end-of-text token follows, where the template does not end with a token of its own, and is trained.
 */
export function newDocument(
  example: Example,
  template: Recipe["template"],
  tokenizer: Tokenizer,
  lossOn: "completion" | "all",
  contextLength: number,
): Document {
  const prompt = encodePrompt(example.prompt, template, tokenizer);
  const completion = tokenizer.encode(applyTemplate(example, template).completion);
  const ends = closingToken(completion, tokenizer) === null ? [tokenizer.eos] : [];
  const tokens = [...prompt, ...completion, ...ends];
  const firstTrained = lossOn === "all" ? 1 : Math.max(1, prompt.length);
  const trained = new Uint8Array(tokens.length).fill(1, firstTrained);
  return { tokens, trained, promptLength: prompt.length, tooLong: tokens.length > contextLength };
}

/** A document as the preview shows it. */
export function newPreview(document: Document, tokenizer: Tokenizer): Omit<RowPreview, "context"> {
  const tokens = document.tokens.map(
    (id, i): PreviewToken => ({
      id,
      text: tokenizer.tokenText(id),
      trained: document.trained[i] === 1,
      ...(document.marks ? { marked: document.marks[i] === 1 } : {}),
      ...(document.parts?.[i] ? { part: document.parts[i] === 1 ? "steps" : "final" } : {}),
    }),
  );
  return { tokens, tooLong: document.tooLong };
}
