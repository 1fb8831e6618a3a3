/** @file Marks stand at exactly the tokens of a document, where the tokenizers library says that their texts are. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Annotator } from "../core/annotator";
import type { Example, Span } from "../core/dataset";
import { gsm8kTemplate } from "../core/recipe";
import nasty from "./golden/nasty.json";
import golden from "./golden/tokenPlaces.json";
import { markTable, markTokens, newMarks, promptMarks, tokenPlaces } from "./logicMarks";
import { newAnnotate } from "./logicSpans";
import { encodePrompt, newDocument } from "./mask";
import { loadTokenizer, type Tokenizer } from "./tokenizer";
import { tokenizerFromMerges } from "./tokenizerFromMerges";

const shared = process.env["ANNEAL_SHARED"] ?? "../shared";
const isThere = existsSync(path.join(shared, "tokenizers"));
const readJson = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), "utf8")) as unknown;
const load = (folder: string) => loadTokenizer(readJson(folder, "tokenizer.json"), {}, [0]);
const embedded = load("public/embedded");

/** A place without the white space at its ends, which tokenizers give to one token or another. */
function trimmed(text: string, start: number, end: number): [number, number] {
  const own = text.slice(start, end);
  return [start + own.length - own.trimStart().length, end - own.length + own.trimEnd().length];
}

/** Places are the library's; a token of white space alone is left out, as nothing is marked by it. */
function expectPlaces(
  tokenizer: Tokenizer,
  lists: readonly (number | number[])[][],
  skipped: readonly number[] = [],
): number {
  let compared = 0;
  for (const [number, places] of lists as [number, number[]][]) {
    const text = nasty[number]!;
    const own = tokenPlaces(tokenizer.encode(text), tokenizer, text);
    expect(own.length).toBe(places.length);
    for (let i = 0; i < own.length && !skipped.includes(number); i += 2) {
      const [start, end] = trimmed(text, own[i]!, own[i + 1]!);
      if (start >= end) continue;
      expect([number, i, start, end]).toEqual([number, i, ...trimmed(text, places[i]!, places[i + 1]!)]);
      compared++;
    }
  }
  return compared;
}

describe("the places of tokens are those of the tokenizers library", () => {
  test("embedded", () => expect(expectPlaces(embedded, golden.embedded)).toBeGreaterThan(1700));
  test.skipIf(!isThere && !process.env["CI"])("smollm2, phi3", () => {
    const smollm = load(path.join(shared, "tokenizers/smollm2-135m-instruct"));
    // This vocabulary drops some control characters; the library then gives every later token the place before its own.
    const control = nasty.findIndex((text) => text.startsWith("\u0000\u0001"));
    expect(expectPlaces(smollm, golden["smollm2-135m-instruct"], [control])).toBeGreaterThan(1100);
    // A text that has this tokenizer's own sign for a space.
    const sign = nasty.findIndex((text) => text.includes("▁▁"));
    expect(expectPlaces(load(path.join(shared, "tokenizers/phi3")), golden.phi3, [sign])).toBeGreaterThan(1000);
  });
});

test("every character lies in the place of a token, and places go forward, whatever the text", () => {
  const text = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ unit: "grapheme", maxLength: 40 }));
  fc.assert(
    fc.property(text, (value) => {
      const ids = embedded.encode(value);
      const places = tokenPlaces(ids, embedded, value);
      let [last, covered] = [0, 0];
      for (let i = 0; i < ids.length; i++) {
        const [start, end] = [places[2 * i]!, places[2 * i + 1]!];
        expect(start).toBeGreaterThanOrEqual(last);
        expect(start).toBeLessThanOrEqual(covered);
        expect(end).toBeGreaterThan(start);
        [last, covered] = [start, Math.max(covered, end)];
      }
      expect(covered).toBe(value.length);
    }),
    { numRuns: 200, seed: 1 },
  );
});

