/** @file A run from its first step to its last: what all objectives share. Each brings its step, and figures of its own. */

import { headTensor } from "../core/adaptation";
import { StudioError } from "../core/errors";
import type { EvalMetrics, Sample, StepMetrics } from "../core/metrics";
import { nextTick } from "../core/nextTick";
import type { ObjectiveKind } from "../core/objective";
import { seedFor } from "../core/random";
import { type Recipe, stepsInAll, trainedAdaptation } from "../core/recipe";
import { rewardFault } from "../core/reward";
import { say } from "../core/say";
import { stageAt } from "../core/stages";
import { trimMemory } from "../kernels/device";
import { disposeAdapter, loadAdapter, newAdapter, readAdapter, setProgress } from "../model/adapter";
import type { Adapter } from "../model/adapterParts";
import type { Llama } from "../model/llama";
import { disposeOptimizer, loadOptimizer, newOptimizer, readOptimizer } from "../model/training";
import { type AlertMemory, newAlertWatch } from "../scoring/alerts";
import { newCheckpoint, parseCheckpoint, type Tensors } from "./checkpoint";
import type { Controls } from "./controls";
import { newGrpoTrainer } from "./grpo";
import { newKtoTrainer } from "./kto";
import { stoppingAt } from "./loadModel";
import { accuracyOf, measureAnswers, measurePass } from "./measureAnswers";
import { measureLoss } from "./measureLoss";
import { measureRouting } from "./measureRouting";
import { newPpoTrainer } from "./ppo";
import { newPreferenceTrainer } from "./preference";
import { newRejectionTrainer } from "./rejection";
import { newRewardModelTrainer } from "./rewardModel";
import { learningRateAt } from "./schedule";
import type { NewTrainer, Session, TrainEvent, Trainer, TrainInputs } from "./session";
import { newSftTrainer } from "./sft";
import { afterEvaluation, afterStep, alertMemoryOf, newTrainingState, type TrainingState } from "./trainingState";

const trainers: Record<ObjectiveKind, NewTrainer> = {
  sft: newSftTrainer,
  dpo: newPreferenceTrainer,
  kto: newKtoTrainer,
  reward: newRewardModelTrainer,
  ppo: newPpoTrainer,
  grpo: newGrpoTrainer,
  rejection: newRejectionTrainer,
};

type Running = {
  session: Session;
  /** Null where the one of a stage that begins is yet to be made. */
  trainer: Trainer | null;
  alerts: AlertMemory;
  watch: ReturnType<typeof newAlertWatch>;
  best: Tensors | null;
};

/**
 * Trains until the schedule's last step, early stopping, or a stop. The curve depends only on the recipe, the data
 * and the backend: going on from a checkpoint gives the same steps as never having stopped. With a patience the last
 * checkpoint holds the adapter of the lowest evaluation loss.
 * @throws `run.diverged` when loss or gradient is no longer a number; the last checkpoint is from before. What a reward of
 * the user's own fails with: the last checkpoint is then of the last whole step.
 */
