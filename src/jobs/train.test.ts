/** @file A run is what its recipe says, wherever it is cut: a small random model, trained for real on the CPU. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import type { Example } from "../core/dataset";
import type { StepMetrics } from "../core/metrics";
import { newRecipe, type Recipe } from "../core/recipe";
import { newTurns } from "../core/turns";
import { deviceMemory, openDevice } from "../kernels/device";
import { newCheckpoint, parseCheckpoint } from "./checkpoint";
import { type Controls, newControls } from "./controls";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import { prepareData, type Source } from "./prepareData";
import type { TrainEvent } from "./session";
import { newTinyModel } from "./tinyModel";
import { train } from "./train";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 }); // seconds, where nothing else runs

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(newTinyModel());
});
afterAll(() => {
  unloadModel(model);
});

const examples = Array.from({ length: 40 }, (_, i): Example => {
  const [a, b] = [(i * 7) % 10, (i * 3) % 10];
  return { prompt: `${a}+${b}`, completion: `<<${a}+${b}=${a + b}>>\n#### ${a + b}` };
});
const source: Source = { examples, heldout: examples.slice(0, 6) };

function smallRecipe(changes: Partial<Recipe> = {}): Recipe {
  const recipe = newRecipe();
  return {
    ...recipe,
    template: { prompt: "{prompt}", completion: " {completion}" },
    adaptation: [newMethod("lora", { rank: 4, alpha: 8, dropout: 0.1 })],
    batching: { rows: 4, accumulation: 1, contextLength: 64, mode: "bucket" },
    optimizer: { ...recipe.optimizer, learningRate: 0.02 },
    schedule: { kind: "cosine", steps: 12, warmupSteps: 2 },
    evaluation: { every: 5, rows: 3, lossRows: 6, maxTokens: 4, samples: 2, patience: 0 },
    checkpoints: { every: 3 },
    ...changes,
  };
}

type Outcome = { events: TrainEvent[]; files: Map<number, Uint8Array>; outcome: "done" | "stopped" };

async function run(
  recipe: Recipe,
  {
    checkpoint = null,
    onEvent,
  }: { checkpoint?: Uint8Array | null; onEvent?: (event: TrainEvent, c: Controls) => void } = {},
): Promise<Outcome> {
  const controls = newControls();
  const preparing = prepareData(source, recipe, model, controls.signal);
  let prepared = await preparing.next();
  while (!prepared.done) prepared = await preparing.next();
  const steps = train({ recipe, model, data: prepared.value, checkpoint, controls, turns: newTurns() });
  const events: TrainEvent[] = [];
  const files = new Map<number, Uint8Array>();
  for (;;) {
    const next = await steps.next();
    if (next.done) return { events, files, outcome: next.value };
    events.push(next.value);
    if (next.value.event === "state") files.set(next.value.state.step, next.value.bytes);
    onEvent?.(next.value, controls);
  }
}

const stepsOf = (events: TrainEvent[]) => events.flatMap((e) => (e.event === "step" ? [e.metrics] : []));
const evalsOf = (events: TrainEvent[]) => events.flatMap((e) => (e.event === "eval" ? [e.metrics] : []));
/** What must be equal to the bit: all but the clock. */
const curve = (steps: StepMetrics[]) =>
  steps.map((m) => [m.step, m["train/loss"], m["train/grad_norm"], m["train/learning_rate"], m["train/epoch"]]);

test("a run goes on from any checkpoint to the bit", async () => {
  const recipe = smallRecipe({ checkpoints: { every: 1 } });
  const whole = await run(recipe);
  expect(stepsOf(whole.events).map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  const last = whole.files.get(12);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 11 }), async (cut) => {
      const rest = await run(recipe, { checkpoint: whole.files.get(cut) ?? null });
      expect(curve(stepsOf(rest.events))).toEqual(curve(stepsOf(whole.events)).slice(cut));
      expect(evalsOf(rest.events).map((m) => m["eval/loss"])).toEqual(
        evalsOf(whole.events)
          .filter(({ step }) => step > cut)
          .map((m) => m["eval/loss"]),
      );
      expect(parseCheckpoint(rest.files.get(12)!).adapter).toEqual(parseCheckpoint(last!).adapter);
    }),
    { numRuns: 4, seed: 5 },
  );
});

test("the same seed gives the same curve, another seed another, and the loss falls", async () => {
  const recipe = smallRecipe();
  const [a, b, c] = [await run(recipe), await run(recipe), await run({ ...recipe, seed: 2 })];
  expect(curve(stepsOf(a.events))).toEqual(curve(stepsOf(b.events)));
  expect(curve(stepsOf(a.events))).not.toEqual(curve(stepsOf(c.events)));
  const evals = evalsOf(a.events);
  expect(evals.map(({ step }) => step)).toEqual([0, 5, 10, 12]);
  expect(evals.at(-1)["eval/loss"]!).toBeLessThan(0.9 * evals[0]!["eval/loss"]!);
  expect(evals[0]).toMatchObject({ n: 3, "gsm8k/strict": expect.any(Number) as number, exact_match: null });
});

