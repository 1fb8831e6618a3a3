/**
 * @file Writes the data sets of the experiments about distracting sentences and about answers without working:
 * `node scripts/bundle.mjs bench/experiments/writeData.ts [folder]` (.cache/experiments by default).
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type DistractedProblem, distract, logicSpansOf } from "../../src/data/synthesize/distract";
import { newProblemSets } from "../../src/data/synthesize/problemSets";
import { newRandom } from "../../src/data/synthesize/random";

const folder = process.argv[2] ?? ".cache/experiments";
const seed = 1;

/** `#### 72`: the answer without its working. */
const lastLine = (answer: string): string => answer.slice(answer.lastIndexOf("####"));

type Row = { question: string; answer: string; logic_spans?: [number, number][] };

function write(name: string, rows: readonly Row[]): void {
  const bytes = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  writeFileSync(path.join(folder, `${name}.jsonl`), bytes);
  console.log(name, rows.length, createHash("sha256").update(bytes).digest("hex"));
}

mkdirSync(folder, { recursive: true });
// The first rows are those that ship; a problem is in plain, distracted and oracle sets at the same place.
const sets = newProblemSets(seed, { train: 8000, heldout: 2000, unseen: 0 });
for (const side of ["train", "heldout"] as const) {
  const random = newRandom(seed, `distract ${side}`);
  const distracted: DistractedProblem[] = sets[side].map((problem) => distract(problem, random.int(1, 3), random));
  for (const style of ["cot", "answer"] as const) {
    const row = ({ question, answer }: { question: string; answer: string }): Row => {
      return { question, answer: style === "cot" ? answer : lastLine(answer) };
    };
    write(`plain-${style}-${side}`, sets[side].map(row));
    write(`distracted-${style}-${side}`, distracted.map(row));
    // The same rows with the perfect annotation: everything but the distracting sentences.
    const oracle = distracted.map((problem) => ({ ...row(problem), logic_spans: logicSpansOf(problem) }));
    write(`oracle-${style}-${side}`, oracle);
  }
}
