/** @file What a run's loop and its objectives have between them. */

import { StudioError } from "../core/errors";
import type { EvalMetrics, Figures, GroupStep, RunEvent } from "../core/metrics";
import type { ObjectiveKind, ObjectiveOf } from "../core/objective";
import type { Recipe } from "../core/recipe";
import { say } from "../core/say";
import type { Stage } from "../core/stages";
import type { Turns } from "../core/turns";
import type { Adapter } from "../model/adapterParts";
import type { Optimizer } from "../model/training";
import type { Tensors } from "./checkpoint";
import type { Controls } from "./controls";
import type { LoadedModel } from "./loadModel";
import type { TrainingData } from "./prepareData";
import type { Scorer } from "./rewards";
import type { TrainingState } from "./trainingState";

export type TrainInputs = {
  recipe: Recipe;
  model: LoadedModel;
  data: TrainingData;
  /** The file of an earlier checkpoint of the same recipe, to go on from. */
  checkpoint: Uint8Array | null;
  /** What the adapter begins as, where the recipe says so. */
  start?: Tensors | null;
  /** Rates answers by the recipe's rewards, where its objective has any. */
  scorer?: Scorer | null;
  /** Activations are made again in the backward pass: less memory, a third more time, the same curve. */
  recompute?: boolean;
  controls: Controls;
  turns: Turns;
};

/** `state` carries a checkpoint's file, and where the run stood. */
export type TrainEvent = RunEvent | { event: "state"; state: TrainingState; bytes: Uint8Array<ArrayBuffer> };

/** What is trained, and what trains it. */
export type Session = TrainInputs & {
  /** The recipe of the stage that the run is in. */
  stage: Stage;
  adapter: Adapter;
  optimizer: Optimizer;
  /** What rewards and preferences are measured from: null is the base. */
  reference: Adapter | null;
};

/** Where a step stands. */
export type StepPlace = {
  /** Of its stage, from 1. */
  step: number;
  learningRate: number;
  maxGradNorm: number;
  dropoutSeed: number;
  recompute: boolean;
};

export type StepReport = {
  loss: number;
  gradNorm: number;
  /** Padding apart. */
  tokens: number;
  epoch: number;
  /** Of computing, waiting for other jobs apart. */
  seconds: number;
  figures?: Figures;
  groups?: Omit<GroupStep, "step">;
};

/** What an objective is to the loop. */
export type Trainer = {
  step: (place: StepPlace) => AsyncGenerator<RunEvent, StepReport>;
  /** Figures of its own at an evaluation. Throws the signal's reason when aborted. */
  evaluate?: () => AsyncGenerator<RunEvent, Partial<EvalMetrics>>;
  /** What of it a checkpoint keeps, as JSON has it. */
  keep?: () => unknown;
  dispose?: () => void;
};

/** Makes an objective's trainer; `kept` is what its last checkpoint had of it. */
export type NewTrainer = (session: Session, kept: unknown) => Trainer | AsyncGenerator<RunEvent, Trainer>;

/** The objective of the stage, which is of this kind. */
export function objectiveOf<K extends ObjectiveKind>({ stage }: Session, kind: K): ObjectiveOf<K> {
  const { objective } = stage.recipe;
  if (objective.kind !== kind) throw new StudioError("bug", say`${objective.kind} is not ${kind}`);
  return objective as ObjectiveOf<K>;
}
