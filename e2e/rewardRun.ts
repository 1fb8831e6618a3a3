/** @file A run that learnt from rewards, made up: forty steps, five of them imitation, put where the studio keeps its own. */

import type { Page } from "@playwright/test";
import type { Completion, EvalMetrics, Group, GroupStep, StepMetrics } from "../src/core/metrics";
import { newObjective } from "../src/core/objective";
import { newRandom } from "../src/core/random";
import { newRecipe } from "../src/core/recipe";
import { newReward } from "../src/core/reward";
import { newRun, type Run } from "../src/core/run";
import { packGroups } from "../src/storage/packedGroups";

const [steps, imitation, prompts, answers] = [40, 5, 4, 8];
const random = newRandom(3);
const between = (low: number, high: number) => low + (high - low) * random.next();

const objective = newObjective("grpo", {
  prompts,
  completions: answers,
  rewards: [newReward("answer"), newReward("steps", { weight: 0.5 }), newReward("format", { weight: 0.2 })],
});

export function newRewardRun(): Run {
  const base = newRecipe();
  const recipe = {
    ...base,
    name: "rewards",
    objective,
    batching: { ...base.batching, mode: "bucket" as const },
    sftFirst: { rows: 200, steps: imitation, learningRate: 1e-3 },
    schedule: { ...base.schedule, steps: steps - imitation, warmupSteps: 0 },
    evaluation: { ...base.evaluation, every: 10 },
  };
  const [before, after] = [evaluation(0), evaluation(steps)];
  return {
    ...newRun(recipe, "rewards-1"),
    status: "done",
    step: steps,
    seconds: 4 * steps,
    backend: "wasm",
    before,
    after,
  };
}

const learnt = (step: number) => Math.max(0, (step - imitation) / (steps - imitation));

function evaluation(step: number): EvalMetrics {
  const share = 0.2 + 0.1 * Math.min(1, step / imitation) + 0.35 * learnt(step);
  return {
    step,
    "eval/loss": 1.2 - 0.3 * learnt(step),
    "gsm8k/strict": share,
    "gsm8k/flexible": share + 0.05,
    "gsm8k/stderr": 0.05,
    exact_match: null,
    "steps/valid": 0.5 + 0.4 * learnt(step),
    n: 100,
    "gsm8k/pass": share + 0.2,
    pass_at: 4,
    seconds: 6,
  };
}

function completion(a: number, b: number, step: number, isSure: boolean): Completion {
  const isRight = isSure || random.next() < 0.25 + 0.5 * learnt(step);
  const finished = random.next() > 0.1;
  const sum = isRight ? a + b : a + b + 1;
  const words = ["<<", String(a), "+", String(b), "=", String(sum), ">>", "\n", "####", " ", String(sum)];
  const tokens = ["There", " are", ` ${a}`, " and", ` ${b}`, ":", " ", ...(finished ? words : words.slice(0, 5))];
  const rewards = [isRight && finished ? 1 : 0, isRight ? 1 : 0, finished ? 1 : 0];
  const reward = (rewards[0] ?? 0) + 0.5 * (rewards[1] ?? 0) + 0.2 * (rewards[2] ?? 0);
  const change = tokens.map(() => between(-0.4, 0.6) * learnt(step) + between(-0.02, 0.02));
  return { tokens, finished, rewards, reward, advantages: [0], change };
}

function group(step: number, index: number): Group {
  const [a, b] = [2 + ((step + index) % 7), 3 + index];
  const isSure = index === 0 && step % 3 === 0;
  const completions = Array.from({ length: answers }, () => completion(a, b, step, isSure));
  if (isSure) for (const one of completions) Object.assign(one, { reward: 1.7, rewards: [1, 1, 1] });
  const rewards = completions.map(({ reward }) => reward);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / answers;
  const spread = Math.sqrt(rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / (answers - 1));
  for (const one of completions) one.advantages = [(one.reward - mean) / (spread + 1e-4)];
  if (isSure) for (const one of completions) one.advantages = [0];
  return {
    prompt: `Question: Ann has ${a} pens and buys ${b}. How many pens has Ann?\nAnswer:`,
    reference: `<<${a}+${b}=${a + b}>>\n#### ${a + b}`,
    completions,
  };
}

