/** @file Writes the data sets that ship: `node scripts/bundle.mjs pretrain/writeData.ts [folder]`. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { newProblemSets, shippedSizes } from "../src/data/synthesize/problemSets";

const folder = process.argv[2] ?? "public/embedded";
mkdirSync(folder, { recursive: true });
for (const [name, problems] of Object.entries(newProblemSets(1, shippedSizes))) {
  const lines = problems.map(({ question, answer }) => JSON.stringify({ question, answer })).join("\n");
  const bytes = `${lines}\n`;
  writeFileSync(path.join(folder, `${name}.jsonl`), bytes);
  console.log(name, problems.length, createHash("sha256").update(bytes).digest("hex"));
}
