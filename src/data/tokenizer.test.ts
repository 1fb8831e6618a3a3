/** @file Tokenizers: text survives, streams never show half a character, and a broken file is named. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StudioError } from "../core/errors";
import { newRandom } from "../core/random";
import { byteOfSymbol } from "./tokenBytes";
import { loadTokenizer, type Tokenizer } from "./tokenizer";

const eosToken = {
  id: 0,
  content: "<eos>",
  special: true,
  normalized: false,
  lstrip: false,
  rstrip: false,
  single_word: false,
};

/** Byte-level BPE with a few merges, one of them over half of 你 (E4 BD A0). */
function newByteLevel(): Record<string, unknown> {
  const symbolOf = new Map([...byteOfSymbol].map(([symbol, byte]) => [byte, symbol]));
  const symbols = (...bytes: number[]) => bytes.map((byte) => symbolOf.get(byte) ?? "").join("");
  const merges = [
    ["t", "h"],
    ["th", "e"],
    [symbols(0x20), "the"],
    [symbols(0xe4), symbols(0xbd)],
  ];
  const tokens = ["<eos>", ...byteOfSymbol.keys(), ...merges.map((pair) => pair.join(""))];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    added_tokens: [eosToken],
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges, unk_token: null },
  };
}

/** SentencePiece's kind: ▁ for spaces, byte fallback, a beginning-of-text token. */
function newByteFallback(): Record<string, unknown> {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = ["<eos>", "<unk>", "<s>", ...bytes, "▁", "a", "b", "▁a", "ab"];
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  const bos = { ...eosToken, id: 2, content: "<s>" };
  return {
    version: "1.0",
    added_tokens: [eosToken, bos],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [2], tokens: ["<s>"] } },
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        strip,
      ],
    },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [
        ["▁", "a"],
        ["a", "b"],
      ],
      unk_token: "<unk>",
      byte_fallback: true,
    },
  };
}

const byteLevel = loadTokenizer(newByteLevel(), { eos_token: "<eos>" }, []);
const byteFallback = loadTokenizer(newByteFallback(), { eos_token: { content: "<eos>" } }, []);

const text = fc
  .array(
    fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(" the", "你好", "🎉", "a b", "\u0000", "\ufeff", "\r\n")),
  )
  .map((parts) => parts.join(""))
  .filter((joined) => !joined.includes("<eos>") && !joined.includes("<s>") && !joined.includes("▁"));

