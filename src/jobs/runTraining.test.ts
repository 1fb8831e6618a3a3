/** @file What is on disk after any end is a run that can go on, and its history has neither gap nor double. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import { StudioError } from "../core/errors";
import type { RunEvent } from "../core/metrics";
import { newRecipe, type Recipe } from "../core/recipe";
import { newRun, type Run } from "../core/run";
import { say } from "../core/say";
import { newTurns } from "../core/turns";
import { openDevice } from "../kernels/device";
import { newNodeRunStore } from "../storage/node/nodeRunStore";
import type { RunStore } from "../storage/runStore";
import { newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import type { Source } from "./prepareData";
import { runTraining } from "./runTraining";
import { newTinyModel } from "./tinyModel";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 }); // seconds, where nothing else runs

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(newTinyModel());
});
afterAll(() => {
  unloadModel(model);
});

const examples = Array.from({ length: 24 }, (_, i) => ({ prompt: `${i}+1`, completion: `#### ${i + 1}` }));
const source: Source = { examples, heldout: examples.slice(0, 4) };

function smallRecipe(): Recipe {
  const recipe = newRecipe();
  return {
    ...recipe,
    template: { prompt: "{prompt}", completion: " {completion}" },
    adaptation: [newMethod("lora", { rank: 2, alpha: 4 })],
    batching: { rows: 4, accumulation: 1, contextLength: 32, mode: "bucket" },
    schedule: { kind: "linear", steps: 8, warmupSteps: 1 },
    evaluation: { every: 3, rows: 2, lossRows: 4, maxTokens: 3, samples: 1, patience: 0 },
    checkpoints: { every: 3 },
  };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "anneal-run-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

type Options = { lost?: Promise<StudioError>; emit?: (event: RunEvent) => void; source?: Source };

const train = (run: Run, store: RunStore, options: Options = {}, controls = newControls()) =>
  runTraining({
    run,
    store,
    backend: "wasm",
    loadModel: () => Promise.resolve(model),
    loadSource: () => Promise.resolve(options.source ?? source),
    controls,
    turns: newTurns(),
    lost: options.lost ?? new Promise(() => undefined),
    emit: options.emit ?? (() => undefined),
  });

type Line = { event: string; step: number; "train/loss"?: number; "eval/loss"?: number };

async function history(folder: string): Promise<Line[]> {
  const text = await readFile(path.join(folder, "metrics.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

const figures = (lines: Line[]) =>
  lines.flatMap((line) =>
    line.event === "step" || line.event === "eval"
      ? [[line.event, line.step, line["train/loss"] ?? line["eval/loss"]]]
      : [],
  );

/** A store whose `kill`-th write never returns: what a dead process leaves. */
function dying(store: RunStore, kill: number): { store: RunStore; died: Promise<void> } {
  let writes = 0;
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const orDie = async (write: () => Promise<void>) => {
    writes++;
    if (writes < kill) return write();
    if (writes === kill && kill % 2 === 0) await write(); // half the time it has reached the disk
    die();
    return new Promise<void>(() => undefined);
  };
  return {
    store: {
      ...store,
      save: (run, events) => orDie(() => store.save(run, events)),
      saveCheckpoint: (run, events, bytes) => orDie(() => store.saveCheckpoint(run, events, bytes)),
    },
    died,
  };
}

test("killed at any write, it goes on and its history is the uninterrupted one", async () => {
  const whole = await newFolder();
  const run = newRun(smallRecipe(), "whole");
  expect(await train(run, newNodeRunStore(whole))).toMatchObject({ status: "done", step: 8, checkpoint: 8 });
  const expected = figures(await history(whole));
  expect(expected.map(([event, step]) => `${event} ${step}`)).toEqual([
    "eval 0",
    "step 1",
    "step 2",
    "step 3",
    "eval 3",
    "step 4",
    "step 5",
    "step 6",
    "eval 6",
    "step 7",
    "step 8",
    "eval 8",
  ]);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), async (kill) => {
      const folder = await newFolder();
      const cut = dying(newNodeRunStore(folder), kill);
      void train(run, cut.store);
      await cut.died;
      const store = newNodeRunStore(folder);
      const found = await store.getRun(run.id).catch(() => run);
      expect(await train(found, store)).toMatchObject({
        status: "done",
        step: 8,
        before: { step: 0 },
        after: { step: 8 },
      });
      expect(figures(await history(folder))).toEqual(expected);
    }),
    { numRuns: 5, seed: 3 },
  );
});

