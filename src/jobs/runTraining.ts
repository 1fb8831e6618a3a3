/** @file The life of a run: it trains by its recipe, what it tells is kept, and it can go on after any end. */

import { StudioError, toWire } from "../core/errors";
import { mendRun } from "../core/mendRun";
import type { EvalMetrics, RunEvent, RunStatusKind } from "../core/metrics";
import { rewardsOf } from "../core/objective";
import { type Recipe, stepsInAll } from "../core/recipe";
import { rewardFault } from "../core/reward";
import type { Run } from "../core/run";
import { say } from "../core/say";
import type { Turns } from "../core/turns";
import { memoryPeak } from "../kernels/device";
import type { RunStore } from "../storage/runStore";
import type { Controls } from "./controls";
import type { LoadedModel } from "./loadModel";
import { isMemoryShort } from "./planRecipe";
import { prepareData, type Source, type TrainingData } from "./prepareData";
import { newModelRater, type RewardModel } from "./rateByModel";
import { newScorer, type Scorer } from "./rewards";
import { train } from "./train";
import type { TrainingState } from "./trainingState";
import { newUntilLost } from "./untilLost";

export type RunInputs = {
  /** A new run, or a stored one to go on with from its last checkpoint. */
  run: Run;
  /** The run's recipe with the code of its own rewards mended, to go on with. */
  mended?: Recipe;
  store: RunStore;
  backend: string;
  loadModel: () => Promise<LoadedModel>;
  loadSource: () => Promise<Source>;
  /** An adapter by the name that a recipe has for it: what a run begins as, or a reward model. */
  loadAdapter?: (name: string) => Promise<RewardModel>;
  controls: Controls;
  turns: Turns;
  /** Resolves when the device can no longer be trusted. */
  lost: Promise<StudioError>;
  emit: (event: RunEvent) => void;
  /** Bytes that can be counted on: where they are short, activations are made again, with the same curve. */
  available?: number;
  /** Told before the first step. */
  onData?: (data: TrainingData) => void;
};

/** Milliseconds after which what a run told is stored, checkpoint or not. */
const saveAfter = 3000;

/**
 * Trains until the run ends, and answers its record: `done`, `stopped`, `failed` with its error, or `paused` with that of a
 * reward of the user's own, after the last whole step. The caller holds the run. History and checkpoint on disk always
 * agree: what came after the checkpoint is dropped before going on.
 * Throws only where the record itself cannot be read or written, or `recipe.invalid` where `mended` would be another run.
 */
