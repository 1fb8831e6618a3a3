/** @file Ids that a GGUF file's tokenizer gives: `node scripts/bundle.mjs interop/ggufTokenizer.ts FILE TEXTS OUT`. */

import { open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { tokenizerFromGguf } from "../src/data/ggufTokenizer";
import { loadTokenizer } from "../src/data/tokenizer";
import { openGguf } from "../src/formats/gguf";

const [, , file = "", textsFile = "", out = ""] = process.argv;
const handle = await open(file);
const { size } = await handle.stat();
const { metadata } = await openGguf({
  name: path.basename(file),
  size,
  async read(offset, length) {
    const bytes = new Uint8Array(length);
    await handle.read(bytes, 0, length, offset);
    return bytes;
  },
});
await handle.close();
const { tokenizerJson, tokenizerConfig, eosTokenIds } = tokenizerFromGguf(metadata);
const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds);
const texts = JSON.parse(await readFile(textsFile, "utf8")) as string[];
const results = texts.map((text) => tokenizer.encode(text));
const { eos, prefix, vocabSize } = tokenizer;
await writeFile(out, JSON.stringify({ eos, prefix, vocabSize, eosTokenIds, tokenizerConfig, tokenizerJson, results }));
