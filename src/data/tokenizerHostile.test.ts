/** @file Foreign tokenizers that mean harm: refused with a typed error and soon, whatever is in them. */

import { describe, expect, test } from "vitest";
import { StudioError } from "../core/errors";
import { newRandom } from "../core/random";
import { ggufPreTokenizers } from "./ggufPreTokenizer";
import { tokenizerFromGguf } from "./ggufTokenizer";
import { byteOfSymbol } from "./tokenBytes";
import { loadTokenizer } from "./tokenizer";
import { tokenizerFromMerges } from "./tokenizerFromMerges";
import { checkPattern } from "./tokenizerPatterns";

type Json = Record<string, unknown>;
const symbols = [...byteOfSymbol.keys()];
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };

function newTokenizerJson(changes: Json = {}, model: Json = {}): Json {
  const tokens = ["<eos>", ...symbols, "th", "the"];
  return {
    version: "1.0",
    added_tokens: [{ id: 0, content: "<eos>", special: true, normalized: false }],
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: "\\p{L}+|\\s+" }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [
        ["t", "h"],
        ["th", "e"],
      ],
      ...model,
    },
    ...changes,
  };
}

/** What came of loading it and of tokenizing a few hard texts; milliseconds. */
function outcomeOf(load: () => Json): { code: string; message: string; took: number } {
  const start = performance.now();
  try {
    const tokenizer = loadTokenizer(load(), {}, [0]);
    for (const text of ["the 你 1 <eos>", "a".repeat(2000), " ".repeat(2000), "a!".repeat(1000), "1".repeat(2000)])
      tokenizer.decode(tokenizer.encode(text));
    return { code: "loaded", message: "", took: performance.now() - start };
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    return { code: error.code, message: error.message, took: performance.now() - start };
  }
}

const split = (pattern: string) => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: false,
});
const withPattern = (pattern: string): Json =>
  newTokenizerJson({ pre_tokenizer: { type: "Sequence", pretokenizers: [split(pattern), byteLevel] } });

describe("patterns that backtrack for ever are refused", () => {
  test.each([
    "(a+)+$",
    "(a*)*b",
    "(a|a)*b",
    "(a|aa)+$",
    "(?:a?){50}a{50}",
    "(?:\\p{L}+\\s?)*!",
    "([a-z]+)*1",
    "(.*)*x",
    "(x+x+)+y",
    "(\\w+\\d*)+$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(?=(a+)+b)",
    "(a+)\\1+b",
    "a*a*a*a*a*b",
    "\\s*\\s*\\s*x",
    ".*.*.*!",
    "(?:ab)*(?:ab)*(?:ab)*c",
    "(((((((((a*)*)*)*)*)*)*)*)*)*b",
    "a{1,65536}b",
    "(",
    ")",
    "[",
    "\\p{Nope}+",
    "x".repeat(10_000),
    "(".repeat(1000) + ")".repeat(1000),
  ])("%s", (pattern) => {
    const { code, message, took } = outcomeOf(() => withPattern(pattern));
    expect(code).toBe("tokenizer.invalid");
    expect(message).not.toBe("");
    expect(took).toBeLessThan(2000);
  });

  test("those of real models pass", () => {
    for (const [name, { preTokenizer }] of ggufPreTokenizers) {
      const { code, message } = outcomeOf(() => newTokenizerJson({ pre_tokenizer: preTokenizer }));
      expect([name, code, message]).toEqual([name, "loaded", ""]);
    }
    for (const pattern of ["\\d{1,3}(?=(?:\\d{3})*\\b)", "(?=(\\d{3})+(?!\\d))", "[^\\r\\n]?+\\p{L}++", "a|b|[c\\]d]+"])
      expect(() => checkPattern(pattern, "x")).not.toThrow();
  });
});

const replace = (from: string, to: string) => ({ type: "Replace", pattern: { String: from }, content: to });
const nested = (depth: number): unknown => {
  let value: unknown = { type: "NFC" };
  for (let i = 0; i < depth; i++) value = { type: "Sequence", normalizers: [value] };
  return value;
};
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, i + 300]));