export async function runTraining(inputs: RunInputs): Promise<Run> {
  const { store, controls, turns, emit } = inputs;
  const { run: begun, changes } = inputs.mended ? mendRun(inputs.run, inputs.mended) : { run: inputs.run, changes: [] };
  const checkpoint = await store.readCheckpoint(begun.id);
  await store.truncate(begun.id, checkpoint?.step ?? -1);
  let run: Run = { ...begun, ...startOf(begun, checkpoint?.step ?? 0), backend: inputs.backend, failedOn: null };
  // Without a checkpoint the log begins anew, and what was changed before is told once more.
  const told = checkpoint ? changes : (begun.changes ?? []);
  let unsaved: RunEvent[] = told.map((change) => ({ event: "change", change }));
  let savedAt = performance.now();
  let hasBegun = false;
  /** Stores the record and what was told since the last time. */
  const save = async () => {
    const told = unsaved;
    unsaved = [];
    savedAt = performance.now();
    try {
      await store.save(run, told);
    } catch (error) {
      unsaved = [...told, ...unsaved];
      throw error;
    }
  };
  // A disk takes a quarter of a second to promise that it holds something; training goes on meanwhile.
  let saving: Promise<{ error?: unknown }> | null = null;
  const saved = async () => {
    const outcome = await saving;
    saving = null;
    if (outcome && "error" in outcome) throw outcome.error;
  };
  const tellStatus = async (status: RunStatusKind, error?: unknown) => {
    const wire = error === undefined ? null : toWire(error);
    run = { ...run, status, error: wire, ...(hasBegun ? withPeak(run) : {}) };
    if (saving) await saved().catch(() => undefined); // the record tries again
    await save();
    emit({ event: "status", status, ...(wire ? { error: wire } : {}) });
  };

  let scorer: Scorer | null = null;
  await tellStatus("running");
  for (const change of changes) emit({ event: "change", change });
  const device = newUntilLost(inputs.lost);
  try {
    emit({ event: "progress", phase: "loading", done: 0, total: 1 });
    const model = await inputs.loadModel();
    memoryPeak(true); // what came before this run is not its own
    hasBegun = true;
    const source = await inputs.loadSource();
    const preparing = prepareData(source, run.recipe, model, controls.signal);
    let prepared = await preparing.next();
    for (; !prepared.done; prepared = await preparing.next()) emit(prepared.value);
    inputs.onData?.(prepared.value);
    const bytes = checkpoint?.bytes ?? null;
    const data = prepared.value;
    const recompute = isMemoryShort(run.recipe, model, data, inputs.available ?? Number.POSITIVE_INFINITY);
    const { objective } = run.recipe;
    const find = inputs.loadAdapter ?? noAdapter;
    const { start: from } = run.recipe;
    const start = from !== undefined && !bytes ? (await find(from)).tensors : null;
    const rater = newModelRater(model, turns, find);
    const rateByModel = rater.rate.bind(rater);
    const rewards = rewardsOf(objective);
    scorer = rewards ? newScorer(rewards, { rateByModel }) : null;
    const given = { recipe: run.recipe, model, data, checkpoint: bytes, start, scorer, recompute, controls, turns };
    const training = train(given);
    try {
      for (;;) {
        const next = await device.wait(training.next());
        if (next.done) {
          await tellStatus(next.value);
          return run;
        }
        const event = next.value;
        if (event.event === "state") {
          const note: RunEvent = {
            event: "checkpoint",
            checkpoint: { step: event.state.step, bytes: event.bytes.length },
          };
          const kept = keptEvaluation(run, event.state);
          await saved();
          const next = { ...run, checkpoint: event.state.step, seconds: event.state.seconds, after: kept ?? run.after };
          await store.saveCheckpoint(next, [...unsaved, note], event.bytes);
          run = next;
          unsaved = [];
          savedAt = performance.now();
          emit(note);
        } else if (event.event === "status") {
          await tellStatus(event.status);
        } else {
          run = afterEvent(run, event);
          if (event.event !== "progress") unsaved.push(event);
          emit(event);
          if (unsaved.length > 0 && performance.now() - savedAt > saveAfter) {
            await saved();
            saving = save().then(
              () => ({}),
              (error: unknown) => ({ error }),
            );
          }
        }
      }
    } finally {
      const closing = training.return("stopped").catch(() => undefined); // a lost device may not take its tensors back
      scorer?.close();
      rater.close();
      if (!device.reason()) await closing; // and then its last step may never end
    }
  } catch (error) {
    const stopped = controls.signal.aborted && toWire(error).code === "task.aborted";
    const lost = device.reason();
    if (stopped) await tellStatus("stopped");
    else if (lost || !rewardFault(error)) await tellStatus("failed", lost ?? error);
    else {
      run = { ...run, failedOn: scorer?.failedOn() ?? null };
      await tellStatus("paused", error);
    }
    return run;
  }
}

const noAdapter = (name: string): Promise<RewardModel> =>
  Promise.reject(new StudioError("adapter.invalid", say`There is no adapter ${name} here`));

/** A run that goes on keeps what it took before. */
function withPeak({ peakBytes }: Run): Pick<Run, "peakBytes"> {
  const peak = memoryPeak();
  return peak === null ? {} : { peakBytes: Math.max(peak, peakBytes ?? 0) };
}

/** What of a record holds when it goes on from `step`. */
function startOf(run: Run, step: number): Pick<Run, "step" | "checkpoint" | "before" | "after"> {
  const holds = (metrics: Run["after"]) => (metrics && step > 0 && metrics.step <= step ? metrics : null);
  return { step, checkpoint: step, before: holds(run.before), after: holds(run.after) ?? holds(run.before) };
}

/** Where early stopping went back to the best adapter, the figures that are the run's are that adapter's. */
function keptEvaluation({ recipe }: Run, { step, stoppedEarly, best, recent }: TrainingState): Run["after"] {
  const ended = stoppedEarly || step >= stepsInAll(recipe);
  if (!ended || recipe.evaluation.patience === 0 || !best) return null;
  return recent.find((metrics): metrics is EvalMetrics => "eval/loss" in metrics && metrics.step === best.step) ?? null;
}

function afterEvent(run: Run, event: RunEvent): Run {
  if (event.event === "step") return { ...run, step: event.metrics.step, seconds: event.metrics.seconds };
  if (event.event === "eval") return { ...run, before: run.before ?? event.metrics, after: event.metrics };
  return run;
}
