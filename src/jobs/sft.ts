/** @file Supervised fine-tuning: a recipe, a model and documents in; metrics, samples and checkpoints out. */

import { StudioError } from "../core/errors";
import type { EvalMetrics, RunEvent, Sample, StepMetrics } from "../core/metrics";
import { nextTick } from "../core/nextTick";
import { seedFor } from "../core/random";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import type { Turns } from "../core/turns";
import { type Batcher, newBatcher } from "../data/batches";
import { trimMemory } from "../kernels/device";
import { disposeAdapter, loadAdapter, newAdapter, readAdapter, setProgress } from "../model/adapter";
import type { Adapter } from "../model/adapterParts";
import {
  disposeOptimizer,
  loadOptimizer,
  newOptimizer,
  type Optimizer,
  readOptimizer,
  trainStep,
} from "../model/training";
import { newAlertWatch } from "../scoring/alerts";
import { newCheckpoint, parseCheckpoint, type Tensors } from "./checkpoint";
import type { Controls } from "./controls";
import { type LoadedModel, stoppingAt } from "./loadModel";
import { accuracyOf, measureAnswers } from "./measureAnswers";
import { measureLoss } from "./measureLoss";
import { measureRouting } from "./measureRouting";
import { contextOf, type TrainingData } from "./prepareData";
import { learningRateAt } from "./schedule";
import { afterEvaluation, afterStep, newTrainingState, type TrainingState } from "./trainingState";

export type SftInputs = {
  recipe: Recipe;
  model: LoadedModel;
  data: TrainingData;
  /** The file of an earlier checkpoint of the same recipe, to go on from. */
  checkpoint: Uint8Array | null;
  /** Activations are made again in the backward pass: less memory, a third more time, the same curve. */
  recompute?: boolean;
  controls: Controls;
  turns: Turns;
};

/** `state` carries a checkpoint's file, and where the run stood. */
export type SftEvent = RunEvent | { event: "state"; state: TrainingState; bytes: Uint8Array<ArrayBuffer> };

/** What is trained, and what trains it. */
type Session = SftInputs & {
  adapter: Adapter;
  optimizer: Optimizer;
  batcher: Batcher;
  watch: ReturnType<typeof newAlertWatch>;
  best: Tensors | null;
};

/**
 * Trains until the schedule's last step, early stopping, or a stop. The curve depends only on the recipe, the data
 * and the backend: going on from a checkpoint gives the same steps as never having stopped. With a patience the last
 * checkpoint holds the adapter of the lowest evaluation loss.
 * @throws `run.diverged` when loss or gradient is no longer a number; the last checkpoint is from before.
 */
export async function* trainSft(inputs: SftInputs): AsyncGenerator<SftEvent, "done" | "stopped"> {
  const { recipe, controls } = inputs;
  const saved = inputs.checkpoint ? parseCheckpoint(inputs.checkpoint) : null;
  const session = await newSession(inputs, saved);
  let state = saved?.state ?? newTrainingState();
  let kept = state.step; // step of the last checkpoint
  try {
    for (;;) {
      const stop = yield* obey(controls);
      if (stop) {
        if (stop === "keep" && kept < state.step) yield await toCheckpoint(session, state);
        return "stopped";
      }
      if (isEvaluationDue(recipe, state)) {
        const metrics = yield* evaluate(session, state);
        if (!metrics) continue; // stopped on the way
        state = afterEvaluation(state, metrics, recipe.evaluation.patience);
        if (recipe.evaluation.patience > 0 && state.best?.step === state.step) {
          session.best = await readAdapter(session.adapter);
        }
      }
      const ended = hasEnded(recipe, state);
      if (kept < state.step && (ended || state.step % recipe.checkpoints.every === 0)) {
        yield await toCheckpoint(session, state);
        kept = state.step;
      }
      if (ended) return "done";
      const metrics = yield* advance(session, state);
      state = afterStep(state, metrics);
      await nextTick();
    }
  } finally {
    disposeOptimizer(session.optimizer);
    disposeAdapter(session.adapter);
    trimMemory();
  }
}

async function newSession(inputs: SftInputs, saved: ReturnType<typeof parseCheckpoint> | null): Promise<Session> {
  const { recipe, data } = inputs;
  const model = stoppingAt(inputs.model, recipe.template);
  const batcher = newBatcher({
    documents: data.train,
    rows: recipe.batching.rows,
    mode: recipe.batching.mode,
    contextLength: contextOf(recipe, model.config),
    ...(recipe.batching.contextLength > 0 ? { capacity: recipe.batching.contextLength } : {}),
    seed: recipe.seed,
  });
  const adapter = saved
    ? loadAdapter(model.llama, recipe.adaptation, saved.adapter)
    : await newAdapter(model.llama, recipe.adaptation, seedFor(recipe.seed, "adapter"));
  const optimizer = saved
    ? loadOptimizer(adapter, recipe.optimizer, saved.optimizer, saved.state.step)
    : newOptimizer(adapter, recipe.optimizer);
  const watch = newAlertWatch();
  for (const metrics of saved?.state.recent ?? []) watch(metrics);
  return { ...inputs, model, adapter, optimizer, batcher, watch, best: saved?.best ?? null };
}

