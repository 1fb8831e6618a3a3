/** @file The time of a plan: made of what was measured, or of steps of the same kind; both stages, each at its own pace. */

import { expect, test } from "vitest";
import type { StepMetrics } from "../core/metrics";
import { newObjective, newSampledPairs, type ObjectiveOf } from "../core/objective";
import { newRecipe, type Recipe } from "../core/recipe";
import { newReward } from "../core/reward";
import { newRun } from "../core/run";
import type { Counted } from "./planRows";
import { noSpeeds, stageSeconds } from "./planTime";
import { newStepTimes } from "./stepTimes";

const counted: Counted = {
  rows: 1000,
  tooLong: 0,
  extents: { longest: 120, trained: 60, prompt: 60, heldout: 10, isScored: true },
  meanTokens: 100,
  meanAll: 100,
  meanPrompt: 60,
  meanAnswer: 40,
};
const speeds = { ...noSpeeds, trained: 1000, written: 500 };
const sampling = { temperature: { start: 1, end: 1 }, topK: 0, topP: 1, minP: 0, maxTokens: 96, stop: [] };
const written = { prompts: 8, completions: 8, sampling };
const grpoOf = (changes: Partial<ObjectiveOf<"grpo">> = {}) =>
  newObjective("grpo", { ...written, updates: 1, ...changes });
const grpo = newRecipe({ objective: grpoOf(), sftFirst: { rows: 300, steps: 150, learningRate: 1e-3 } });

test("a step of rewards writes all its answers, reads them for the reference, and learns from them", () => {
  const { first, before, own } = stageSeconds(grpo, counted, speeds);
  expect(first).toBeCloseTo((16 * 100) / 1000, 9);
  expect(before).toBe(0);
  const writing = (64 * 40) / 500;
  expect(own).toBeCloseTo(writing + (64 * 100 * 1.45) / 1000, 9);
  const thrice = { ...grpo, objective: grpoOf({ updates: 3 }) };
  expect(stageSeconds(thrice, counted, speeds).own).toBeCloseTo(writing + (64 * 100 * 3.45) / 1000, 9);
});

test("without imitation answers may be as long as they are let", () => {
  const { sftFirst: _, ...recipe } = grpo;
  const { first, own } = stageSeconds(recipe, counted, speeds);
  expect(first).toBeNull();
  expect(own).toBeCloseTo((64 * 96) / 500 + (64 * 156 * 1.45) / 1000, 9);
});

test("pairs are read by the reference once, and written before where they are the model's own", () => {
  const recipe = newRecipe({ objective: newObjective("dpo") });
  const pairs = { ...counted, meanAll: 200 };
  const given = stageSeconds(recipe, pairs, speeds);
  expect(given.before).toBeCloseTo((1000 * 200 * 0.45) / 1000, 9);
  expect(given.own).toBeCloseTo((8 * 200) / 1000, 9);
  const own = newObjective("dpo", { sampled: { ...newSampledPairs(), completions: 8, sampling, pairs: 100 } });
  const sampled = stageSeconds({ ...grpo, objective: own }, counted, speeds);
  expect(sampled.before).toBeCloseTo((100 * 8 * 40) / 500 + (100 * 200 * 0.45) / 1000, 9);
  expect(sampled.own).toBeCloseTo((8 * 200) / 1000, 9);
});

test("what was not measured is not told", () => {
  expect(stageSeconds(grpo, counted, noSpeeds)).toEqual({ first: null, before: 0, own: null });
  expect(stageSeconds(grpo, counted, { ...speeds, written: null }).own).toBeNull();
});

const metricsOf = (step: number, seconds: number): StepMetrics => ({
  step,
  "train/loss": 1,
  "train/grad_norm": 1,
  "train/learning_rate": 1e-3,
  "train/epoch": 0,
  tokens: 1000,
  tokens_per_second: 1000 / seconds,
  seconds,
});

test("steps that were made speak for their own stage alone", () => {
  const times = newStepTimes();
  times.noteSpeed(grpo, "wasm", { trained: 800, written: 400 });
  expect(times.speeds(grpo, "wasm", [])).toEqual({ trained: 800, written: 400, firstStep: null, ownStep: null });
  times.note(grpo, "wasm", metricsOf(150, 2)); // the last of the imitation
  expect(times.speeds(grpo, "wasm", [])).toMatchObject({ trained: 0.8 * 800 + 0.2 * 500, ownStep: null });
  times.note(grpo, "wasm", metricsOf(151, 30));
  const after = times.speeds(grpo, "wasm", []);
  expect(after.trained).toBe(0.8 * 800 + 0.2 * 500);
  expect(after.ownStep).toBeCloseTo(30, 9);
  // Other work of the same speed: more updates a step.
  const other = { ...grpo, objective: grpoOf({ updates: 2 }) };
  expect(times.speeds(other, "wasm", [])).toMatchObject({ written: 400, ownStep: null });
  expect(times.speeds(other, "webgpu", [])).toEqual(noSpeeds);
  // What the answers are worth takes no time of the device's: writing is not measured again.
  const rated = { ...grpo, objective: grpoOf({ rewards: [newReward("steps")] }) };
  expect(times.speeds(rated, "wasm", [])).toMatchObject({ written: 400 });
});

test("stored runs speak where this session has no steps, but not for a stage that they do not tell apart", () => {
  const times = newStepTimes();
  const runOf = (recipe: Recipe) => ({ ...newRun(recipe, "a"), backend: "wasm", step: 10, seconds: 30 });
  const sft = newRecipe();
  expect(times.speeds(sft, "wasm", [runOf(sft)])).toMatchObject({ firstStep: 3, ownStep: 3 });
  expect(times.speeds(grpo, "wasm", [runOf(sft)])).toMatchObject({ firstStep: 3, ownStep: null });
  expect(times.speeds(grpo, "wasm", [runOf(grpo)])).toEqual(noSpeeds);
  const { sftFirst: _, ...alone } = grpo;
  expect(times.speeds(alone, "wasm", [runOf(alone)])).toMatchObject({ ownStep: 3 });
  expect(times.speeds(alone, "wasm", [{ ...runOf(alone), step: 2 }])).toEqual(noSpeeds);
});
