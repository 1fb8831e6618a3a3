/** @file All that crosses between the page and the engine. Types only. */

import type { AdapterRecord, TrainedId } from "../core/adapterRecord";
import type { BadRow, Dataset, Inspection, Mapping } from "../core/dataset";
import type {
  BackendChoice,
  EngineInfo,
  Plan,
  PreviewToken,
  PromptAttention,
  RowPreview,
  Sampling,
} from "../core/engine";
import type { WireError } from "../core/errors";
import type { ExportFormat, ExportOffer, ExportProof, MadeExport } from "../core/exportFormat";
import type { Feedback, KeptFeedback } from "../core/feedback";
import type { AdapterId, DatasetId, ModelId, RunId } from "../core/ids";
import type { RunEvent } from "../core/metrics";
import type { Model } from "../core/modelRecord";
import type { Recipe } from "../core/recipe";
import type { Reward, SampleRow, ScoredRow, Scores, WrittenAnswer } from "../core/reward";
import type { Run } from "../core/run";
import type { Bytes } from "../core/units";

/** The page asks, the engine answers once. Aborting a call's signal stops its work. */
export type Calls = {
  "engine.open": { args: { choice: BackendChoice }; result: EngineInfo };
  "model.list": { args: void; result: Model[] };
  /** The files of one model, as they were dropped or picked; what is no model leaves nothing. */
  "model.import": { args: { files: File[]; name: string; progress: string }; result: Model };
  /** From a Hugging Face hub or its mirror; `file` is one GGUF file of many. */
  "model.download": {
    args: { host: string; repository: string; revision: string; file: string | null; progress: string };
    result: Model;
  };
  /** Goes on with an import that was cut off. `files` are the same files again, of a model that came by a drop. */
  "model.resume": { args: { model: ModelId; files: File[]; progress: string }; result: Model };
  "model.rename": { args: { model: ModelId; name: string }; result: void };
  "model.delete": { args: { model: ModelId }; result: void };
  /** Answers the names of the files that are no longer as they came. */
  "model.verify": { args: { model: ModelId; progress: string }; result: string[] };
  "dataset.inspect": { args: { file: File; mapping?: Mapping }; result: Inspection };
  /** With `onBad: "report"` nothing is stored if a row is bad: the bad rows come back instead. */
  "dataset.import": {
    args: { file: File; name: string; mapping: Mapping; onBad: "report" | "skip"; progress: string };
    result: { dataset: Dataset } | { bad: BadRow[]; badCount: number; rows: number };
  };
  "dataset.delete": { args: { dataset: DatasetId }; result: void };
  /**
   * Where a stored row's final answer begins: at this token of its preview under the recipe, or (null) where its text
   * says again. Answers the data set, whose rows have a column for it from then on.
   */
  "dataset.markFinal": { args: { recipe: Recipe; row: number; token: number | null }; result: Dataset };
  /** As JSONL, rows that judge in TRL's form. */
  "dataset.export": { args: { dataset: DatasetId }; result: Blob };
  /** Thumbs as rows of two data sets, in place of what was said of the question before. */
  "feedback.save": { args: Feedback; result: KeptFeedback };
  /** A row of a data set under the recipe's template, tokenizer and context. */
  "recipe.preview": { args: { recipe: Recipe; row: number }; result: RowPreview };
  "recipe.plan": { args: { recipe: Recipe }; result: Plan };
  /** Answers to try rewards on: four made of the data's first row, and those that a model has written. */
  "reward.samples": { args: { recipe: Recipe; written: WrittenAnswer[] }; result: SampleRow[] };
  /** What sample answers are worth by a list that is being written; an own function's error says where. */
  "reward.try": { args: { rewards: Reward[]; rows: ScoredRow[] }; result: Scores };
  /** Takes one short step of the recipe, so that plans know its time; false where that would take long or disturb a run. */
  "recipe.measure": { args: { recipe: Recipe }; result: boolean };
  /** Both answer when the run has ended (done, stopped, paused by reload never answers); its life is told in `run.event`. */
  "run.start": { args: { recipe: Recipe; name: string }; result: Run };
  /** `mended`: the run's recipe with other code for its own rewards. */
  "run.resume": { args: { run: RunId; mended?: Recipe }; result: Run };
  "run.pause": { args: { run: RunId }; result: void };
  "run.continue": { args: { run: RunId }; result: void };
  /** `keep`: saves a checkpoint first; otherwise the last checkpoint stays the newest. */
  "run.stop": { args: { run: RunId; keep: boolean }; result: void };
  "run.delete": { args: { run: RunId }; result: void };
  /**
   * Streams `chat.text`; answers the whole text. `run` is a run or an adapter of the library; null asks the base. `template` stands around the prompt (a
   * recipe's `template.prompt`); left out, it is the run's own, and GSM8K's for the base.
   */
  "chat.ask": {
    args: {
      id: string;
      model: string;
      run: TrainedId | null;
      prompt: string;
      template?: string;
      maxTokens: number;
      sampling: Sampling;
    };
    result: { text: string; tokens: number; seconds: number };
  };
  /** The tokens of a prompt as the run's adapter is given them, those marked that carry logic. */
  "prompt.preview": { args: { run: TrainedId; prompt: string }; result: PreviewToken[] };
  /** One head's attention over a prompt (at most 256 tokens of it), without the run's adapter and with it. */
  "prompt.attention": {
    args: { run: TrainedId; prompt: string; layer: number; head: number };
    result: PromptAttention;
  };
  /** An adapter's folder (PEFT's or the studio's), a zip of it, or a GGUF adapter, for a base. */
  "adapter.import": { args: { files: File[]; name: string; model: string }; result: AdapterRecord };
  /** Several LoRA adapters of one base as one, each by its weight. */
  "adapter.add": { args: { parts: { id: TrainedId; weight: number }[]; name: string }; result: AdapterRecord };
  "adapter.rename": { args: { adapter: AdapterId; name: string }; result: void };
  "adapter.delete": { args: { adapter: AdapterId }; result: void };
  /** In which forms it can leave, and what each takes. */
  "trained.choices": { args: { id: TrainedId }; result: ExportOffer };
  /**
   * One zip: too large to hand over, it lies in the browser's private file system until the next one is made. How far it
   * is, is told in `model.progress`.
   */
  "trained.export": { args: { id: TrainedId; format: ExportFormat; progress: string }; result: MadeExport };
  /** Reads the export back and compares its logits with those of what was trained. Not while a run trains. */
  "trained.prove": { args: { id: TrainedId; format: ExportFormat; file: string }; result: ExportProof };
};

/** The engine tells, at any time. */
export type Events = {
  "engine.memory": { used: Bytes; available: Bytes; tensors: number };
  "model.progress": { progress: string; file: string; done: number; total: number };
  /** Matrices of a base that are on the device, of so many. */
  "model.loading": { model: string; done: number; total: number };
  "dataset.progress": { progress: string; done: Bytes; total: Bytes; rows: number };
  "run.event": { run: RunId } & RunEvent;
  "chat.text": { id: string; text: string };
  "device.lost": WireError;
};
