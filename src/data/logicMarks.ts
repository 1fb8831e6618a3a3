/** @file Which tokens carry logic: those of a prompt by the spans of its text, those of an answer each by its own text. */

import type { Annotator } from "../core/annotator";
import type { Example, Span } from "../core/dataset";
import type { Recipe } from "../core/recipe";
import { type Annotate, newAnnotate } from "./logicSpans";
import { mergeSpans } from "./logicText";
import { type Document, encodePrompt, newDocument } from "./mask";
import { applyTemplate } from "./template";
import type { Tokenizer } from "./tokenizer";

/** What a token is wherever it stands. `part` has bytes of a character that is not whole in it. */
type Shape = { kind: "text" | "special" | "part"; text: string; bytes: number };

const known = new WeakMap<Tokenizer, (Shape | undefined)[]>();

function readShape(id: number, tokenizer: Tokenizer): Shape {
  const shown = tokenizer.tokenText(id);
  const text = tokenizer.decode([id]);
  if (text === "" && shown.trim() !== "") return { kind: "special", text: shown, bytes: 0 };
  const isPart = text.includes("\uFFFD") && /^(?:<0x[0-9A-F]{2}>)+$/.test(shown);
  if (isPart) return { kind: "part", text: "", bytes: shown.length / "<0x00>".length };
  // Decoders that join pieces of words show a piece by the vocabulary's name ("##ing").
  return { kind: "text", text: shown.trim() === text.trim() ? shown : text, bytes: 0 };
}

/** The shapes of tokens, each read once. */
function shapesOf(tokenizer: Tokenizer): (id: number) => Shape {
  const shapes = known.get(tokenizer) ?? [];
  known.set(tokenizer, shapes);
  return (id) => (shapes[id] ??= readShape(id, tokenizer));
}

const utf8Length = (code: number): number => (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);

/** How far ahead a token's text is looked for where the tokenizer has changed the text (a normal form, a first space). */
const lookAhead = 64;

/**
 * Where each token's text stands in the text that was tokenized, as start and end in turn. Tokens that share a character
 * all have it; special tokens that are not in the text (a beginning-of-text token) have an empty place.
 */
export function tokenPlaces(ids: readonly number[], tokenizer: Tokenizer, text: string): Int32Array {
  const places = new Int32Array(2 * ids.length); // [n, 2]
  const shapeOf = shapesOf(tokenizer);
  let at = 0;
  let bytesIn = 0; // bytes of the character at `at` that tokens before have
  const unitsAt = () => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  const takeBytes = (count: number): number => {
    for (let left = count; left > 0 && at < text.length; ) {
      const size = utf8Length(text.codePointAt(at) ?? 0);
      const taken = Math.min(left, size - bytesIn);
      left -= taken;
      bytesIn += taken;
      if (bytesIn === size) [at, bytesIn] = [at + unitsAt(), 0];
    }
    return bytesIn > 0 ? at + unitsAt() : at;
  };
  ids.forEach((id, i) => {
    const shape = shapeOf(id);
    let [start, end] = [at, at];
    if (shape.kind === "part") end = takeBytes(shape.bytes);
    else {
      if (bytesIn > 0) [at, bytesIn] = [Math.min(text.length, at + unitsAt()), 0];
      start = at;
      if (text.startsWith(shape.text, at)) end = at + shape.text.length;
      else if (shape.kind === "special") end = at;
      else [start, end] = findNear(shape.text, text, at);
      at = end;
    }
    places[2 * i] = start;
    places[2 * i + 1] = end;
  });
  return places;
}

function findNear(token: string, text: string, at: number): [number, number] {
  // SentencePiece puts a space before the first word.
  if (token.startsWith(" ") && text.startsWith(token.slice(1), at)) return [at, at + token.length - 1];
  const wanted = token.trim();
  const ahead = wanted === "" ? -1 : text.slice(at, at + lookAhead + wanted.length).indexOf(wanted);
  if (ahead >= 0) return [at + ahead, at + ahead + wanted.length];
  return [at, Math.min(text.length, at + wanted.length)];
}

/**
 * 1 where a token's text overlaps a span, and for special tokens, which carry structure. [n]
 * @param text what the ids were tokenized from; `spans` are sorted, apart, and lie in it.
 */