test("the last evaluation asks more problems where it is told to, and says of each how it went", async () => {
  const recipe = smallRecipe();
  const { evaluation } = recipe;
  const { events } = await run({ ...recipe, evaluation: { ...evaluation, finalRows: 6 } });
  expect(evalsOf(events).map(({ step, n, outcomes }) => [step, n, outcomes?.length])).toEqual([
    [0, 3, 3],
    [5, 3, 3],
    [10, 3, 3],
    [12, 6, 6],
  ]);
  const last = evalsOf(events).at(-1);
  const shareOf = (right: RegExp) => (last?.outcomes?.match(right)?.length ?? 0) / 6;
  expect([shareOf(/[23]/g), shareOf(/[13]/g)]).toEqual([last?.["gsm8k/strict"], last?.["gsm8k/flexible"]]);
  const fewer = await run({ ...recipe, evaluation: { ...evaluation, finalRows: 1 } });
  expect(evalsOf(fewer.events).at(-1)).toMatchObject({ n: 3 });
});

test("accumulated small batches equal one big batch", async () => {
  const recipe = smallRecipe({ adaptation: [newMethod("lora", { rank: 4, alpha: 8 })] });
  const big = await run({ ...recipe, batching: { ...recipe.batching, rows: 40 } });
  const small = await run({ ...recipe, batching: { ...recipe.batching, rows: 8, accumulation: 5 } });
  const losses = stepsOf(small.events).map((m) => m["train/loss"]);
  stepsOf(big.events).forEach((m, i) => {
    expect(Math.abs(m["train/loss"] - losses[i]!) / m["train/loss"]).toBeLessThan(1e-5);
  });
});

test("stop keeps what was learnt when asked, and goes on from there", async () => {
  const recipe = smallRecipe();
  const stopAt = (step: number, keep: boolean) => (event: TrainEvent, controls: Controls) => {
    if (event.event === "step" && event.metrics.step === step) controls.stop(keep);
  };
  const dropped = await run(recipe, { onEvent: stopAt(7, false) });
  expect(dropped.outcome).toBe("stopped");
  expect([...dropped.files.keys()]).toEqual([3, 6]);
  const kept = await run(recipe, { onEvent: stopAt(7, true) });
  expect([...kept.files.keys()]).toEqual([3, 6, 7]);
  const [whole, rest] = [await run(recipe), await run(recipe, { checkpoint: kept.files.get(7)! })];
  expect(curve(stepsOf(rest.events))).toEqual(curve(stepsOf(whole.events)).slice(7));
});

test("an evaluation that a stop cuts off is left out, and made up for on going on", async () => {
  const recipe = smallRecipe();
  let step = 0;
  const stopped = await run(recipe, {
    onEvent: (event, controls) => {
      if (event.event === "step") step = event.metrics.step;
      if (event.event === "progress" && step === 5) controls.stop(true);
    },
  });
  expect(evalsOf(stopped.events).map((m) => m.step)).toEqual([0]);
  const rest = await run(recipe, { checkpoint: stopped.files.get(5)! });
  expect(evalsOf(rest.events).map((m) => m.step)).toEqual([5, 10, 12]);
});

test("a pause holds the run between two steps", async () => {
  let events = 0;
  const { outcome } = await run(smallRecipe(), {
    onEvent: (event, controls) => {
      events++;
      if (event.event === "step" && event.metrics.step === 2) controls.pause();
      if (event.event === "status" && event.status === "paused") {
        const seen = events;
        setTimeout(() => {
          expect(events).toBe(seen);
          controls.continue();
        }, 50);
      }
    },
  });
  expect(outcome).toBe("done");
});

test("early stopping ends the run and keeps the best adapter", async () => {
  const recipe = smallRecipe({
    schedule: { kind: "constant", steps: 200, warmupSteps: 0 },
    evaluation: { ...smallRecipe().evaluation, every: 1, rows: 0, samples: 0, patience: 2 },
    checkpoints: { every: 1 },
  });
  recipe.optimizer.learningRate = 0.3;
  const { events, files, outcome } = await run(recipe);
  const evals = evalsOf(events);
  const losses = evals.map((m) => m["eval/loss"]!);
  const best = losses.indexOf(Math.min(...losses));
  expect(outcome).toBe("done");
  expect(evals.length).toBeLessThan(200);
  expect(best).toBe(losses.length - 3);
  const last = parseCheckpoint(files.get(evals.at(-1).step)!);
  expect(last.state).toMatchObject({ stoppedEarly: true, best: { step: best } });
  const atBest = best === 0 ? last.best! : parseCheckpoint(files.get(best)!).adapter;
  expect(last.adapter).toEqual(atBest);
});

test("a loss that is no number fails the run before a checkpoint is written", async () => {
  const recipe = smallRecipe({ checkpoints: { every: 1 } });
  const first = await run(recipe, {
    onEvent: (event, controls) => {
      if (event.event === "state" && event.state.step === 2) controls.stop(false);
    },
  });
  const saved = parseCheckpoint(first.files.get(2)!);
  for (const { values } of saved.adapter.values()) values.fill(3e38);
  const seen: TrainEvent[] = [];
  const diverging = run(recipe, { checkpoint: newCheckpoint(saved), onEvent: (event) => seen.push(event) });
  await expect(diverging).rejects.toMatchObject({ code: "run.diverged" });
  expect(seen.filter(({ event }) => event === "step" || event === "state")).toEqual([]);
  expect(seen.filter((e) => e.event === "alert" && e.alert.kind === "nan")).toHaveLength(1);
});

test("memory stays flat over steps", async () => {
  const before = deviceMemory();
  const seen: number[] = [];
  await run(smallRecipe(), {
    onEvent: (event) => {
      if (event.event === "step") seen.push(deviceMemory().tensors);
    },
  });
  expect(new Set(seen).size).toBe(1);
  expect(deviceMemory()).toEqual(before);
});
