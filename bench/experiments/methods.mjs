/**
 * The comparison of methods in docs/lab.md: `node bench/experiments/methods.mjs [PART…]`, after writeData.ts. Every part is
 * an ablation in .cache/experiments/results/PART that goes on where it was stopped; the same command again ends it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const folder = ".cache/experiments";
const seeds = "1,2,3,4,5";
const methods = "lora:8,loar,loar+lora:8,full,base";
const part = (name, finalRows, changes = {}) => ({ name, data: name, methods, finalRows, ...changes });

/** What is asked most of comes first. */
const parts = [
  part("plain-cot", 2000),
  part("distracted-cot", 500),
  part("plain-answer", 500),
  part("distracted-answer", 500),
  // Marks that know what distracts, as an upper bound of what an annotator can do; and the mask that hides.
  part("oracle-cot", 500, { variants: "bench/experiments/oracle.json", methods: "lora:8" }),
  part("distracted-hard", 500, {
    data: "distracted-cot",
    methods: "loar:hard+lora:8,loar:gate+lora:8,loar:literal+lora:8",
  }),
];

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !parts.some((each) => each.name === name));
if (unknown) throw new Error(`${unknown} is none of ${parts.map(({ name }) => name).join(", ")}`);
mkdirSync(`${folder}/results`, { recursive: true });
for (const { name, data, methods, variants, finalRows } of parts) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`── ${name} ──`);
  const words = ["scripts/anneal.mjs", "ablate", "quickstart", "--methods", methods, "--seeds", seeds];
  if (variants) words.push("--variants", variants);
  words.push("--data", `${folder}/${data}-train.jsonl`, "--eval", `${folder}/${data}-heldout.jsonl`);
  words.push("--eval-rows", "50", "--final-rows", String(finalRows), "--out", `${folder}/results/${name}`);
  const { status } = spawnSync(process.execPath, words, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