export async function* train(inputs: TrainInputs): AsyncGenerator<TrainEvent, "done" | "stopped"> {
  const { recipe, controls } = inputs;
  const saved = inputs.checkpoint ? parseCheckpoint(inputs.checkpoint) : null;
  let state = saved?.state ?? newTrainingState();
  const session = await newSession(inputs, saved);
  const alerts = alertMemoryOf(state);
  const watch = newAlertWatch(alerts);
  let kept = state.step; // step of the last checkpoint
  let trainer: Trainer | null = null;
  let best = saved?.best ?? null;
  try {
    trainer = yield* newTrainer(session, saved?.state.objective);
    for (;;) {
      const stop = yield* obey(controls);
      if (stop) {
        if (stop === "keep" && kept < state.step)
          yield await toCheckpoint({ session, trainer, alerts, watch, best }, state);
        return "stopped";
      }
      if (isEvaluationDue(recipe, state)) {
        const metrics = yield* evaluate({ session, trainer, alerts, watch, best }, state);
        if (!metrics) continue; // stopped on the way
        state = afterEvaluation(state, metrics, recipe.evaluation.patience);
        if (recipe.evaluation.patience > 0 && state.best?.step === state.step)
          best = await readAdapter(session.adapter);
      }
      const ended = hasEnded(recipe, state);
      if (kept < state.step && (ended || state.step % recipe.checkpoints.every === 0)) {
        yield await toCheckpoint({ session, trainer, alerts, watch, best }, state);
        kept = state.step;
      }
      if (ended) return "done";
      if (stageAt(recipe, state.step).from > session.stage.from) {
        trainer.dispose?.();
        trainer = null;
        await enterStage(session, state.step);
        trainer = yield* newTrainer(session, undefined);
      }
      const metrics = yield* advance({ session, trainer, alerts, watch, best }, state);
      state = afterStep(state, metrics);
      await nextTick();
    }
  } catch (error) {
    // Answers are rated before anything is learnt from them: the steps before are whole, and worth going on from.
    if (rewardFault(error) && kept < state.step)
      yield await toCheckpoint({ session, trainer, alerts, watch, best }, state);
    throw error;
  } finally {
    trainer?.dispose?.();
    disposeOptimizer(session.optimizer);
    disposeAdapter(session.adapter);
    if (session.reference) disposeAdapter(session.reference);
    trimMemory();
  }
}

async function newSession(inputs: TrainInputs, saved: ReturnType<typeof parseCheckpoint> | null): Promise<Session> {
  const { recipe, start } = inputs;
  const model = stoppingAt(inputs.model, recipe.template);
  // The stage that its last step was of: where that was the stage's last, the next one is entered as it would have been.
  const stage = stageAt(recipe, Math.max(0, (saved?.state.step ?? 0) - 1));
  const adaptation = trainedAdaptation(recipe);
  const drawn = () => newAdapter(model.llama, adaptation, seedFor(recipe.seed, "adapter"));
  let adapter: Adapter;
  if (saved) adapter = loadAdapter(model.llama, adaptation, saved.adapter);
  else if (start) {
    const fresh = await drawn();
    const tensors = await readAdapter(fresh); // a read-out that the start has not begins as new
    disposeAdapter(fresh);
    adapter = loadAdapter(model.llama, adaptation, new Map([...tensors, ...start]));
  } else adapter = await drawn();
  const optimizer = saved
    ? loadOptimizer(adapter, recipe.optimizer, saved.optimizer, saved.state.optimizerSteps ?? saved.state.step)
    : newOptimizer(adapter, recipe.optimizer);
  const from = saved ? saved.reference : (start ?? null);
  const reference = from ? newReference(model.llama, recipe, from) : null;
  return { ...inputs, model, stage, adapter, optimizer, reference };
}

/** Without a read-out, which a reference has no use for. */
function newReference(llama: Llama, { adaptation }: Recipe, tensors: Tensors): Adapter {
  return loadAdapter(llama, adaptation, new Map([...tensors].filter(([name]) => name !== headTensor)));
}

/** The next stage begins where the last one ended: from here on that is what is measured from, and the moments are new. */
async function enterStage(session: Session, step: number): Promise<void> {
  const { recipe, model, adapter } = session;
  disposeOptimizer(session.optimizer);
  session.optimizer = newOptimizer(adapter, recipe.optimizer);
  if (session.reference) disposeAdapter(session.reference);
  session.reference = newReference(model.llama, recipe, await readAdapter(adapter));
  session.stage = stageAt(recipe, step);
}

async function* newTrainer(session: Session, kept: unknown): AsyncGenerator<TrainEvent, Trainer> {
  const made = trainers[session.stage.recipe.objective.kind](session, kept);
  return Symbol.asyncIterator in made ? yield* made : made;
}

const hasEnded = (recipe: Recipe, state: TrainingState) => state.stoppedEarly || state.step >= stepsInAll(recipe);