describe.each<[string, Tokenizer]>([
  ["byte level", byteLevel],
  ["byte fallback", byteFallback],
])("%s", (_, tokenizer) => {
  test("any text comes back whole", () => {
    fc.assert(
      fc.property(text, (original) => {
        expect(tokenizer.decode(tokenizer.encode(original))).toBe(original);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  test("a stream, however cut, is a beginning of the whole and never takes anything back", () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 5 })), (original, cuts) => {
        const ids = tokenizer.encode(original);
        const decoder = tokenizer.newDecoder();
        let shown = "";
        let at = 0;
        for (const size of [...cuts, ids.length]) {
          shown += decoder(ids.slice(at, at + size));
          at = Math.min(ids.length, at + size);
          expect(original.startsWith(shown)).toBe(true);
        }
        expect(shown).toBe(original);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test("any ids at all: the stream is the whole but for an unfinished last character", () => {
    const id = fc.nat({ max: tokenizer.vocabSize + 2 });
    fc.assert(
      fc.property(fc.array(id, { maxLength: 40 }), (ids) => {
        const decoder = tokenizer.newDecoder();
        const shown = ids.map((one) => decoder([one])).join("");
        const whole = tokenizer.decode(ids);
        expect(whole.startsWith(shown)).toBe(true);
        expect(whole.slice(shown.length)).toMatch(/^\uFFFD*$/);
        expect(whole.length - shown.length).toBeLessThanOrEqual(3);
      }),
      { seed: 8, numRuns: 1000 },
    );
  });

  test("special tokens decode to nothing and show their name", () => {
    expect(tokenizer.decode([...tokenizer.encode("ab"), tokenizer.eos])).toBe("ab");
    expect(tokenizer.newDecoder()([tokenizer.eos])).toBe("");
    expect(tokenizer.tokenText(tokenizer.eos)).toBe("<eos>");
    expect(tokenizer.encode("")).toEqual([]);
    expect(tokenizer.decode([])).toBe("");
  });
});

test("half a character shows as bytes in the preview and not at all in a stream", () => {
  const ids = byteLevel.encode("你");
  expect(ids.map(byteLevel.tokenText)).toEqual(["<0xE4><0xBD>", "<0xA0>"]);
  const decoder = byteLevel.newDecoder();
  expect(ids.map((id) => decoder([id]))).toEqual(["", "你"]);
});

test("bytes that can never become a character show at once", () => {
  const symbolId = (byte: number) => 1 + [...byteOfSymbol.values()].indexOf(byte);
  const decoder = byteLevel.newDecoder();
  expect(decoder([symbolId(0xa0)])).toBe("\uFFFD");
  expect(decoder([symbolId(0xe4)])).toBe("");
  expect(decoder([symbolId(0x41)])).toBe("\uFFFDA");
});

test("what the model expects before a text is known, and not part of encode", () => {
  expect(byteFallback.prefix).toEqual([2]);
  expect(byteFallback.encode("a")).toEqual([byteFallback.encode("a b")[0]]);
  expect(byteLevel.prefix).toEqual([]);
});

test("the end of text comes from the model first", () => {
  expect(loadTokenizer(newByteLevel(), { eos_token: "<eos>" }, [5, 6]).eos).toBe(5);
  expect(() => loadTokenizer(newByteLevel(), {}, [])).toThrow(/No end-of-text/);
  expect(() => loadTokenizer(newByteLevel(), { eos_token: "<nope>" }, [])).toThrow(/No end-of-text/);
  expect(() => loadTokenizer(newByteLevel(), {}, [100_000])).toThrow(/not in the vocabulary/);
});

test.each<[string, (json: Record<string, Record<string, unknown>>) => unknown, RegExp]>([
  ["no object", () => [], /tokenizer.json is not an object/],
  ["nothing", () => null, /tokenizer.json is not an object/],
  ["no model", (json) => ({ ...json, model: null }), /model is not an object/],
  ["no vocabulary", (json) => ({ ...json, model: { ...json["model"], vocab: {} } }), /vocab is empty/],
  ["an id that is no number", (json) => ({ ...json, model: { ...json["model"], vocab: { a: "1" } } }), /id of "a"/],
  ["a huge id", (json) => ({ ...json, model: { ...json["model"], vocab: { a: 4e9 } } }), /id of "a"/],
  ["an id twice", (json) => ({ ...json, model: { ...json["model"], vocab: { a: 1, b: 1 } } }), /id 1 stands twice/],
  ["a merge of three", (json) => ({ ...json, model: { ...json["model"], merges: ["a b c"] } }), /merges\[0\]/],
  ["merges of another kind", (json) => ({ ...json, model: { ...json["model"], merges: { a: 1 } } }), /merges is not/],
  ["an unknown decoder", (json) => ({ ...json, decoder: { type: "Nope" } }), /cannot be read: Unknown Decoder/],
  ["an unknown model", (json) => ({ ...json, model: { ...json["model"], type: "Nope", vocab: 1 } }), /vocab/],
  ["added tokens of another kind", (json) => ({ ...json, added_tokens: [1] }), /added_tokens\[0\]/],
  ["no bytes", (json) => ({ ...json, model: { ...json["model"], vocab: { a: 0 }, merges: [] } }), /text would be lost/],
])("%s is refused", (_, change, detail) => {
  const json = newByteLevel() as Record<string, Record<string, unknown>>;
  expect(() => loadTokenizer(change(json), {}, [0])).toThrow(
    expect.objectContaining({ code: "tokenizer.invalid", message: expect.stringMatching(detail) as string }) as Error,
  );
});

test("2,000 mutants of a tokenizer.json load or fail with a typed error", () => {
  const random = newRandom(2000);
  const values = [
    null,
    0,
    -1,
    1e99,
    "",
    "x",
    "__proto__",
    [],
    {},
    [[]],
    true,
    { type: "Sequence" },
    { type: "ByteLevel" },
  ];
  /** Replaces one value somewhere in the tree. */
  const mutate = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null || random.next() < 0.15) return values[random.below(values.length)];
    const keys = Object.keys(value);
    if (keys.length === 0) return "x";
    const key = keys[random.below(keys.length)] ?? "";
    if (Array.isArray(value)) return value.with(Number(key), mutate(value[Number(key)]));
    return { ...value, [key]: mutate((value as Record<string, unknown>)[key]) };
  };
  let loaded = 0;
  for (let i = 0; i < 2000; i++) {
    const base = i % 2 === 0 ? newByteLevel() : newByteFallback();
    try {
      const tokenizer = loadTokenizer(mutate(base), {}, [0]);
      tokenizer.decode(tokenizer.encode("the 你 1"));
      loaded++;
    } catch (error) {
      if (!(error instanceof StudioError) || error.code !== "tokenizer.invalid") throw error;
    }
  }
  expect(loaded).toBeGreaterThan(100);
  expect(loaded).toBeLessThan(1900);
});

const shared = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "tokenizers");
test.skipIf(!existsSync(shared) && !process.env["CI"]).each([
  ["smollm2-135m-instruct", 49152, []],
  ["gpt2-hf-pretty", 50257, []],
  ["phi3", 32045, [1]],
])("%s loads, and text survives it", { timeout: 60_000 }, (folder, vocabSize, prefix) => {
  const json: unknown = JSON.parse(readFileSync(path.join(shared, folder, "tokenizer.json"), "utf8"));
  const tokenizer = loadTokenizer(json, {}, [0]);
  expect(tokenizer.vocabSize).toBe(vocabSize);
  expect(tokenizer.prefix).toEqual(prefix);
  for (const original of ["Question: 1,072 apples?\n#### 72", "数学 🎉 é\u0301", " two  spaces ", "<<48/2=24>>"]) {
    const ids = tokenizer.encode(original);
    expect(tokenizer.decode(ids)).toBe(original);
    const decoder = tokenizer.newDecoder();
    expect(ids.map((id) => decoder([id])).join("")).toBe(original);
  }
});
