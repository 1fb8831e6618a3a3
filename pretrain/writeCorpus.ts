/** @file Writes pretraining text, a JSON string a line: `node scripts/bundle.mjs pretrain/writeCorpus.ts FILE COUNT [FIRST] [SEED]`. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { newDocument } from "../src/data/synthesize/corpus";

const [, , file = ".cache/pretrain/corpus.jsonl", count = "1000", first = "0", seed = "1"] = process.argv;
const out = createWriteStream(file);
const characters: Record<string, number> = {};
for (let i = Number(first); i < Number(first) + Number(count); i++) {
  const { kind, text } = newDocument(Number(seed), i);
  characters[kind] = (characters[kind] ?? 0) + text.length;
  if (!out.write(`${JSON.stringify(text)}\n`)) await once(out, "drain");
}
out.end();
await once(out, "finish");
console.log(JSON.stringify(characters));
