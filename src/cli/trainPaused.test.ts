/** @file `train` with a reward that fails: it says where and how to go on, and goes on with the recipe mended in the run's folder. */

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import { newObjective } from "../core/objective";
import { newRecipe, type Recipe } from "../core/recipe";
import { newReward } from "../core/reward";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 }); // each command starts a process; seconds, where nothing else runs

let folder: string;
const at = (name: string) => path.join(folder, name);
const right = "({ completion }) => completion.length";
const failing = `let rated = 0;
function reward({ completion }) {
  if (++rated > 8) return completion.size();
  return completion.length;
}`;

function recipeWith(code: string): Recipe {
  const recipe = newRecipe({ name: "own", adaptation: [newMethod("lora", { rank: 2, alpha: 4 })] });
  const sampling = { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 4, stop: [] };
  const rewards = [newReward("own", { name: "long", code })];
  return {
    ...recipe,
    objective: newObjective("grpo", { prompts: 2, completions: 2, sampling, rewards }),
    batching: { ...recipe.batching, rows: 4, mode: "bucket" },
    schedule: { kind: "constant", steps: 3, warmupSteps: 0 },
    evaluation: { ...recipe.evaluation, every: 10, rows: 0, lossRows: 2, samples: 0 },
  };
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "anneal-paused-"));
  await writeFile(at("recipe.json"), JSON.stringify(recipeWith(failing)));
});
afterAll(() => rm(folder, { recursive: true }));

function train(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["scripts/anneal.mjs", "train", ...words, "--backend", "wasm"]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

test("paused with the line and the way on; another seed is refused; mended, it comes to its end", async () => {
  const run = at("run");
  const paused = await train(at("recipe.json"), "--out", run);
  expect(paused.code).toBe(75);
  expect(paused.err).toContain("A reward of your own failed\n  long, line 3, column");
  expect(paused.err).toContain(`Paused at step 2, and nothing is lost. Mend the reward's code in ${run}/recipe.json.`);
  expect(paused.err).toContain(`--out ${run} --resume`);

  const kept = path.join(run, "recipe.json");
  await writeFile(kept, JSON.stringify({ ...recipeWith(right), seed: 2 }));
  const refused = await train("--out", run, "--resume", "--json");
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.out)).toMatchObject({
    code: "recipe.invalid",
    message: "seed: only the code of a reward can change within a run",
  });

  await writeFile(kept, JSON.stringify(recipeWith(right)));
  const done = await train("--out", run, "--resume", "--json");
  expect(done.code).toBe(0);
  const lines = done.out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as { event: string }]));
  expect(lines.find(({ event }) => event === "change")).toMatchObject({ step: 2, name: "long", after: right });
  expect(lines.flatMap((line) => (line.event === "step" ? [line] : []))).toHaveLength(1);
  expect(JSON.parse(await readFile(kept, "utf8"))).toMatchObject(recipeWith(right));
});
