/**
 * Rewards against more imitation: `node bench/experiments/rewards.mjs [SEED…]`, after writeData.ts. For each seed 300 worked
 * solutions are imitated; from that one checkpoint GRPO, PPO and DPO on its own answers learn from the
 * other problems' answers, and imitation goes on with the same solutions for as long as GRPO took. What is there
 * already is not made again: the same command goes on. Ends with a table of held-out strict accuracy.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = ".cache/experiments";
const solutions = 300;
const heldout = 500;
const seeds = process.argv.slice(2).map(Number);
if (seeds.length === 0) seeds.push(1, 2, 3);

/** Mulberry32, so that the split depends on the seed alone. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function splitRows(seed, at) {
  const rows = readFileSync(`${folder}/plain-cot-train.jsonl`, "utf8").trimEnd().split("\n");
  const next = random(seed);
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  writeFileSync(`${at}/solutions.jsonl`, `${rows.slice(0, solutions).join("\n")}\n`);
  writeFileSync(`${at}/problems.jsonl`, `${rows.slice(solutions).join("\n")}\n`);
}

const linesOf = (out) =>
  existsSync(`${out}/metrics.jsonl`)
    ? readFileSync(`${out}/metrics.jsonl`, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];
const isDone = (out) =>
  existsSync(`${out}/run.json`) && JSON.parse(readFileSync(`${out}/run.json`, "utf8")).run.status === "done";
const secondsOf = (out) => Math.max(0, ...linesOf(out).map(({ seconds = 0 }) => seconds));
const last = (out) => linesOf(out).findLast(({ event }) => event === "eval");

function train(out, recipe, words) {
  if (isDone(out)) return;
  mkdirSync(out, { recursive: true });
  const file = `${out}.json`;
  writeFileSync(file, JSON.stringify(recipe, null, 2));
  const resume = existsSync(`${out}/run.json`);
  const given = resume ? ["--resume"] : [file, ...words];
  const { status } = spawnSync(process.execPath, ["scripts/anneal.mjs", "train", ...given, "--out", out], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** A quickstart as the command line writes it down, changed. */
function recipeOf(name, changes) {
  const out = `${folder}/rewards/${name}-recipe`;
  if (!existsSync(`${out}/recipe.json`)) {
    const words = ["scripts/anneal.mjs", "train", name, "--steps", "1", "--eval-rows", "0", "--quiet", "--out", out];
    spawnSync(process.execPath, words, { stdio: "inherit" });
  }
  const { sftFirst: _, ...recipe } = JSON.parse(readFileSync(`${out}/recipe.json`, "utf8"));
  const { schedule, evaluation, ...rest } = changes;
  return {
    ...recipe,
    ...rest,
    schedule: { ...recipe.schedule, ...schedule },
    evaluation: { ...recipe.evaluation, rows: 100, finalRows: heldout, ...evaluation },
  };
}

const results = [];
for (const seed of seeds) {
  const at = `${folder}/rewards/${seed}`;
  mkdirSync(at, { recursive: true });
  splitRows(seed, at);
  const eval_ = ["--eval", `${folder}/plain-cot-heldout.jsonl`];
  const imitate = (steps) =>
    recipeOf("quickstart", { seed, schedule: { steps, warmupSteps: 8 }, evaluation: { every: steps } });
  train(`${at}/sft`, imitate(150), ["--data", `${at}/solutions.jsonl`, ...eval_]);
  const start = ["--start", `${at}/sft/adapter`];
  const problems = ["--data", `${at}/problems.jsonl`, ...eval_, ...start];
  const learn = (name, steps) =>
    recipeOf(name, { seed, schedule: { steps, warmupSteps: 5 }, evaluation: { every: 25 } });
  train(`${at}/grpo`, learn("grpo-quickstart", 200), problems);
  const stepsAsLong = Math.max(1, Math.round((150 * secondsOf(`${at}/grpo`)) / secondsOf(`${at}/sft`)));
  train(`${at}/sft-continued`, imitate(stepsAsLong), ["--data", `${at}/solutions.jsonl`, ...eval_, ...start]);
  train(`${at}/ppo`, learn("ppo-quickstart", 150), problems);
  train(`${at}/dpo`, learn("dpo-quickstart", 100), problems);
  for (const name of ["sft", "grpo", "sft-continued", "ppo", "dpo"]) {
    const end = last(`${at}/${name}`);
    results.push([
      seed,
      name,
      end?.["gsm8k/strict"],
      end?.["gsm8k/stderr"],
      end?.n,
      Math.round(secondsOf(`${at}/${name}`)),
    ]);
  }
}
console.log("\n| seed | run | strict | ± | n | seconds |\n|---|---|--:|--:|--:|--:|");
for (const [seed, name, strict, error, n, seconds] of results) {
  console.log(`| ${seed} | ${name} | ${(100 * strict).toFixed(1)} | ${(100 * error).toFixed(1)} | ${n} | ${seconds} |`);
}