test("tokens are marked where they overlap a span, all bytes of a character together", () => {
  const text = "ab 😀c 你";
  const ids = embedded.encode(text);
  const places = tokenPlaces(ids, embedded, text);
  expect(ids.length).toBeGreaterThan(7); // both characters are cut into bytes
  for (let start = 0; start < text.length; start++) {
    for (let end = start + 1; end <= text.length; end++) {
      const expected = ids.map((_, i) => (places[2 * i]! < end && places[2 * i + 1]! > start ? 1 : 0));
      expect([...markTokens(ids, embedded, text, [[start, end]])]).toEqual(expected);
    }
  }
  const smile = text.indexOf("😀");
  const marked = ids.filter((_, i) => markTokens(ids, embedded, text, [[smile, smile + 1]])[i] === 1);
  expect(embedded.decode(marked).trim()).toBe("😀");
});

test.skipIf(!isThere && !process.env["CI"])(
  "places come right again where the tokenizer writes a text in another form",
  () => {
    const folder = path.join(shared, "tokenizers", "qwen2.5");
    const config = readJson(folder, "tokenizer_config.json") as Record<string, unknown>;
    const merges = readFileSync(path.join(folder, "merges.txt"), "utf8");
    const qwen = loadTokenizer(tokenizerFromMerges(readJson(folder, "vocab.json"), merges, config), config, []);
    const text = "cafe\u0301 e\u0301te\u0301 pays 12 cafe\u0301s"; // becomes é in one character
    const ids = qwen.encode(text);
    const at = text.indexOf("12");
    const marks = markTokens(ids, qwen, text, [[at, at + 2]]);
    expect(qwen.decode(ids.filter((_, i) => marks[i] === 1)).trim()).toBe("12");
  },
);

const question = "Tom naps. Ann has 12 pens and gives 5 away. How many are left?";
const answer = "Ann has <<12-5=7>>7 pens left.\n#### 7";

/** A text with brackets around the tokens that are marked. */
const shown = (ids: readonly number[], marks: Uint8Array) =>
  ids
    .map((id, i) => (marks[i] === 1 ? `[${embedded.tokenText(id)}]` : embedded.tokenText(id)))
    .join("")
    .replaceAll("][", "");

test("a document: the prompt by what its text says, the template's own words not, the answer token by token", async () => {
  const annotator: Annotator = { kind: "maths" };
  const [annotate, table] = [await newAnnotate(annotator), await markTable(embedded, annotator)];
  const example = { prompt: question, completion: answer };
  const { tokens } = newDocument(example, gsm8kTemplate, embedded, "completion", 512);
  const marks = newMarks(example, gsm8kTemplate, embedded, annotate, table);
  expect(shown(tokens, marks)).toBe(
    "[Question]: Tom naps. Ann has [12 pens] and gives [5] away.[ How many are left?]\n" +
      "Answer: Ann has[ <<12-5=7>>7] pens[ left].\n[####] [7<|endoftext|>]",
  );
  const numbered = { ...gsm8kTemplate, prompt: "Step 1 of 2: {prompt} ({prompt})" };
  const ids = encodePrompt("7 is odd", numbered, embedded);
  expect(shown(ids, promptMarks("7 is odd", numbered, embedded, annotate))).toBe(
    "[S]tep [1] of [2]: [7] is odd ([7] is odd)",
  );
});

test("the row's spans stand where the template puts the prompt", async () => {
  const annotate = await newAnnotate({ kind: "spans" });
  const table = await markTable(embedded, { kind: "spans" });
  const spans: Span[] = [[10, 43]];
  const example: Example = { prompt: question, completion: answer, spans };
  const { tokens } = newDocument(example, gsm8kTemplate, embedded, "completion", 512);
  const marks = newMarks(example, gsm8kTemplate, embedded, annotate, table);
  expect(shown(tokens, marks)).toBe(
    `[Question]: Tom naps.[ Ann has 12 pens and gives 5 away.] How many are left?\nAnswer:[ ${answer}<|endoftext|>]`,
  );
  const given = promptMarks(question, gsm8kTemplate, embedded, annotate, spans);
  expect([...given]).toEqual([...marks.slice(0, given.length)]);
  const without = promptMarks(question, gsm8kTemplate, embedded, annotate);
  expect(shown(encodePrompt(question, gsm8kTemplate, embedded), without)).toBe(`[Question]:[ ${question}]\nAnswer:`);
});