function stepMetrics(step: number, groups: GroupStep | null): StepMetrics {
  const metrics: StepMetrics = {
    step,
    "train/loss": groups ? between(-0.05, 0.05) : 1.5 - 0.1 * step,
    "train/grad_norm": between(0.3, 0.6),
    "train/learning_rate": 1e-3,
    "train/epoch": step / 20,
    tokens: 900,
    tokens_per_second: 220,
    seconds: 4 * step,
  };
  if (!groups) return metrics;
  const all = groups.groups.flatMap(({ completions }) => completions);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rewards = all.map(({ reward }) => reward);
  const lengths = all.map(({ tokens }) => tokens.length);
  const still = groups.groups.filter(({ completions }) => new Set(completions.map(({ reward }) => reward)).size === 1);
  return {
    ...metrics,
    reward: mean(rewards),
    reward_std: Math.sqrt(mean(rewards.map((reward) => (reward - mean(rewards)) ** 2))),
    ...Object.fromEntries(
      groups.rewardNames.map((name, i) => [`rewards/${name}/mean`, mean(all.map((one) => one.rewards[i] ?? 0))]),
    ),
    frac_reward_zero_std: still.length / prompts,
    "completions/mean_length": mean(lengths),
    "completions/min_length": Math.min(...lengths),
    "completions/max_length": Math.max(...lengths),
    "completions/clipped_ratio": mean(all.map(({ finished }) => (finished ? 0 : 1))),
    kl: 0.2 * learnt(step) ** 2 + between(0, 0.01),
    entropy: 1.1 - 0.6 * learnt(step) + between(-0.05, 0.05),
    "clip_ratio/low_mean": between(0, 0.01),
    "clip_ratio/high_mean": between(0, 0.03),
    "sampling/temperature": 1,
  };
}

type Records = { runs: unknown[]; events: unknown[]; groups: unknown[] };

function recordsOf(run: Run): Records {
  const records: Records = { runs: [run], events: [], groups: [] };
  for (let step = 0; step <= steps; step++) {
    const groups: GroupStep | null =
      step > imitation
        ? {
            step,
            rewardNames: ["answer", "steps", "format"],
            groups: Array.from({ length: prompts }, (_, i) => group(step, i)),
          }
        : null;
    if (step > 0) records.events.push({ run: run.id, step, kind: "step", value: stepMetrics(step, groups) });
    if (step % 10 === 0 || step === imitation)
      records.events.push({ run: run.id, step, kind: "eval", value: evaluation(step) });
    if (groups) records.groups.push({ run: run.id, step, packed: packGroups(groups) });
  }
  return records;
}

/** Stores records as the studio would have; its database is there once a page has read from it. */
async function store(page: Page, records: Records) {
  await page.goto("/runs");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(async () => (await indexedDB.databases()).some(({ name }) => name === "anneal"));
  await page.evaluate(
    (all) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("anneal");
        opening.onerror = () => reject(opening.error ?? new Error("not opened"));
        opening.onsuccess = () => {
          const db = opening.result;
          const tx = db.transaction(Object.keys(all), "readwrite");
          for (const [name, list] of Object.entries(all)) for (const record of list) tx.objectStore(name).put(record);
          tx.oncomplete = () => {
            db.close();
            resolve();
          };
          tx.onerror = () => reject(tx.error ?? new Error("not stored"));
        };
      }),
    records,
  );
}

export async function storeRewardRun(page: Page): Promise<Run> {
  const run = newRewardRun();
  await store(page, recordsOf(run));
  return run;
}

/** A step whose record is of no form that the studio knows. */
export async function storeBrokenGroups(page: Page, run: Run, step: number) {
  await store(page, { runs: [], events: [], groups: [{ run: run.id, step, packed: "?" }] });
}

/** A run of the same recipe that took no step. */
export async function storeUntrained(page: Page): Promise<Run> {
  const run: Run = { ...newRewardRun(), name: "untrained", status: "stopped", step: 0, before: null, after: null };
  await store(page, { runs: [run], events: [], groups: [] });
  return run;
}
