/** @file Ids equal to the tokenizers library's on thousands of texts (interop/tokenizerGoldens.py made the goldens). */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { bytesSource } from "../core/byteSource";
import { openGguf } from "../formats/gguf";
import { tokenizerFromGguf } from "./ggufTokenizer";
import nasty from "./golden/nasty.json";
import goldens from "./golden/tokenizers.json";
import { loadTokenizer, type Tokenizer } from "./tokenizer";
import { tokenizerFromMerges } from "./tokenizerFromMerges";

const shared = process.env["ANNEAL_SHARED"] ?? "../shared";
const isThere = existsSync(path.join(shared, "tokenizers"));
const readJson = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), "utf8")) as unknown;

const fields: Record<string, string[]> = {
  "gsm8k/train.jsonl": ["question", "answer"],
  "gsm8k/test.jsonl": ["question", "answer"],
  "cmath/cmath_dev.jsonl": ["input"],
};

function readTexts(file: string): string[] {
  if (file === "nasty") return nasty;
  const lines = readFileSync(path.join(shared, "data", file), "utf8")
    .trimEnd()
    .split("\n");
  return lines.flatMap((line) => {
    const row = JSON.parse(line) as Record<string, unknown>;
    return (fields[file] ?? []).flatMap((key) => (typeof row[key] === "string" ? [row[key]] : []));
  });
}

type Golden = Record<string, { texts: number; tokens: number; sha256: string; first: (number | number[])[][] }>;

function expectIds(tokenizer: Tokenizer, golden: Golden, choose: (texts: string[]) => string[] = (texts) => texts) {
  for (const [file, { texts: count, tokens, sha256, first }] of Object.entries(golden)) {
    const texts = choose(readTexts(file));
    const hash = createHash("sha256");
    let total = 0;
    const all = texts.map((text) => tokenizer.encode(text));
    for (const ids of all) {
      total += ids.length;
      hash.update(Uint32Array.from([...ids, 0xffffffff]));
    }
    for (const [i, ids] of first) expect([texts[Number(i)], all[Number(i)]]).toEqual([texts[Number(i)], ids]);
    expect([texts.length, total]).toEqual([count, tokens]);
    expect(hash.digest("hex")).toBe(sha256);
  }
}

describe.skipIf(!isThere && !process.env["CI"])("ids are the original's", () => {
  const load = (folder: string) => loadTokenizer(readJson(folder, "tokenizer.json"), {}, [0]);
  test.each(["smollm2-135m-instruct", "gpt2-hf-pretty", "phi3"] as const)("%s", (name) => {
    expectIds(load(path.join(shared, "tokenizers", name)), goldens[name]);
  });
  test("embedded", () => expectIds(load("public/embedded"), goldens.embedded));
  test("qwen2.5, of vocab.json and merges.txt", () => {
    const folder = path.join(shared, "tokenizers", "qwen2.5");
    const config = readJson(folder, "tokenizer_config.json") as Record<string, unknown>;
    const merges = readFileSync(path.join(folder, "merges.txt"), "utf8");
    const json = tokenizerFromMerges(readJson(folder, "vocab.json"), merges, config);
    const tokenizer = loadTokenizer(json, config, []);
    expect([tokenizer.eos, tokenizer.prefix]).toEqual([151645, []]);
    expectIds(tokenizer, goldens["qwen2.5"]);
  });
  test("stories260K, of its GGUF, against llama2.c's own way", async () => {
    const bytes = readFileSync(path.join(shared, "models/stories260K/stories260K-f32.gguf"));
    const source = bytesSource(new Uint8Array(bytes), "stories260K-f32.gguf");
    const { metadata } = await openGguf(source);
    const { tokenizerJson, tokenizerConfig, eosTokenIds } = tokenizerFromGguf(metadata);
    const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds);
    expect([tokenizer.eos, tokenizer.prefix, tokenizer.vocabSize]).toEqual([2, [1], 512]);
    expectIds(tokenizer, goldens.stories260K, (texts) =>
      texts.filter((text) => Array.from(text).length < 400 && !text.includes("<")).slice(0, 200),
    );
  });
});