test.each<[string, () => Json, RegExp]>([
  [
    "a text doubled 40 times",
    () => newTokenizerJson({ normalizer: { type: "Sequence", normalizers: Array(40).fill(replace("a", "aa")) } }),
    /times as long/,
  ],
  [
    "an empty pattern that multiplies",
    () => newTokenizerJson({ normalizer: replace("", "x".repeat(1000)) }),
    /times as long/,
  ],
  [
    "a long prefix",
    () => newTokenizerJson({ normalizer: { type: "Prepend", prepend: "x".repeat(1e6) } }),
    /times as long/,
  ],
  ["100,000 levels", () => newTokenizerJson({ normalizer: nested(100_000) }), /beyond measure/],
  [
    "100,000 decoders",
    () => newTokenizerJson({ decoder: { type: "Sequence", decoders: Array(100_000).fill({ type: "Fuse" }) } }),
    /beyond measure/,
  ],
  ["a merge of no token", () => newTokenizerJson({}, { merges: [["t", "zz"]] }), /merges\[0\].*"zz"/],
  ["a merge that makes no token", () => newTokenizerJson({}, { merges: ["h t"] }), /merges\[0\].*"ht"/],
  ["a list for a vocabulary", () => newTokenizerJson({}, { vocab: [["a", 1]] }), /not an object/],
  [
    "an added token of a megabyte",
    () => newTokenizerJson({ added_tokens: [{ id: 1, content: "x".repeat(1e6) }] }),
    /1000000 characters/,
  ],
  ["an id beyond all", () => newTokenizerJson({}, { vocab: { a: 2 ** 31 } }), /below 2\^24/],
  ["a fraction", () => newTokenizerJson({}, { vocab: { a: 0.5 } }), /whole number/],
])("%s is refused", (_, json, words) => {
  const { code, message, took } = outcomeOf(json);
  expect([code, message]).toEqual(["tokenizer.invalid", expect.stringMatching(words)]);
  expect(took).toBeLessThan(2000);
});

test("a vocabulary of 300,000 tokens loads in time, and ten merges in a circle do no harm", () => {
  const vocab = { ...Object.fromEntries(symbols.map((symbol, id) => [symbol, id])), ...many(300_000) };
  expect(outcomeOf(() => newTokenizerJson({}, { vocab, merges: [] }))).toMatchObject({ code: "loaded" });
  const letters = { ...Object.fromEntries(symbols.map((symbol, id) => [symbol, id])), aa: 300, aaa: 301, aaaa: 302 };
  const merges = ["aa aa", "a a", "aa a", "a aa", "aaa a", "a aaa", "a a", "aa aa"];
  expect(outcomeOf(() => newTokenizerJson({}, { vocab: letters, merges }))).toMatchObject({ code: "loaded" });
});

test("names of objects' own making are tokens like others", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const text = `{${[...symbols, ...names].map((token, id) => `${JSON.stringify(token)}:${id}`).join(",")}}`;
  const vocab = JSON.parse(text) as Json;
  const tokenizer = loadTokenizer(
    newTokenizerJson(
      { added_tokens: [{ id: 256, content: "__proto__", special: false, normalized: false }] },
      { vocab, merges: [] },
    ),
    {},
    [0],
  );
  const ids = tokenizer.encode("a __proto__ constructor");
  expect(ids).toContain(256);
  expect(tokenizer.decode(ids)).toBe("a __proto__ constructor");
});

const strange = [null, 0, -1, 1e99, Number.NaN, "", "x", "__proto__", "(a+)+$", "a*a*a*b", [], {}, [[]], [null], true];
const known = ["Sequence", "ByteLevel", "Split", "Replace", "Metaspace", "Unigram", "WordPiece", "TemplateProcessing"];
const all = [...strange, ...known.map((type) => ({ type })), { Regex: "(x|x)*y" }, { String: "" }, "a".repeat(3000)];

