/** @file Masks, packing and batches: every document once an epoch, no segment mixed, every weight where it belongs. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Batch, padded } from "../core/batch";
import { newRandom } from "../core/random";
import { gsm8kTemplate } from "../core/recipe";
import { newBatcher, newEvaluationBatches } from "./batches";
import { type Document, encodePrompt, newDocument, newPreview } from "./mask";
import { newBatch, packFirstFit } from "./pack";
import type { Tokenizer } from "./tokenizer";

/** One token a code point; 0 ends a text, 1 begins it. */
const tokenizer: Tokenizer = {
  encode: (text) => Array.from(text, (character) => character.codePointAt(0) ?? 0),
  decode: (ids) => String.fromCodePoint(...ids),
  newDecoder: () => (ids) => String.fromCodePoint(...ids),
  vocabSize: 0x110000,
  eos: 0,
  prefix: [1],
  tokenText: (id) => (id === 0 ? "<eos>" : id === 1 ? "<bos>" : String.fromCodePoint(id)),
};

/** A document whose first token names it. */
function newNamed(name: number, length: number): Document {
  const tokens = [1000 + name, ...Array.from({ length: length - 1 }, (_, i) => i + 1)];
  return { tokens, trained: new Uint8Array(length).fill(1, Math.ceil(length / 3)), promptLength: 1, tooLong: false };
}

function newDocuments(count: number, longest: number, seed: number): Document[] {
  const random = newRandom(seed);
  return Array.from({ length: count }, (_, i) => newNamed(i, 2 + random.below(longest - 1)));
}

/** Reads the documents back out of a batch, checking every cell on the way. */
function readBack(batch: Batch): { name: number; tokens: number[]; row: number }[] {
  const found: { name: number; tokens: number[]; row: number }[] = [];
  const wrong: string[] = [];
  let trained = 0;
  for (let row = 0; row < batch.rows; row++) {
    let segment = 0;
    for (let t = 0; t < batch.length; t++) {
      const at = row * batch.length + t;
      const check = (holds: boolean, what: string) => holds || wrong.push(`${what} at row ${row}, place ${t}`);
      const [token = 0, target, weight = 0, position = 0, here = 0] = [
        batch.tokens[at],
        batch.targets[at],
        batch.weights[at],
        batch.positions[at],
        batch.segments[at],
      ];
      trained += weight;
      if (here === 0) {
        check(token === 0 && target === 0 && weight === 0 && position === 0, "padding");
        continue;
      }
      if (here !== segment) {
        check(here === segment + 1 && position === 0, "first token");
        segment = here;
        found.push({ name: token - 1000, tokens: [], row });
      } else check(position === (batch.positions[at - 1] ?? 0) + 1, "position");
      found.at(-1)?.tokens.push(token);
      // A target is the next token of the same document, and nothing is asked across a border.
      if (t + 1 < batch.length && batch.segments[at + 1] === here) check(target === batch.tokens[at + 1], "target");
      else check(target === 0 && weight === 0, "border");
    }
  }
  expect(wrong).toEqual([]);
  expect(batch.trained).toBe(trained);
  return found;
}

const cases = fc.record({
  count: fc.integer({ min: 1, max: 120 }),
  rows: fc.integer({ min: 1, max: 17 }),
  contextLength: fc.integer({ min: 8, max: 90 }),
  seed: fc.nat(),
  mode: fc.constantFrom("bucket" as const, "pack" as const),
});