const isEvaluationDue = (recipe: Recipe, state: TrainingState) =>
  state.evaluated < state.step &&
  (hasEnded(recipe, state) ||
    state.step % recipe.evaluation.every === 0 ||
    // What the next stage sets out from is worth knowing.
    (state.step > 0 && stageAt(recipe, state.step).from === state.step));

/** Waits while paused. Answers how to stop, or null to go on. */
async function* obey(controls: Controls): AsyncGenerator<TrainEvent, "stop" | "keep" | null> {
  if (controls.command() === "pause") {
    yield { event: "status", status: "paused" };
    while (controls.command() === "pause") await controls.changed();
    if (controls.command() === "run") yield { event: "status", status: "running" };
  }
  const command = controls.command();
  return command === "stop" || command === "keep" ? command : null;
}

async function toCheckpoint({ session, trainer, alerts, best }: Running, before: TrainingState): Promise<TrainEvent> {
  const { recipe, adapter, optimizer, reference, turns } = session;
  const objective = trainer?.keep?.();
  const state = {
    ...before,
    alerts,
    optimizerSteps: optimizer.step,
    ...(objective === undefined ? {} : { objective }),
  };
  const bytes = await turns(async () => {
    const [trained, moments, from] = await Promise.all([
      readAdapter(adapter),
      readOptimizer(optimizer),
      reference ? readAdapter(reference) : null,
    ]);
    const chosen = hasEnded(recipe, state) ? (best ?? trained) : trained;
    return newCheckpoint({ state, adapter: chosen, optimizer: moments, best, reference: from });
  });
  return { event: "state", state, bytes };
}

/** One optimizer step. */
async function* advance(
  { session, trainer, watch }: Running & { trainer: Trainer },
  state: TrainingState,
): AsyncGenerator<TrainEvent, StepMetrics> {
  const { adapter, stage, recompute = false } = session;
  const step = state.step + 1;
  const inStage = step - stage.from;
  const learningRate = learningRateAt(stage.recipe, inStage);
  setProgress(adapter, (inStage - 1) / stage.recipe.schedule.steps);
  const report = yield* trainer.step({
    step: inStage,
    learningRate,
    maxGradNorm: stage.recipe.optimizer.maxGradNorm,
    dropoutSeed: seedFor(stage.recipe.seed, "dropout", step),
    recompute,
  });
  const { loss, gradNorm, tokens, seconds } = report;
  const metrics: StepMetrics = {
    step,
    "train/loss": loss,
    "train/grad_norm": gradNorm,
    "train/learning_rate": learningRate,
    "train/epoch": report.epoch,
    tokens,
    tokens_per_second: tokens / Math.max(seconds, 1e-6),
    seconds: state.seconds + seconds,
    ...report.figures,
  };
  const alerts = watch(metrics);
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
    for (const alert of alerts) yield { event: "alert", alert };
    throw new StudioError("run.diverged", say`Step ${step}: the loss is ${loss}, the norm of its gradient ${gradNorm}`);
  }
  yield { event: "step", metrics };
  if (report.groups) yield { event: "groups", groups: { step, ...report.groups } };
  for (const alert of alerts) yield { event: "alert", alert };
  return metrics;
}

/** Loss, accuracy and samples on held-out rows. Null where a stop came in between. */
async function* evaluate(
  { session, trainer, watch }: Running,
  state: TrainingState,
): AsyncGenerator<TrainEvent, EvalMetrics | null> {
  const { recipe, model, adapter, data, controls, turns } = session;
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
    const { passAt: k } = recipe.evaluation;
    const isScored = k !== undefined && data.scoring === "gsm8k";
    const pass = isScored
      ? yield* measurePass(model, adapter, scored, { ...options, k, seed: seedFor(recipe.seed, "pass", step) })
      : null;
    const own = {
      ...(pass === null || k === undefined ? {} : { "gsm8k/pass": pass, pass_at: k }),
      ...(trainer?.evaluate ? yield* trainer.evaluate() : {}),
    };
    const metrics: EvalMetrics = { step, "eval/loss": loss, ...accuracy, seconds: state.seconds, ...own };
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
