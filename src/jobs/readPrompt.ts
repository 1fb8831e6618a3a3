/** @file A prompt as an adapter is given it: its tokens with their marks, and one head's attention over them. */

import type { PreviewToken, PromptAttention } from "../core/engine";
import type { Recipe } from "../core/recipe";
import type { Turns } from "../core/turns";
import { encodePrompt } from "../data/mask";
import type { Tokenizer } from "../data/tokenizer";
import type { Adapter } from "../model/adapterParts";
import { readHeadAttention } from "../model/routing";
import type { LoadedModel } from "./loadModel";
import { newLogic } from "./logic";

/** Tokens over which attention is shown: more than fit on a page tell nothing. */
const mostTokens = 256;

type Asking = Pick<Recipe, "template" | "adaptation">;

async function readTokens(prompt: string, recipe: Asking, tokenizer: Tokenizer) {
  const ids = encodePrompt(prompt, recipe.template, tokenizer);
  const logic = await newLogic(recipe, tokenizer);
  return { ids, marks: logic?.ofPrompt(prompt) };
}

const shown = (ids: readonly number[], marks: Uint8Array | undefined, tokenizer: Tokenizer) =>
  ids.map(
    (id, i): PreviewToken => ({
      id,
      text: tokenizer.tokenText(id),
      trained: false,
      ...(marks ? { marked: marks[i] === 1 } : {}),
    }),
  );

/** Throws `recipe.invalid` where a pattern of the recipe's is none. */
export async function previewPrompt(prompt: string, recipe: Asking, tokenizer: Tokenizer): Promise<PreviewToken[]> {
  const { ids, marks } = await readTokens(prompt, recipe, tokenizer);
  return shown(ids, marks, tokenizer);
}

/** The first tokens of the prompt where it is long. */
export async function readAttention(
  { prompt, layer, head }: { prompt: string; layer: number; head: number },
  recipe: Asking,
  { model, adapter, turns }: { model: LoadedModel; adapter: Adapter; turns: Turns },
): Promise<PromptAttention> {
  const { ids, marks } = await readTokens(prompt, recipe, model.tokenizer);
  const tokens = ids.slice(0, mostTokens);
  const given = { tokens, marks: marks?.slice(0, mostTokens), layer, head };
  const attention = await turns(() => readHeadAttention(model.llama, adapter, given));
  return { tokens: shown(tokens, marks, model.tokenizer), ...attention };
}
