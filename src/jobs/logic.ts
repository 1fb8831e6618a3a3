/** @file Which tokens carry logic, for a recipe whose adapter asks: of rows, of prompts, and of answers as they come. */

import { methodOf } from "../core/adaptation";
import type { Annotator } from "../core/annotator";
import type { Example, Span } from "../core/dataset";
import type { Recipe } from "../core/recipe";
import { markTable, markTokens, newMarks, promptMarks } from "../data/logicMarks";
import { type Annotate, newAnnotate } from "../data/logicSpans";
import type { Document } from "../data/mask";
import type { Tokenizer } from "../data/tokenizer";

export type Logic = {
  /** Of exactly the document that the example becomes. [n] */
  ofDocument: (example: Example, document: Document) => Uint8Array;
  /** Of exactly the ids that the prompt becomes under the template. [n] */
  ofPrompt: (prompt: string, spans?: Span[], template?: Recipe["template"]) => Uint8Array;
  /** Of ids that are this text. [n] */
  ofText: (ids: readonly number[], text: string) => Uint8Array;
  /** Of an answer's tokens, each by itself. [V] */
  table: Uint8Array;
};

type Marker = { annotate: Annotate; table: Uint8Array };
const markers = new WeakMap<Tokenizer, Map<string, Promise<Marker>>>();

/** Made once for each tokenizer and annotator: the table asks for every token of the vocabulary. */
function newMarker(annotator: Annotator, tokenizer: Tokenizer): Promise<Marker> {
  const known = markers.get(tokenizer) ?? new Map<string, Promise<Marker>>();
  markers.set(tokenizer, known);
  const key = JSON.stringify(annotator);
  const make = async () => ({
    annotate: await newAnnotate(annotator),
    table: await markTable(tokenizer, annotator),
  });
  const marker = known.get(key) ?? make();
  known.set(key, marker);
  return marker;
}

/** Null where no method asks for marks. Throws `recipe.invalid` where a pattern of the user's is none. */
export async function newLogic(
  { adaptation, template }: Pick<Recipe, "adaptation" | "template">,
  tokenizer: Tokenizer,
): Promise<Logic | null> {
  const loar = methodOf(adaptation, "loar");
  if (!loar) return null;
  const { annotate, table } = await newMarker(loar.annotator, tokenizer);
  return {
    ofDocument: (example, document) => newMarks(example, template, tokenizer, annotate, table, document),
    ofPrompt: (prompt, spans, around = template) => promptMarks(prompt, around, tokenizer, annotate, spans),
    ofText: (ids, text) => markTokens(ids, tokenizer, text, annotate(text)),
    table,
  };
}
