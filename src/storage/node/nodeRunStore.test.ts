import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import type { RunEvent, StepMetrics } from "../../core/metrics";
import { newRandom } from "../../core/random";
import { newRecipe } from "../../core/recipe";
import { newRun } from "../../core/run";
import { newNodeRunStore, readRunFolder } from "./nodeRunStore";

const root = await mkdtemp(path.join(tmpdir(), "anneal-node-"));
afterAll(() => rm(root, { recursive: true }));

const stepEvent = (step: number): RunEvent => ({
  event: "step",
  metrics: { step, "train/loss": 1 / step } as StepMetrics,
});
const readLines = async (file: string) =>
  (await readFile(file, "utf8"))
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { event: string; step: number });

test("a run's folder holds its record, its metrics as flat lines, and the newest checkpoint only", async () => {
  const dir = path.join(root, "plain");
  const run = { ...newRun(newRecipe(), "plain"), step: 2, checkpoint: 2 };
  const store = newNodeRunStore(dir);
  expect(await store.readCheckpoint(run.id)).toBeNull();
  await expect(store.getRun(run.id)).rejects.toMatchObject({ code: "run.missing" });
  const sample = { step: 1, index: 0, prompt: "p", reference: "r", completion: "c", correct: null };
  await store.save(run, [stepEvent(1), { event: "samples", samples: [sample] }]);
  await store.saveCheckpoint(run, [stepEvent(2)], new Uint8Array([1, 2, 3]));
  await store.saveCheckpoint(run, [], new Uint8Array([4, 5])); // the same step again
  expect((await readdir(dir)).sort()).toEqual(["checkpoint-2-again.bin", "metrics.jsonl", "run.json", "samples.jsonl"]);
  expect(await readLines(path.join(dir, "metrics.jsonl"))).toEqual([
    { event: "step", step: 1, "train/loss": 1 },
    { event: "step", step: 2, "train/loss": 0.5 },
  ]);
  expect(await readLines(path.join(dir, "samples.jsonl"))).toEqual([sample]);
  const again = newNodeRunStore(dir);
  expect(await again.readCheckpoint(run.id)).toEqual({ step: 2, bytes: new Uint8Array([4, 5]) });
  expect(await again.getRun(run.id)).toEqual(run);
  await writeFile(path.join(dir, "checkpoint-2-again.bin"), "x");
  await expect(again.readCheckpoint(run.id)).rejects.toMatchObject({ code: "storage.failed" });
});

test("events after a step are dropped; lines never acknowledged are cut off; another run starts afresh", async () => {
  const dir = path.join(root, "cut");
  const run = newRun(newRecipe(), "cut");
  await newNodeRunStore(dir).save(run, [1, 2, 3, 4].map(stepEvent));
  const metrics = path.join(dir, "metrics.jsonl");
  await writeFile(metrics, `${await readFile(metrics, "utf8")}{"event":"step","st`);
  const store = newNodeRunStore(dir);
  await store.save(run, [stepEvent(5)]);
  expect((await readLines(metrics)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  await store.truncate(run.id, 2);
  await store.save(run, [stepEvent(3)]);
  expect((await readLines(metrics)).map(({ step }) => step)).toEqual([1, 2, 3]);
  const other = newRun(newRecipe(), "other");
  await store.save(other, [stepEvent(1)]);
  expect((await readLines(metrics)).map(({ step }) => step)).toEqual([1]);
  expect(await readRunFolder(dir)).toEqual(other);
});

test("groups are lines beside the samples, cut back with them, and gone with another run", async () => {
  const dir = path.join(root, "groups");
  const file = path.join(dir, "groups.jsonl");
  const run = newRun(newRecipe(), "groups");
  const groupsEvent = (step: number): RunEvent => ({
    event: "groups",
    groups: {
      step,
      rewardNames: ["answer", "steps"],
      groups: [
        {
          prompt: "1+1?",
          reference: "2",
          completions: [
            {
              tokens: ["2", "\n"],
              finished: true,
              rewards: [1, null],
              reward: 1,
              advantages: [0.5, 0.123_46],
              change: [0.25, 0.75],
            },
            { tokens: ["3"], finished: false, rewards: [0, 0.5], reward: 0.1, advantages: [-0.5], change: null },
          ],
        },
      ],
    },
  });
  const store = newNodeRunStore(dir);
  for (const step of [1, 2, 3]) await store.save(run, [stepEvent(step), groupsEvent(step)]);
  expect(await readLines(file)).toHaveLength(6);
  await writeFile(file, `${await readFile(file, "utf8")}{"step":4,"pro`);
  const again = newNodeRunStore(dir);
  await again.truncate(run.id, 1);
  await again.save(run, [groupsEvent(2)]);
  const lines = await readLines(file);
  expect(lines.map(({ step }) => step)).toEqual([1, 1, 2, 2]);
  expect(lines[0]).toEqual({
    step: 1,
    group: 0,
    prompt: "1+1?",
    reference: "2",
    completion: "2\n",
    tokens: 2,
    finished: true,
    rewards: { answer: 1, steps: null },
    reward: 1,
    advantage: 0.3117,
    change: 0.5,
  });
  await again.save(newRun(newRecipe(), "other"), [stepEvent(1)]);
  expect(await readdir(dir)).not.toContain("groups.jsonl");
});

/** Runs the loop until it is killed; answers the last step it was told is safe. */
async function saveUntilKilled(entry: string, dir: string, millis: number): Promise<number> {
  const child = spawn(process.execPath, [entry, dir, "300000"], { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await new Promise((resolve) => setTimeout(resolve, millis));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  return Number(told.trim().split("\n").at(-1));
}

test("killed at any moment, no checkpoint is torn and no acknowledged one is lost", async () => {
  const { bundle } = (await import("../../../scripts/bundle.mjs")) as { bundle: (entry: string) => Promise<string> };
  const entry = new URL(await bundle("src/storage/node/saveLoop.fixture.ts")).pathname;
  const dir = path.join(root, "killed");
  const random = newRandom(7);
  for (let round = 0; round < 20; round++) {
    const acknowledged = await saveUntilKilled(entry, dir, 30 * random.next());
    const run = await readRunFolder(dir);
    if (!run) throw new Error("the run is lost");
    expect(run.step).toBeGreaterThanOrEqual(acknowledged);
    const checkpoint = await newNodeRunStore(dir).readCheckpoint(run.id);
    expect(checkpoint?.step).toBe(run.step);
    const whole = new Uint8Array(300_000 + run.step).fill(run.step % 251);
    expect(Buffer.compare(checkpoint?.bytes ?? new Uint8Array(), whole)).toBe(0);
    const { metrics } = JSON.parse(await readFile(path.join(dir, "run.json"), "utf8")) as { metrics: number };
    const text = (await readFile(path.join(dir, "metrics.jsonl"))).subarray(0, metrics).toString();
    const steps = text.split("\n").slice(0, -1);
    expect(steps).toHaveLength(run.step);
  }
  const run = await readRunFolder(dir);
  if (run) await newNodeRunStore(dir).saveCheckpoint({ ...run, checkpoint: 1 }, [], new Uint8Array(1));
  expect((await readdir(dir)).filter((name) => name.startsWith("checkpoint"))).toEqual(["checkpoint-1.bin"]);
}, 180_000);