test("every document exactly once an epoch, whole, in any mode", () => {
  fc.assert(
    fc.property(cases, ({ count, rows, contextLength, seed, mode }) => {
      const documents = newDocuments(count, contextLength, seed);
      const batcher = newBatcher({ documents, rows, mode, contextLength, seed });
      expect(batcher.documentsPerEpoch).toBe(count);
      for (const epoch of [0, 1]) {
        const seen: number[] = [];
        let tokens = 0;
        for (let i = 0; i < batcher.batchesPerEpoch; i++) {
          const index = epoch * batcher.batchesPerEpoch + i;
          const made = batcher.batch(index);
          expect(made.epoch).toBeCloseTo((index + 1) / batcher.batchesPerEpoch, 12);
          expect(made.batch.length).toBeLessThanOrEqual(contextLength);
          const found = readBack(made.batch);
          expect(found.length).toBeLessThanOrEqual(rows);
          if (mode === "bucket") expect(new Set(found.map(({ row }) => row)).size).toBe(found.length);
          for (const { name, tokens: read } of found) {
            expect(read).toEqual(documents[name]?.tokens);
            seen.push(name);
          }
          expect(made.tokens).toBe(found.reduce((sum, { tokens: read }) => sum + read.length, 0));
          tokens += made.tokens;
        }
        expect(seen.sort((a, b) => a - b)).toEqual(documents.map((_, i) => i));
        expect(tokens).toBe(documents.reduce((sum, document) => sum + document.tokens.length, 0));
      }
    }),
    { seed: 11, numRuns: 30 },
  );
});

test("a batch depends on seed and index alone, so that a run resumes at any step", () => {
  fc.assert(
    fc.property(cases, fc.nat({ max: 200 }), ({ count, rows, contextLength, seed, mode }, index) => {
      const documents = newDocuments(count, contextLength, seed);
      const options = { documents, rows, mode, contextLength, seed };
      const first = newBatcher(options);
      for (let i = 0; i < 5; i++) first.batch(i);
      expect(newBatcher(options).batch(index)).toEqual(first.batch(index));
    }),
    { seed: 12, numRuns: 40 },
  );
});

test("epochs and seeds differ in order", () => {
  const documents = newDocuments(64, 40, 1);
  const names = (seed: number, index: number, mode: "bucket" | "pack") =>
    readBack(newBatcher({ documents, rows: 8, mode, contextLength: 40, seed }).batch(index).batch).map(
      ({ name }) => name,
    );
  for (const mode of ["bucket", "pack"] as const) {
    expect(names(1, 0, mode)).not.toEqual(names(2, 0, mode));
    expect(names(1, 0, mode)).not.toEqual(names(1, 8, mode));
  }
});

test("like lengths together waste little", () => {
  const documents = newDocuments(4000, 200, 3);
  const batcher = newBatcher({ documents, rows: 16, mode: "bucket", contextLength: 256, seed: 3 });
  let cells = 0;
  let used = 0;
  for (let i = 0; i < batcher.batchesPerEpoch; i++) {
    const { batch, tokens } = batcher.batch(i);
    cells += batch.rows * batch.length;
    used += tokens;
  }
  expect(used / cells).toBeGreaterThan(0.8); // about half without buckets
});

test("first-fit opens no row that an earlier one had room for", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 2, max: 50 }), { minLength: 1, maxLength: 40 }), (lengths) => {
      const documents = lengths.map((length, i) => newNamed(i, length));
      const rows = packFirstFit(documents, 50);
      const used = rows.map((row) => row.reduce((sum, { tokens }) => sum + tokens.length, 0));
      expect(Math.max(...used)).toBeLessThanOrEqual(50);
      expect(rows.flat().length).toBe(documents.length);
      // Two rows at most half full would have been one.
      expect(used.filter((n) => n <= 25).length).toBeLessThanOrEqual(1);
    }),
    { seed: 13, numRuns: 300 },
  );
});

test("rows too long or with nothing to train are left out; with none left it says so", () => {
  const usable = newNamed(0, 5);
  const documents = [
    usable,
    { ...newNamed(1, 5), promptLength: 1, tooLong: true },
    { ...newNamed(2, 5), trained: new Uint8Array(5) },
  ];
  const batcher = newBatcher({ documents, rows: 4, mode: "bucket", contextLength: 8, seed: 1 });
  expect(readBack(batcher.batch(7).batch).map(({ name }) => name)).toEqual([0]);
  expect(() =>
    newBatcher({ documents: documents.slice(1), rows: 4, mode: "bucket", contextLength: 8, seed: 1 }),
  ).toThrow(expect.objectContaining({ code: "run.rows" }) as Error);
  expect(newEvaluationBatches(documents, 2).map((batch) => batch.rows)).toEqual([1]);
  expect(newEvaluationBatches([], 2)).toEqual([]);
});