/** Replaces, drops or doubles one value somewhere in the tree; large objects are entered at their first keys. */
function mutate(value: unknown, random: ReturnType<typeof newRandom>): unknown {
  if (typeof value !== "object" || value === null || random.next() < 0.12) return all[random.below(all.length)];
  const keys = Object.keys(value);
  if (keys.length === 0) return "x";
  const key = keys[random.below(Math.min(keys.length, 40))] ?? "";
  if (Array.isArray(value)) {
    if (random.next() < 0.1) return [...(value as unknown[]), ...(value as unknown[])];
    return value.with(Number(key), mutate(value[Number(key)], random));
  }
  const { [key]: inner, ...others } = value as Json;
  return random.next() < 0.1 ? others : { ...others, [key]: mutate(inner, random) };
}

test("20,000 mutants of a tokenizer.json load or are refused by name, each in time", { timeout: 120_000 }, () => {
  const random = newRandom(20_000);
  const base = newTokenizerJson();
  let [loaded, slowest] = [0, 0];
  for (let i = 0; i < 20_000; i++) {
    let json = mutate(base, random);
    if (i % 3 === 0) json = mutate(json, random);
    const start = performance.now();
    try {
      const tokenizer = loadTokenizer(json, {}, [0]);
      tokenizer.decode(tokenizer.encode("the 你 1 <eos> aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"));
      loaded++;
    } catch (error) {
      if (!(error instanceof StudioError) || error.code !== "tokenizer.invalid") throw error;
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  expect(loaded).toBeGreaterThan(1000);
  expect(loaded).toBeLessThan(19_000);
  expect(slowest).toBeLessThan(2000);
});

const gguf: Json = {
  "tokenizer.ggml.model": "gpt2",
  "tokenizer.ggml.pre": "smollm",
  "tokenizer.ggml.tokens": ["<eos>", ...symbols, "th", "the"],
  "tokenizer.ggml.token_type": [3, ...symbols.map(() => 1), 1, 1],
  "tokenizer.ggml.merges": ["t h", "th e"],
  "tokenizer.ggml.eos_token_id": 0,
  "tokenizer.ggml.add_bos_token": false,
};
const pieceTokens = [
  "<unk>",
  "<s>",
  "</s>",
  ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`),
  "▁",
  "a",
  "b",
  "▁a",
  "ab",
];
const pieces: Json = {
  "tokenizer.ggml.model": "llama",
  "tokenizer.ggml.tokens": pieceTokens,
  "tokenizer.ggml.scores": Float32Array.from(pieceTokens, (_, i) => -i),
  "tokenizer.ggml.token_type": pieceTokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)),
  "tokenizer.ggml.bos_token_id": 1,
  "tokenizer.ggml.eos_token_id": 2,
};
const openGguf = (metadata: Json) => tokenizerFromGguf(new Map(Object.entries(metadata)));

describe("a GGUF's tokenizer", () => {
  test("small ones load", () => {
    const [bpe, spm] = [gguf, pieces].map((metadata) => {
      const { tokenizerJson, tokenizerConfig, eosTokenIds } = openGguf(metadata);
      return loadTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds);
    });
    expect(bpe!.encode("the1")).toEqual([258, bpe!.encode("1")[0]]);
    expect(bpe!.prefix).toEqual([]);
    expect(spm!.encode("ab é")).toEqual(
      [262, 261, 259, ...new TextEncoder().encode("é")].map((id, i) => (i > 2 ? id + 3 : id)),
    );
    expect(spm!.decode(spm!.encode("ab é"))).toBe("ab é");
    expect([spm!.eos, spm!.prefix]).toEqual([2, [1]]);
  });

  test.each<[string, Json, RegExp]>([
    ["no tokenizer", { "tokenizer.ggml.model": undefined }, /has no tokenizer/],
    ["a unigram", { "tokenizer.ggml.model": "t5" }, /"t5"/],
    ["an unknown way to cut", { "tokenizer.ggml.pre": "mine" }, /"mine"/],
    ["a name of all objects", { "tokenizer.ggml.pre": "constructor" }, /"constructor"/],
    ["no tokens", { "tokenizer.ggml.tokens": undefined }, /tokens is missing/],
    ["tokens of numbers", { "tokenizer.ggml.tokens": [1, 2] }, /tokens\[0\] is not text/],
    ["tokens of another kind", { "tokenizer.ggml.tokens": "abc" }, /tokens is not an array/],
    ["an empty vocabulary", { "tokenizer.ggml.tokens": [], "tokenizer.ggml.token_type": [] }, /tokens is empty/],
    [
      "a token twice",
      { "tokenizer.ggml.tokens": ["a", "a"], "tokenizer.ggml.token_type": [1, 1] },
      /"a" is token 0 and token 1/,
    ],
    ["types for others", { "tokenizer.ggml.token_type": [1] }, /1 values for 259 tokens/],
    ["no merges", { "tokenizer.ggml.merges": undefined }, /merges is missing/],
    ["a merge of one", { "tokenizer.ggml.merges": ["th"] }, /merges\[0\] is not a pair/],
    ["a merge of no token", { "tokenizer.ggml.merges": ["t q q"] }, /merges\[0\]: "q q" is no token/],
    ["an end beyond all", { "tokenizer.ggml.eos_token_id": 999 }, /999 is not in the vocabulary/],
    ["an end that is a text", { "tokenizer.ggml.eos_token_id": "x" }, /"x" is not in the vocabulary/],
    ["a truth that is a number", { "tokenizer.ggml.add_bos_token": 1 }, /neither true nor false/],
    ["no scores", { ...pieces, "tokenizer.ggml.scores": undefined }, /scores is missing/],
    [
      "a token of 100,000 letters",
      { ...pieces, "tokenizer.ggml.tokens": pieceTokens.with(-1, "a".repeat(100_000)) },
      /too long a token/,
    ],
  ])("%s is refused", (_, changes, words) => {
    const metadata = Object.entries({ ...gguf, ...changes }).filter(([, value]) => value !== undefined);
    expect(() => openGguf(Object.fromEntries(metadata))).toThrow(
      expect.objectContaining({ code: "tokenizer.invalid", message: expect.stringMatching(words) as string }) as Error,
    );
  });

  test("2,000 mutants of each kind's metadata load or are refused by name", () => {
    const random = newRandom(3);
    for (let i = 0; i < 4000; i++) {
      const metadata = mutate(
        i % 2 ? gguf : { ...pieces, "tokenizer.ggml.scores": Array.from(pieceTokens, (_, at) => -at) },
        random,
      );
      try {
        const { tokenizerJson, tokenizerConfig } = openGguf((metadata ?? {}) as Json);
        const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig, [0]);
        tokenizer.decode(tokenizer.encode("the a b"));
      } catch (error) {
        if (!(error instanceof StudioError) || error.code !== "tokenizer.invalid") throw error;
      }
    }
  });
});

test.each<[string, unknown, string, Json, RegExp]>([
  ["no object", [], "", {}, /vocab.json is not an object/],
  ["a merge of three", {}, "#version: 0.2\na b\na b c\n", {}, /line 3/],
  ["an empty line", {}, "a b\n\na b", {}, /line 2/],
  ["another class", {}, "", { tokenizer_class: "BertTokenizer" }, /BertTokenizer/],
  ["a class of all objects", {}, "", { tokenizer_class: "constructor" }, /constructor/],
  ["an added token of no id", {}, "", { added_tokens_decoder: { x: {} } }, /added_tokens_decoder\["x"\]/],
])("vocab.json and merges.txt with %s are refused", (_, vocabulary, merges, config, words) => {
  expect(() => tokenizerFromMerges(vocabulary, merges, config)).toThrow(
    expect.objectContaining({ code: "tokenizer.invalid", message: expect.stringMatching(words) as string }) as Error,
  );
});