test("marks have the length of the document and agree with what a generation sees, whatever the row", async () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom("", "<|endoftext|>", "5 <|endoftext|> 7", "一半"),
  );
  for (const annotator of [
    { kind: "maths" },
    { kind: "code" },
    { kind: "patterns", patterns: ["\\d+"] },
    { kind: "spans" },
  ] as Annotator[]) {
    const [annotate, table] = [await newAnnotate(annotator), await markTable(embedded, annotator)];
    fc.assert(
      fc.property(
        texts,
        texts,
        fc.constantFrom("{prompt}", gsm8kTemplate.prompt, "<|endoftext|>{prompt} 3"),
        (prompt, completion, own) => {
          const template = { ...gsm8kTemplate, prompt: own };
          const example = { prompt, completion };
          const { tokens } = newDocument(example, template, embedded, "all", 512);
          const marks = newMarks(example, template, embedded, annotate, table);
          expect(marks.length).toBe(tokens.length);
          const before = promptMarks(prompt, template, embedded, annotate);
          expect(before.length).toBe(encodePrompt(prompt, template, embedded).length);
          expect([...marks.slice(0, before.length)]).toEqual([...before]);
          const rest = Array.from(tokens.slice(Math.max(1, before.length)), (id) => table[id]);
          expect([...marks.slice(Math.max(1, before.length))]).toEqual(rest);
          expect(marks[0]).toBe(1);
          expect(marks.every((mark) => mark === 0 || mark === 1)).toBe(true);
          tokens.forEach((id, i) => id === embedded.eos && expect(marks[i]).toBe(1));
          const made = { tokens, promptLength: before.length };
          expect(newMarks(example, template, embedded, annotate, table, made)).toEqual(marks);
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  }
});

test("the table: digits, signs and words that relate, by a token's own text alone", async () => {
  const marked = async (annotator: Annotator) => {
    const table = await markTable(embedded, annotator);
    expect(table.length).toBe(embedded.vocabSize);
    return new Set(
      Array.from(table.keys())
        .filter((id) => table[id] === 1)
        .map(embedded.tokenText),
    );
  };
  const maths = await marked({ kind: "maths" });
  for (const text of [
    "0",
    "9",
    "+",
    "-",
    "*",
    "/",
    "=",
    "<<",
    ">>",
    "####",
    " each",
    " left",
    "$",
    "?",
    "<|endoftext|>",
  ])
    expect(maths).toContain(text);
  for (const text of [" pens", " has", ".", ",", "e", "\n", " ", "o"]) expect(maths).not.toContain(text);
  expect(await marked({ kind: "patterns", patterns: ["^ (?:has|gives)$"] })).toEqual(
    new Set(["<|endoftext|>", " has", " gives"]),
  );
  expect((await marked({ kind: "spans" })).size).toBeGreaterThan(900);
  await expect(markTable(embedded, { kind: "patterns", patterns: ["("] })).rejects.toMatchObject({
    code: "recipe.invalid",
  });
});

test("eight thousand rows are marked in under two seconds of work", async () => {
  const annotator: Annotator = { kind: "maths" };
  const [annotate, table] = [await newAnnotate(annotator), await markTable(embedded, annotator)];
  const rows = readFileSync("public/embedded/train.jsonl", "utf8").trimEnd().split("\n");
  expect(rows.length).toBe(8000);
  const documents = rows.map((line) => {
    const row = JSON.parse(line) as { question: string; answer: string };
    const example = { prompt: row.question, completion: row.answer };
    const { tokens, trained } = newDocument(example, gsm8kTemplate, embedded, "completion", 512);
    return { example, made: { tokens, promptLength: trained.indexOf(1) } };
  });
  const before = process.cpuUsage();
  for (const { example, made } of documents) newMarks(example, gsm8kTemplate, embedded, annotate, table, made);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(2000);
});
