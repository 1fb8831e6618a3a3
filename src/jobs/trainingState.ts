/** @file Where a run stands between two steps: all that a checkpoint keeps beside the weights. */

import { StudioError } from "../core/errors";
import type { EvalMetrics, StepMetrics } from "../core/metrics";
import { say } from "../core/say";
import { type AlertMemory, newAlertMemory, newAlertWatch } from "../scoring/alerts";

/** The data position and every draw of chance are functions of the recipe's seed and `step`, so no generator is kept. */
export type TrainingState = {
  version: 1;
  /** Optimizer steps done. */
  step: number;
  /** Step of the last evaluation, −1 before the first. */
  evaluated: number;
  /** Lowest evaluation loss so far. */
  best: { step: number; loss: number } | null;
  /** Evaluations since then. */
  withoutProgress: number;
  /** Ended by early stopping. */
  stoppedEarly: boolean;
  /** Seconds of training, evaluations and pauses apart. */
  seconds: number;
  /** All evaluations; checkpoints of before alerts had a memory have the last steps too, to tell them again. */
  recent: (StepMetrics | EvalMetrics)[];
  /** What alerts go by. */
  alerts?: AlertMemory;
  /** Steps of the optimizer in this stage, where they are not the run's. */
  optimizerSteps?: number;
  /** What the objective itself keeps. */
  objective?: unknown;
};

export function newTrainingState(): TrainingState {
  return {
    version: 1,
    step: 0,
    evaluated: -1,
    best: null,
    withoutProgress: 0,
    stoppedEarly: false,
    seconds: 0,
    recent: [],
  };
}

/** Reads a checkpoint's own JSON. Throws `storage.failed`. */
export function parseTrainingState(text: string | undefined): TrainingState {
  let state: unknown;
  try {
    state = JSON.parse(text ?? "");
  } catch (cause) {
    throw new StudioError("storage.failed", say`The checkpoint does not say where the run stood`, { cause });
  }
  const { version, step, evaluated, seconds } = state as Partial<TrainingState>;
  if (version !== 1 || ![step, evaluated, seconds].every((n) => Number.isFinite(n))) {
    throw new StudioError("storage.failed", say`The checkpoint is of a form this version does not know`);
  }
  return state as TrainingState;
}

export const afterStep = (state: TrainingState, { step, seconds }: StepMetrics): TrainingState => ({
  ...state,
  step,
  seconds,
});

/** What alerts went by when the state was kept: as if nothing had happened since. */
export function alertMemoryOf({ alerts, recent }: TrainingState): AlertMemory {
  if (alerts) return structuredClone(alerts);
  const memory = newAlertMemory();
  const watch = newAlertWatch(memory);
  for (const metrics of recent) watch(metrics);
  return memory;
}

/** The state after an evaluation. Early stopping goes by its loss; where it has none, nothing stops early. */
export function afterEvaluation(state: TrainingState, metrics: EvalMetrics, patience: number): TrainingState {
  const next = { ...state, evaluated: state.step, recent: [...state.recent, metrics] };
  const loss = metrics["eval/loss"];
  if (loss === null) return next;
  if (!state.best || loss < state.best.loss) {
    return { ...next, best: { step: state.step, loss }, withoutProgress: 0 };
  }
  const withoutProgress = state.withoutProgress + 1;
  return { ...next, withoutProgress, stoppedEarly: patience > 0 && withoutProgress >= patience };
}
