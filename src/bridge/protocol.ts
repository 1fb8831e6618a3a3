/** @file All that crosses between the page and the engine. Types only. */

import type { BadRow, Dataset, Inspection, Mapping } from "../core/dataset";
import type { BackendChoice, EngineInfo, Plan, RowPreview, Sampling } from "../core/engine";
import type { WireError } from "../core/errors";
import type { DatasetId, RunId } from "../core/ids";
import type { RunEvent } from "../core/metrics";
import type { Model } from "../core/model";
import type { Recipe } from "../core/recipe";
import type { Run } from "../core/run";
import type { Bytes } from "../core/units";

/** The page asks, the engine answers once. Aborting a call's signal stops its work. */
export type Calls = {
  "engine.open": { args: { choice: BackendChoice }; result: EngineInfo };
  "model.list": { args: void; result: Model[] };
  "dataset.inspect": { args: { file: File; mapping?: Mapping }; result: Inspection };
  /** With `onBad: "report"` nothing is stored if a row is bad: the bad rows come back instead. */
  "dataset.import": {
    args: { file: File; name: string; mapping: Mapping; onBad: "report" | "skip"; progress: string };
    result: { dataset: Dataset } | { bad: BadRow[]; badCount: number; rows: number };
  };
  "dataset.delete": { args: { dataset: DatasetId }; result: void };
  /** A row of a data set under the recipe's template, tokenizer and context. */
  "recipe.preview": { args: { recipe: Recipe; row: number }; result: RowPreview };
  "recipe.plan": { args: { recipe: Recipe }; result: Plan };
  /** Takes one short step of the recipe, so that plans know its time; false where that would take long or disturb a run. */
  "recipe.measure": { args: { recipe: Recipe }; result: boolean };
  /** Both answer when the run has ended (done, stopped, paused by reload never answers); its life is told in `run.event`. */
  "run.start": { args: { recipe: Recipe; name: string }; result: Run };
  "run.resume": { args: { run: RunId }; result: Run };
  "run.pause": { args: { run: RunId }; result: void };
  "run.continue": { args: { run: RunId }; result: void };
  /** `keep`: saves a checkpoint first; otherwise the last checkpoint stays the newest. */
  "run.stop": { args: { run: RunId; keep: boolean }; result: void };
  "run.delete": { args: { run: RunId }; result: void };
  /**
   * Streams `chat.text`; answers the whole text. `run` null asks the base. `template` stands around the prompt (a
   * recipe's `template.prompt`); left out, it is the run's own, and GSM8K's for the base.
   */
  "chat.ask": {
    args: {
      id: string;
      model: string;
      run: RunId | null;
      prompt: string;
      template?: string;
      maxTokens: number;
      sampling: Sampling;
    };
    result: { text: string; tokens: number; seconds: number };
  };
  /** PEFT's adapter as one zip. */
  "adapter.export": { args: { run: RunId }; result: { name: string; zip: Uint8Array<ArrayBuffer> } };
};

/** The engine tells, at any time. */
export type Events = {
  "engine.memory": { used: Bytes; available: Bytes; tensors: number };
  "dataset.progress": { progress: string; done: Bytes; total: Bytes; rows: number };
  "run.event": { run: RunId } & RunEvent;
  "chat.text": { id: string; text: string };
  "device.lost": WireError;
};