test("evaluation sees every document once, and padding to 16 changes no weight", () => {
  const documents = newDocuments(50, 40, 5);
  const batches = newEvaluationBatches(documents, 8);
  const found = batches.flatMap(readBack);
  expect(found.map(({ name }) => name).sort((a, b) => a - b)).toEqual(documents.map((_, i) => i));
  const trained = documents.reduce((sum, document) => sum + document.trained.reduce((s, x) => s + x, 0), 0);
  expect(batches.reduce((sum, batch) => sum + batch.trained, 0)).toBe(trained);
  // no row of a batch is all padding at its end
  for (const { rows, length, segments } of batches) {
    expect(
      Array.from({ length: rows }, (_, b) => segments[(b + 1) * length - 1]).some((segment) => segment !== 0),
    ).toBe(true);
  }
});

test("packed rows are as long as the longest document where nothing else is said", () => {
  const documents = [3, 9, 4, 5, 2].map((n): Document => {
    return {
      tokens: Array.from({ length: n }, () => 7),
      trained: new Uint8Array(n).fill(1),
      promptLength: 1,
      tooLong: false,
    };
  });
  const pack = { documents, rows: 5, mode: "pack", contextLength: 1000, seed: 1 } as const;
  expect(newBatcher(pack).batch(0).batch).toMatchObject({ rows: 3, length: 9 });
  expect(newBatcher({ ...pack, capacity: 30 }).batch(0).batch).toMatchObject({ rows: 1, length: 23 });
});

test("a batch of known cells, and the same with padding behind it", () => {
  const a: Document = { tokens: [5, 6, 7], trained: Uint8Array.of(0, 0, 1), promptLength: 1, tooLong: false };
  const b: Document = { tokens: [8, 9], trained: Uint8Array.of(0, 1), promptLength: 1, tooLong: false };
  const batch = newBatch([[a, b]]);
  expect(batch.length).toBe(5);
  expect(padded(batch, 4)).toBe(batch);
  expect(padded(batch, 6)).toEqual({
    rows: 1,
    length: 6,
    tokens: Int32Array.of(5, 6, 7, 8, 9, 0),
    targets: Int32Array.of(6, 7, 0, 9, 0, 0),
    weights: Float32Array.of(0, 1, 0, 1, 0, 0),
    positions: Int32Array.of(0, 1, 2, 0, 1, 0),
    segments: Int32Array.of(1, 1, 1, 2, 2, 0),
    trained: 2,
  });
});

test("the mask begins with the completion and ends with the end of text", () => {
  const example = { prompt: "p", completion: "c" };
  const document = newDocument(example, gsm8kTemplate, tokenizer, "completion", 100);
  const preview = newPreview(document, tokenizer);
  expect(preview.tokens.map(({ text }) => text).join("")).toBe("<bos>Question: p\nAnswer: c<eos>");
  expect(
    preview.tokens
      .filter(({ trained }) => trained)
      .map(({ text }) => text)
      .join(""),
  ).toBe(" c<eos>");
  expect(document.tokens.slice(0, -3)).toEqual(encodePrompt("p", gsm8kTemplate, tokenizer));
  const all = newDocument(example, gsm8kTemplate, tokenizer, "all", 100);
  expect(all.trained[0]).toBe(0);
  expect(all.trained.reduce((sum, x) => sum + x, 0)).toBe(all.tokens.length - 1);
});

test("one token too many is too long, and is not cut", () => {
  const example = { prompt: "p", completion: "c" };
  const length = newDocument(example, gsm8kTemplate, tokenizer, "completion", 100).tokens.length;
  expect(newDocument(example, gsm8kTemplate, tokenizer, "completion", length).tooLong).toBe(false);
  const long = newDocument(example, gsm8kTemplate, tokenizer, "completion", length - 1);
  expect([long.tooLong, long.tokens.length]).toEqual([true, length]);
});

test("with no prompt and no beginning the first token is no target", () => {
  const bare = { ...tokenizer, prefix: [] };
  const document = newDocument(
    { prompt: "", completion: "abc" },
    { prompt: "{prompt}", completion: "{completion}" },
    bare,
    "completion",
    9,
  );
  expect(Array.from(document.trained)).toEqual([0, 1, 1, 1]);
});