test("a run knows the most memory that it took, not that of the runs before it", async () => {
  const peakOf = async (changes: Partial<Recipe>) => {
    const ended = await train(newRun({ ...smallRecipe(), ...changes }, "peak"), newNodeRunStore(await newFolder()));
    return ended.peakBytes ?? 0;
  };
  const { batching } = smallRecipe();
  const small = await peakOf({});
  const large = await peakOf({ batching: { ...batching, rows: 16 } });
  expect(small).toBeGreaterThan(model.weightBytes);
  expect(large).toBeGreaterThan(1.3 * small);
  expect(Math.abs((await peakOf({})) / small - 1)).toBeLessThan(0.02);
});

test("a lost device fails the run with its checkpoint kept, and it goes on to the same end", async () => {
  const folder = await newFolder();
  const whole = await newFolder();
  const run = newRun(smallRecipe(), "lost");
  await train(run, newNodeRunStore(whole));
  let lose: (error: StudioError) => void = () => undefined;
  const lost = new Promise<StudioError>((resolve) => {
    lose = resolve;
  });
  const emit = (event: RunEvent) => {
    if (event.event === "step" && event.metrics.step === 5) lose(new StudioError("gpu.lost", say`gone`));
  };
  const failed = await train(run, newNodeRunStore(folder), { lost, emit });
  expect(failed).toMatchObject({ status: "failed", checkpoint: 3, error: { code: "gpu.lost" } });
  const store = newNodeRunStore(folder);
  expect(await train(await store.getRun(run.id), store)).toMatchObject({ status: "done", error: null });
  expect(figures(await history(folder))).toEqual(figures(await history(whole)));
});

test("rows that do not fit fail the run in words", async () => {
  const long: Source = { examples: [{ prompt: "x".repeat(100), completion: "y" }], heldout: [] };
  const failed = await train(newRun(smallRecipe(), "long"), newNodeRunStore(await newFolder()), { source: long });
  expect(failed).toMatchObject({ status: "failed", error: { code: "run.rows" } });
});

test("a full disk ends the run with its last checkpoint", async () => {
  const folder = await newFolder();
  const store = newNodeRunStore(folder);
  let saves = 0;
  const full: RunStore = {
    ...store,
    saveCheckpoint: (run, events, bytes) => {
      saves++;
      if (saves === 2) return Promise.reject(new StudioError("storage.full"));
      return store.saveCheckpoint(run, events, bytes);
    },
  };
  const run = newRun(smallRecipe(), "full");
  expect(await train(run, full)).toMatchObject({ status: "failed", error: { code: "storage.full" }, checkpoint: 3 });
  expect(await train(await store.getRun(run.id), store)).toMatchObject({ status: "done", checkpoint: 8 });
});

test("after early stopping the run's figures are those of the adapter it keeps", async () => {
  const recipe = smallRecipe();
  recipe.schedule = { kind: "constant", steps: 60, warmupSteps: 0 };
  recipe.optimizer.learningRate = 0.5;
  recipe.evaluation = { ...recipe.evaluation, every: 1, rows: 0, samples: 0, patience: 2 };
  const folder = await newFolder();
  const run = await train(newRun(recipe, "early"), newNodeRunStore(folder));
  expect(run.status).toBe("done");
  expect(run.step).toBeLessThan(60);
  const losses = (await history(folder)).flatMap((line) => line["eval/loss"] ?? []);
  expect(run.after).toMatchObject({ step: run.step - 2, "eval/loss": Math.min(...losses) });
});