const hasEnded = (recipe: Recipe, state: TrainingState) => state.stoppedEarly || state.step >= recipe.schedule.steps;

const isEvaluationDue = (recipe: Recipe, state: TrainingState) =>
  state.evaluated < state.step && (hasEnded(recipe, state) || state.step % recipe.evaluation.every === 0);

/** Waits while paused. Answers how to stop, or null to go on. */
async function* obey(controls: Controls): AsyncGenerator<SftEvent, "stop" | "keep" | null> {
  if (controls.command() === "pause") {
    yield { event: "status", status: "paused" };
    while (controls.command() === "pause") await controls.changed();
    if (controls.command() === "run") yield { event: "status", status: "running" };
  }
  const command = controls.command();
  return command === "stop" || command === "keep" ? command : null;
}

async function toCheckpoint(session: Session, state: TrainingState): Promise<SftEvent> {
  const { recipe, adapter, optimizer, best, turns } = session;
  const bytes = await turns(async () => {
    const [trained, moments] = await Promise.all([readAdapter(adapter), readOptimizer(optimizer)]);
    const chosen = hasEnded(recipe, state) ? (best ?? trained) : trained;
    return newCheckpoint({ state, adapter: chosen, optimizer: moments, best });
  });
  return { event: "state", state, bytes };
}

/** One optimizer step over `accumulation` batches. */
async function* advance(session: Session, state: TrainingState): AsyncGenerator<SftEvent, StepMetrics> {
  const { recipe, model, adapter, optimizer, batcher, turns, watch, recompute = false } = session;
  const { accumulation } = recipe.batching;
  const step = state.step + 1;
  const learningRate = learningRateAt(recipe, step);
  setProgress(adapter, state.step / recipe.schedule.steps);
  const { maxGradNorm } = recipe.optimizer;
  const dropoutSeed = seedFor(recipe.seed, "dropout", step);
  const taken = Array.from({ length: accumulation }, (_, i) => batcher.batch(state.step * accumulation + i));
  const batches = taken.map(({ batch }) => batch);
  let seconds = 0;
  const { loss, gradNorm } = await turns(async () => {
    const begun = performance.now();
    const report = await trainStep(model.llama, adapter, optimizer, batches, {
      learningRate,
      maxGradNorm,
      dropoutSeed,
      recompute,
    });
    seconds = (performance.now() - begun) / 1000;
    return report;
  });
  const tokens = taken.reduce((sum, part) => sum + part.tokens, 0);
  const metrics: StepMetrics = {
    step,
    "train/loss": loss,
    "train/grad_norm": gradNorm,
    "train/learning_rate": learningRate,
    "train/epoch": taken.at(-1)?.epoch ?? 0,
    tokens,
    tokens_per_second: tokens / Math.max(seconds, 1e-6),
    seconds: state.seconds + seconds,
  };
  const alerts = watch(metrics);
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
    for (const alert of alerts) yield { event: "alert", alert };
    throw new StudioError("run.diverged", say`Step ${step}: the loss is ${loss}, the norm of its gradient ${gradNorm}`);
  }
  yield { event: "step", metrics };
  for (const alert of alerts) yield { event: "alert", alert };
  return metrics;
}

/** Loss, accuracy and samples on held-out rows. Null where a stop came in between. */
async function* evaluate(session: Session, state: TrainingState): AsyncGenerator<SftEvent, EvalMetrics | null> {
  const { recipe, model, adapter, data, controls, turns, watch } = session;
  const options = { maxTokens: recipe.evaluation.maxTokens, turns, signal: controls.signal, logic: data.logic };
  const { step } = state;
  // both lists begin alike, so the longer one answers for both
  const problems = hasEnded(recipe, state) ? data.finalProblems : data.problems;
  const scored = data.scoring === "none" ? [] : problems;
  const asked = scored.length > data.samples.length ? scored : data.samples;
  try {
    const loss = yield* measureLoss(model, adapter, data.heldout, options);
    const answers = yield* measureAnswers(model, adapter, asked, options);
    const accuracy = accuracyOf(answers.slice(0, scored.length), data.scoring);
    const metrics: EvalMetrics = { step, "eval/loss": loss, ...accuracy, seconds: state.seconds };
    const samples = answers.slice(0, data.samples.length).map(
      ({ problem, completion, flexible, exact }): Sample => ({
        step,
        index: problem.index,
        prompt: problem.prompt,
        reference: problem.reference,
        completion,
        correct: data.scoring === "gsm8k" ? flexible : data.scoring === "exact-match" ? exact : null,
      }),
    );
    yield { event: "eval", metrics };
    if (samples.length > 0) yield { event: "samples", samples };
    const routing = await turns(() => measureRouting(model, adapter, data.heldout, step));
    if (routing) yield { event: "routing", routing };
    for (const alert of watch(metrics)) yield { event: "alert", alert };
    return metrics;
  } catch (error) {
    if (controls.signal.aborted) return null;
    throw error;
  }
}
