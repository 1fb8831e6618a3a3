/** @file Ids that a GGUF file's tokenizer gives: `node scripts/bundle.mjs interop/ggufTokenizer.ts FILE TEXTS OUT`. */

import { openAsBlob } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { blobSource } from "../src/core/byteSource";
import { tokenizerFromGguf } from "../src/data/ggufTokenizer";
import { loadTokenizer } from "../src/data/tokenizer";
import { openGguf } from "../src/formats/gguf";

const [, , file = "", textsFile = "", out = ""] = process.argv;
const { metadata } = await openGguf(blobSource(await openAsBlob(file), path.basename(file)));
const { tokenizerJson, tokenizerConfig, eosTokenIds } = tokenizerFromGguf(metadata);
const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig, eosTokenIds);
const texts = JSON.parse(await readFile(textsFile, "utf8")) as string[];
const results = texts.map((text) => tokenizer.encode(text));
const { eos, prefix, vocabSize } = tokenizer;
await writeFile(out, JSON.stringify({ eos, prefix, vocabSize, eosTokenIds, tokenizerConfig, tokenizerJson, results }));