export function markTokens(
  ids: readonly number[],
  tokenizer: Tokenizer,
  text: string,
  spans: readonly Span[],
): Uint8Array<ArrayBuffer> {
  const shapeOf = shapesOf(tokenizer);
  const places = tokenPlaces(ids, tokenizer, text);
  const marks = new Uint8Array(ids.length);
  let next = 0;
  ids.forEach((id, i) => {
    const [start, end] = [places[2 * i] ?? 0, places[2 * i + 1] ?? 0];
    while ((spans[next]?.[1] ?? Infinity) <= start) next++;
    const isWithin = (spans[next]?.[0] ?? Infinity) < end;
    marks[i] = isWithin || shapeOf(id).kind === "special" ? 1 : 0;
  });
  return marks;
}

/** Spans of a prompt within its template. The template's own texts are looked at apart, so that each prompt's are its own. */
function templateSpans(
  { prompt, spans }: Pick<Example, "prompt" | "spans">,
  template: Recipe["template"],
  annotate: Annotate,
): Span[] {
  const found: Span[] = [];
  let at = 0;
  const add = (text: string, own: readonly Span[]) => {
    for (const [start, end] of own) found.push([at + start, at + end]);
    at += text.length;
  };
  template.prompt.split("{prompt}").forEach((around, i) => {
    if (i > 0) add(prompt, annotate(prompt, spans));
    add(around, annotate(around, [])); // a row's spans say nothing about the template
  });
  return mergeSpans(found);
}

function marksOfPrompt(
  ids: readonly number[],
  example: Pick<Example, "prompt" | "spans">,
  template: Recipe["template"],
  tokenizer: Tokenizer,
  annotate: Annotate,
): Uint8Array<ArrayBuffer> {
  const text = applyTemplate({ prompt: example.prompt, completion: "" }, template).prompt;
  const marks = markTokens(ids, tokenizer, text, templateSpans(example, template, annotate));
  marks.fill(1, 0, 1); // what every token may look at
  return marks;
}

/** The marks of exactly the ids that `encodePrompt` gives. [n] */
export function promptMarks(
  prompt: string,
  template: Recipe["template"],
  tokenizer: Tokenizer,
  annotate: Annotate,
  spans?: Span[],
): Uint8Array<ArrayBuffer> {
  const example = { prompt, ...(spans && { spans }) };
  return marksOfPrompt(encodePrompt(prompt, template, tokenizer), example, template, tokenizer, annotate);
}

/**
 * The marks of exactly the tokens that `newDocument` gives: the prompt's by its spans, the answer's by `markTable`. [n]
 * @param made the document's tokens and how many of them are the prompt's, where they are at hand: to tokenize again takes
 * longer than to mark.
 */
export function newMarks(
  example: Example,
  template: Recipe["template"],
  tokenizer: Tokenizer,
  annotate: Annotate,
  table: Uint8Array,
  made: Pick<Document, "tokens" | "promptLength"> = newDocument(example, template, tokenizer, "completion", Infinity),
): Uint8Array<ArrayBuffer> {
  const { tokens, promptLength } = made;
  const marks = Uint8Array.from(tokens, (id) => table[id] ?? 0);
  marks.set(marksOfPrompt(tokens.slice(0, promptLength), example, template, tokenizer, annotate));
  marks.fill(1, 0, 1); // the first of them all, where the prompt is empty
  return marks;
}

/** Within a word, a beginning in lower case is the rest of one: "ten" of "often" is no number. */
const restOfWord = /^\p{Ll}[\p{L}\p{M}]*/u;

/**
 * Whether a token carries logic by its own text, for the tokens of an answer: they are marked as they come, and in training
 * the same. Special tokens do; bytes of a character that is not whole do not. Where the marks are the rows' own, every token
 * of an answer does, as spans speak of prompts alone. Throws as `newAnnotate`. [V]
 */
export async function markTable(tokenizer: Tokenizer, annotator: Annotator): Promise<Uint8Array<ArrayBuffer>> {
  const table = new Uint8Array(tokenizer.vocabSize);
  if (annotator.kind === "spans") return table.fill(1);
  const annotate = await newAnnotate(annotator);
  const hasWords = annotator.kind === "maths" || annotator.kind === "contract";
  for (let id = 0; id < table.length; id++) {
    const { kind, text } = readShape(id, tokenizer);
    const own = hasWords ? text.replace(restOfWord, "") : text;
    table[id] = kind === "special" || annotate(own).length > 0 ? 1 : 0;
  }
  return table;
}
