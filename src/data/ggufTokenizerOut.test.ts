/** @file Tokenizers written into GGUF metadata: read again they give the same ids, and what llama.cpp cannot do is refused. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../core/byteSource";
import { openGguf } from "../formats/gguf";
import { readGgufHeader } from "../formats/ggufHeader";
import { type GgufTyped, planGguf } from "../formats/ggufWriter";
import { tokenizerFromGguf } from "./ggufTokenizer";
import { findGgufPreTokenizer, newGgufTokenizer, type TokenizerSource } from "./ggufTokenizerOut";
import nasty from "./golden/nasty.json";
import { loadTokenizer } from "./tokenizer";
import { tokenizerFromMerges } from "./tokenizerFromMerges";

type Json = Record<string, unknown>;
const shared = process.env["ANNEAL_SHARED"] ?? "../shared";
const isThere = existsSync(path.join(shared, "tokenizers")) || Boolean(process.env["CI"]);
const readText = (...parts: string[]) => readFileSync(path.join(...parts), "utf8");
const readJson = (...parts: string[]) => JSON.parse(readText(...parts)) as Json;

const embedded = () => readJson("public", "embedded", "tokenizer.json");
const texts: string[] = [
  ...nasty,
  "Question: Tom has 1,072 apples; 48/2=24.\nAnswer: <<48/2=24>> #### 24",
  "  two  spaces\n\n\nand lines",
  "½ ٣ Ⅷ 12345",
  "日本語 と 👩‍👩‍👧",
];

const sourceOf = (tokenizerJson: Json, changes: Partial<TokenizerSource> = {}): TokenizerSource => ({
  tokenizerJson,
  tokenizerConfig: {},
  vocabSize: Object.keys((tokenizerJson["model"] as { vocab: Json }).vocab).length,
  bosTokenId: null,
  eosTokenIds: [0],
  chatTemplate: null,
  ...changes,
});

async function readAgain(written: ReadonlyMap<string, GgufTyped>) {
  const { metadata } = await readGgufHeader(bytesSource(planGguf(written, new Map()).head, "written"));
  return { metadata, ...tokenizerFromGguf(metadata) };
}

/** Ids of all texts are the same before and after. */
async function expectSameIds(source: TokenizerSource): Promise<ReadonlyMap<string, unknown>> {
  const before = loadTokenizer(source.tokenizerJson, source.tokenizerConfig, source.eosTokenIds);
  const { metadata, tokenizerJson, tokenizerConfig, eosTokenIds } = await readAgain(newGgufTokenizer(source));
  const after = loadTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds);
  for (const text of texts) expect([text, after.encode(text)]).toEqual([text, before.encode(text)]);
  expect([after.eos, after.prefix]).toEqual([before.eos, before.prefix]);
  expect(eosTokenIds.slice(0, source.eosTokenIds.length)).toEqual([...source.eosTokenIds]);
  return metadata;
}

describe("the embedded base's", () => {
  it("is cut as SmolLM's, digits one by one", async () => {
    const metadata = await expectSameIds(
      sourceOf(embedded(), {
        vocabSize: 1030,
        chatTemplate: "{{ x }}",
        tokenizerConfig: { pad_token: "<|endoftext|>" },
      }),
    );
    expect(metadata.get("tokenizer.ggml.model")).toBe("gpt2");
    expect(metadata.get("tokenizer.ggml.pre")).toBe("smollm");
    expect(metadata.get("tokenizer.ggml.add_bos_token")).toBe(false);
    expect(metadata.get("tokenizer.ggml.eos_token_id")).toBe(0);
    expect(metadata.get("tokenizer.ggml.padding_token_id")).toBe(0);
    expect(metadata.has("tokenizer.ggml.bos_token_id")).toBe(false);
    expect(metadata.get("tokenizer.chat_template")).toBe("{{ x }}");
    const tokens = metadata.get("tokenizer.ggml.tokens") as string[];
    const types = metadata.get("tokenizer.ggml.token_type") as number[];
    expect([tokens.length, tokens[1029], types[1029], types[0], types[1]]).toEqual([1030, "[PAD1029]", 5, 3, 1]);
  });
});

