/**
 * Rewards against more imitation: `node bench/experiments/rewards.mjs [SEED…]`, after writeData.ts. For each seed a hundred
 * worked solutions are imitated; from that one checkpoint GRPO learns from the other problems' answers, and imitation goes
 * on with the same solutions for as long as GRPO took; then DPO on its own answers, and PPO. What is there already is not
 * made again: the same command goes on. Ends with a table of held-out strict accuracy, differences paired by problem.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundle } from "../../scripts/bundle.mjs";

const { quickstarts } = await import(await bundle("src/core/recipe.ts"));
const folder = ".cache/experiments";
const solutions = 100;
const imitated = 200;
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

/** A quickstart, its second stage alone, changed. */
function recipeOf(name, { schedule, evaluation, ...rest }) {
  const { sftFirst: _, ...recipe } = quickstarts[name]();
  return {
    ...recipe,
    ...rest,
    schedule: { ...recipe.schedule, ...schedule },
    evaluation: { ...recipe.evaluation, finalRows: heldout, ...evaluation },
  };
}

const at = (seed, name) => `${folder}/rewards/${seed}/${name}`;
const eval_ = ["--eval", `${folder}/plain-cot-heldout.jsonl`];
const imitate = (seed, steps) =>
  recipeOf("quickstart", { seed, schedule: { steps, warmupSteps: 10 }, evaluation: { every: Math.ceil(steps / 4) } });
const start = (seed) => ["--start", at(seed, "sft/adapter")];
const learn = (seed, name) =>
  train(at(seed, name), recipeOf(`${name}-quickstart`, { seed }), [
    "--data",
    at(seed, "problems.jsonl"),
    ...eval_,
    ...start(seed),
  ]);

for (const seed of seeds) {
  mkdirSync(at(seed, ""), { recursive: true });
  splitRows(seed, at(seed, ""));
  train(at(seed, "sft"), imitate(seed, imitated), ["--data", at(seed, "solutions.jsonl"), ...eval_]);
}
for (const name of ["grpo", "dpo", "ppo"]) for (const seed of seeds) learn(seed, name);
for (const seed of seeds) {
  const steps = Math.round((imitated * secondsOf(at(seed, "grpo"))) / secondsOf(at(seed, "sft")));
  const words = ["--data", at(seed, "solutions.jsonl"), ...eval_, ...start(seed)];
  train(at(seed, "sft-continued"), imitate(seed, steps), words);
}

/** Mean and 95 % interval of differences by seed and problem: the seeds' means and the problems within, both random. */
function differenceOf(a, b) {
  const right = (seed, name) => Array.from(last(at(seed, name)).outcomes, (digit) => (digit >= "2" ? 1 : 0));
  const bySeed = seeds.map((seed) => {
    const [x, y] = [right(seed, a), right(seed, b)];
    return x.map((one, i) => one - (y[i] ?? 0));
  });
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const byProblem = bySeed[0].map((_, i) => mean(bySeed.map((each) => each[i])));
  const centre = mean(byProblem);
  const variance = (values) => values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  const perSeed = bySeed.map(mean);
  const error = Math.sqrt(
    variance(byProblem) / byProblem.length + (seeds.length > 1 ? variance(perSeed) / seeds.length : 0),
  );
  return { centre, error, perSeed };
}

const names = ["sft", "grpo", "sft-continued", "dpo", "ppo"];
const percent = (value) => (100 * value).toFixed(1);
console.log("\n| run | strict, by seed | seconds | steps |\n|---|---|---|---|");
for (const name of names) {
  const ends = seeds.map((seed) => last(at(seed, name)));
  console.log(
    `| ${name} | ${ends.map((end) => percent(end["gsm8k/strict"])).join(", ")} (n = ${ends[0].n}) | ${seeds.map((seed) => Math.round(secondsOf(at(seed, name)))).join(", ")} | ${ends[0].step} |`,
  );
}
console.log("\n| difference | points | standard error | by seed |\n|---|--:|--:|---|");
for (const [a, b] of [
  ["grpo", "sft-continued"],
  ["grpo", "sft"],
  ["sft-continued", "sft"],
  ["dpo", "sft"],
  ["ppo", "sft"],
]) {
  const { centre, error, perSeed } = differenceOf(a, b);
  console.log(`| ${a} − ${b} | ${percent(centre)} | ${percent(error)} | ${perSeed.map(percent).join(", ")} |`);
}
