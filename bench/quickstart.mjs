/**
 * @file The quickstart recipe over seeds, with a control on shuffled answers, as a queue that resumes: each result is a
 * line of bench/results/quickstart.jsonl, and what is there is not done again. `node bench/quickstart.mjs [SEEDS]`
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const results = path.join(root, "bench/results/quickstart.jsonl");
const weights = readFileSync(path.join(root, "public/embedded/model.safetensors"));
const base = createHash("sha256").update(weights).digest("hex").slice(0, 12);
const seeds = Number(process.argv[2] ?? 3);
const problems = 500;

const done = new Map(
  (existsSync(results) ? readFileSync(results, "utf8").split("\n") : [])
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter((result) => result.base === base)
    .map((result) => [result.name, result]),
);

/** Runs the command line and returns its JSON lines. */
function anneal(...args) {
  const text = execFileSync(process.execPath, ["scripts/anneal.mjs", ...args, "--json"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function figures(...args) {
  const evaluation = anneal("evaluate", "--model", "embedded", "--limit", String(problems), ...args).find(
    ({ event }) => event === "eval",
  );
  return {
    strict: evaluation["gsm8k/strict"],
    flexible: evaluation["gsm8k/flexible"],
    stderr: evaluation["gsm8k/stderr"],
    n: evaluation.n,
  };
}

function measure(name, work) {
  if (done.has(name)) return;
  const result = { name, base, ...work() };
  mkdirSync(path.dirname(results), { recursive: true });
  appendFileSync(results, `${JSON.stringify(result)}\n`);
  console.log(JSON.stringify(result));
}

function train(name, ...flags) {
  const out = path.join(root, ".cache/quickstart", `${base}-${name}`);
  const events = anneal("train", "quickstart", "--out", out, ...flags);
  const steps = events.filter(({ event }) => event === "step");
  return { adapter: path.join(out, "adapter"), seconds: Math.round(events.at(-1).seconds), steps: steps.length };
}

measure("base", () => ({
  heldout: figures("--data", "embedded"),
  unseen: figures("--data", "unseen"),
  fourShots: figures("--data", "embedded", "--shots", "4"),
}));
for (let seed = 1; seed <= seeds; seed++) {
  measure(`seed-${seed}`, () => {
    const { adapter, seconds, steps } = train(`seed-${seed}`, "--seed", String(seed));
    const heldout = figures("--data", "embedded", "--adapter", adapter);
    return { seconds, steps, heldout, unseen: figures("--data", "unseen", "--adapter", adapter) };
  });
}
measure("shuffled-answers", () => {
  const { adapter, seconds, steps } = train("shuffled", "--shuffle-answers");
  return { seconds, steps, heldout: figures("--data", "embedded", "--adapter", adapter) };
});