describe.skipIf(!isThere)("real tokenizers", { timeout: 120_000 }, () => {
  it.each([
    ["smollm2-135m-instruct", "smollm", 49152, [2]],
    ["gpt2-hf-pretty", "gpt-2", 50257, [50256]],
  ])("%s", async (folder, pre, vocabSize, eosTokenIds) => {
    const json = readJson(shared, "tokenizers", folder, "tokenizer.json");
    const metadata = await expectSameIds(sourceOf(json, { vocabSize, eosTokenIds }));
    expect(metadata.get("tokenizer.ggml.pre")).toBe(pre);
  });

  it("Qwen 2.5's, with rows that have no token", async () => {
    const folder = path.join(shared, "tokenizers", "qwen2.5");
    const config = readJson(folder, "tokenizer_config.json");
    const json = tokenizerFromMerges(readJson(folder, "vocab.json"), readText(folder, "merges.txt"), config);
    const changes = { tokenizerConfig: config, vocabSize: 151_936, eosTokenIds: [151_645, 151_643] };
    const metadata = await expectSameIds(sourceOf(json, changes));
    expect(metadata.get("tokenizer.ggml.pre")).toBe("qwen2");
    expect(metadata.get("tokenizer.ggml.eot_token_id")).toBe(151_643);
  });

  it("Phi 3's, which is Llama 2's, with scores", async () => {
    const given = readJson(shared, "tokenizers", "phi3", "tokenizer.json");
    // That </s> takes the spaces after it with it is lost, as the file's head says.
    const added = given["added_tokens"] as Json[];
    const json = { ...given, added_tokens: added.map((token) => ({ ...token, rstrip: false })) };
    const metadata = await expectSameIds(sourceOf(json, { vocabSize: 32_064, eosTokenIds: [32_000, 32_007] }));
    expect(metadata.get("tokenizer.ggml.model")).toBe("llama");
    expect(metadata.get("tokenizer.ggml.add_space_prefix")).toBe(true);
    expect(metadata.get("tokenizer.ggml.add_bos_token")).toBe(true);
    expect(metadata.get("tokenizer.ggml.bos_token_id")).toBe(1);
    expect(metadata.get("tokenizer.ggml.unknown_token_id")).toBe(0);
    const types = metadata.get("tokenizer.ggml.token_type") as number[];
    expect([types[0], types[1], types[2], types[3], types[300], types[32_063]]).toEqual([2, 3, 4, 6, 1, 5]);
  });

  it("stories260K's", async () => {
    const file = readFileSync(path.join(shared, "models/stories260K/stories260K-f32.gguf"));
    const { metadata: first } = await openGguf(bytesSource(file, "stories"));
    const { tokenizerJson, tokenizerConfig, eosTokenIds } = tokenizerFromGguf(first);
    const metadata = await expectSameIds(sourceOf(tokenizerJson, { tokenizerConfig, eosTokenIds, bosTokenId: 1 }));
    expect(metadata.get("tokenizer.ggml.tokens")).toEqual(first.get("tokenizer.ggml.tokens"));
    expect(metadata.get("tokenizer.ggml.token_type")).toEqual(first.get("tokenizer.ggml.token_type"));
  });
});

/** Bytes, and "ab" "abc" of a, b, c, as SentencePiece has them. */
function byteFallback(merges: [string, string][], vocabulary: string[]): Json {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "▁", "a", "b", "c", ...vocabulary];
  return {
    added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      byte_fallback: true,
      fuse_unk: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

describe("SentencePiece's scores", () => {
  it("order the merges", async () => {
    const json = byteFallback(
      [
        ["b", "c"],
        ["a", "b"],
        ["a", "bc"],
        ["ab", "c"],
      ],
      ["ab", "bc", "abc"],
    );
    const metadata = await expectSameIds(sourceOf(json, { eosTokenIds: [2] }));
    const scores = metadata.get("tokenizer.ggml.scores") as number[];
    expect(scores.slice(263)).toEqual([-2, -1, -3]);
    expect(metadata.get("tokenizer.ggml.add_space_prefix")).toBe(false);
  });

  it.each([
    [
      "that do not stand together",
      [
        ["a", "b"],
        ["ab", "c"],
        ["b", "c"],
        ["a", "bc"],
      ],
      /make "abc" do not stand together/,
    ],
    [
      "that leave out a way",
      [
        ["a", "b"],
        ["b", "c"],
        ["ab", "c"],
      ],
      /would join \["a","bc"\]/,
    ],
  ] as [string, [string, string][], RegExp][])("refuse merges %s", (_, merges, message) => {
    expect(() => newGgufTokenizer(sourceOf(byteFallback(merges, ["ab", "bc", "abc"])))).toThrow(message);
  });
});

describe("what llama.cpp cannot do", () => {
  const split = (pattern: string) => ({
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
      { type: "ByteLevel", add_prefix_space: false, use_regex: false },
    ],
  });
  const byteLevel = { type: "ByteLevel", add_prefix_space: true, use_regex: true };
  const refused: [what: string, changes: Json, message: RegExp][] = [
    ["a pattern of one's own", { pre_tokenizer: split("my-own") }, /no name for this way of cutting words.*my-own/],
    ["a space put first", { pre_tokenizer: byteLevel }, /no name for this way.*add_prefix_space/],
    ["another normalizer", { normalizer: { type: "Lowercase" } }, /no name for this way.*Lowercase/],
  ];
  it.each(refused)("%s", (_, changes, message) => {
    const make = () => newGgufTokenizer(sourceOf({ ...embedded(), ...changes }));
    expect(make).toThrow(message);
    expect(make).toThrow(/export the model as safetensors instead/);
    expect(make).toThrow(expect.objectContaining({ code: "tokenizer.invalid" }));
  });

  it("a vocabulary of more tokens than rows, and none that names a padding's text", () => {
    expect(() => newGgufTokenizer(sourceOf(embedded(), { vocabSize: 1000 }))).toThrow(/is number 1\d\d\d of 1000/);
    const json = embedded();
    const model = json["model"] as { vocab: Record<string, number> };
    const clash = { ...json, model: { ...model, vocab: { ...model.vocab, "[PAD1025]": 1024 } } };
    expect(() => newGgufTokenizer(sourceOf(clash, { vocabSize: 1026 }))).toThrow(/two tokens have the same text/);
  });

  it("merged words only where the file says so", () => {
    const json = embedded();
    const llama3 = {
      ...json,
      pre_tokenizer: split(
        String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
      ),
    };
    expect(findGgufPreTokenizer(llama3)).toBe("dbrx");
    const ignoring = { ...llama3, model: { ...(json["model"] as Json), ignore_merges: true } };
    expect(findGgufPreTokenizer(ignoring)).toBe("llama-bpe");
  });
});
