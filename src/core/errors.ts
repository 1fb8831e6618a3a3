/** @file Every failure a person can meet has one code; its English words live here and nowhere else. */

import { type Said, say, sentence, textOf } from "./say";

/** code → [title, hint]. The interface shows them under the keys `error.<code>.title` and `error.<code>.hint`. */
export const explanations = {
  "gpu.unavailable": [
    "No usable WebGPU here",
    "Use a current Chrome or Edge with a graphics driver, or go on with the CPU backend.",
  ],
  "gpu.lost": [
    "The graphics device was lost",
    "Lower the rows per step or the context length, then resume from the last checkpoint.",
  ],
  "gpu.failed": [
    "A GPU kernel failed",
    "Resume from the last checkpoint on the CPU backend, and report the kernel it names.",
  ],
  "engine.crashed": ["The engine stopped unexpectedly", "Reload the page; finished checkpoints are safe."],
  "task.aborted": ["Stopped", "Start it again when you are ready."],
  "storage.full": ["The browser's storage is full", "Delete runs or data sets you no longer need, then go on."],
  "storage.failed": [
    "Stored data could not be read or written",
    "Reload the page. If it comes again, export what you need and clear the site's data.",
  ],
  "file.unreadable": ["The file cannot be read", "Check that it still exists and is not empty, then drop it again."],
  "dataset.format": [
    "The file is not a data set the studio knows",
    "Use JSONL, JSON or CSV in UTF-8 with one record a row.",
  ],
  "dataset.row": [
    "A row of the data set cannot be used",
    "Skip the rows listed, or mend the file and import it again.",
  ],
  "dataset.empty": [
    "There is no row to use",
    "Choose a file with at least one complete row, or another column mapping.",
  ],
  "dataset.missing": ["The data set is no longer here", "Import it again or choose another."],
  "model.config": [
    "The model's configuration cannot be used",
    "Use a Llama, Qwen, Mistral, Gemma, Phi-3 or GPT-2 model, as a Hugging Face folder or as GGUF.",
  ],
  "model.tensor": [
    "The model's weights do not fit its configuration",
    "Download the weights again, or check that the files belong together.",
  ],
  "model.format": [
    "The files are not a model the studio knows",
    "Drop a GGUF file, or all files of a Hugging Face folder: config.json, tokenizer.json and the safetensors.",
  ],
  "model.busy": ["The model is in use", "Wait until its import or the run is over, then try again."],
  "model.download": [
    "The model could not be downloaded",
    "Check the name and the connection, then resume: what has arrived is kept.",
  ],
  "model.missing": ["The model is not here", "Choose another model or import it again."],
  "adapter.missing": ["The adapter is no longer here", "Choose another one, or import it again."],
  "tokenizer.invalid": ["The tokenizer cannot be used", "Use the tokenizer.json that belongs to the model."],
  "template.invalid": [
    "The chat template cannot be used",
    "Write the texts around the prompt and the completion yourself.",
  ],
  "jail.slow": ["Foreign code took too long and was stopped", "Mend it, use another file, or do without it."],
  "jail.large": ["Foreign code wanted too much and was stopped", "Mend it, use another file, or do without it."],
  "reward.failed": [
    "A reward of your own failed",
    "Correct the function where it says, and try it on the sample answers before training.",
  ],
  "recipe.invalid": ["The recipe is not complete or not valid", "Correct the field it names."],
  "run.missing": ["The run is no longer here", "Choose another run."],
  "run.locked": ["Another tab is training this run", "Go on in that tab, or close it and try again."],
  "run.active": ["A run is training", "Let it finish, or stop it and keep its checkpoint; it can go on later."],
  "run.diverged": [
    "Training diverged: the loss is no longer a number",
    "Lower the learning rate and resume from the last checkpoint.",
  ],
  "ablation.invalid": ["The comparison is not complete or not valid", "Correct the variant or the seed it names."],
  "ablation.missing": ["The comparison is no longer here", "Choose another comparison."],
  "run.rows": ["Too few rows to train on", "Add rows, lower the evaluation share, or raise the context length."],
  "prompt.unusable": [
    "The prompt cannot be answered",
    "Shorten it, or take a model that reads more; an empty one has nothing to go on from.",
  ],
  "adapter.invalid": ["The adapter does not fit", "Use an adapter made for this base model."],
  "memory.full": ["The model does not fit in memory", "Lower the rows per step, the context length or the rank."],
  "cli.usage": ["The command was not understood", "Run `npm run --silent anneal -- help` for the commands."],
  bug: ["Something went wrong in the studio", "Please report it with these details."],
} as const satisfies Record<string, readonly [title: string, hint: string]>;

export type ErrorCode = keyof typeof explanations;

export class StudioError extends Error {
  override readonly name = "StudioError";
  /** Null where the title says it all. `message` is its English text. */
  readonly detail: Said | null;

  /** @param detail what happened and where, in one sentence: file, line, field, tensor. */
  constructor(
    readonly code: ErrorCode,
    detail: Said | null = null,
    options?: ErrorOptions,
  ) {
    super(detail ? textOf(detail) : explanations[code][0], options);
    this.detail = detail;
  }
}

/** An error as plain data, so that its code and its detail survive the worker boundary. */
export type WireError = { code: ErrorCode; message: string; detail: Said | null; stack?: string | undefined };

export function toWire(error: unknown): WireError {
  if (error instanceof StudioError) {
    return { code: error.code, message: error.message, detail: error.detail, stack: error.stack };
  }
  if (error instanceof Error) {
    const known = {
      AbortError: "task.aborted",
      QuotaExceededError: "storage.full",
      NotReadableError: "file.unreadable",
      NotFoundError: "file.unreadable",
    } as const;
    const code: ErrorCode = error.name in known ? known[error.name as keyof typeof known] : "bug";
    return { code, message: error.message, detail: say`${error.message}`, stack: error.stack };
  }
  return { code: "bug", message: String(error), detail: say`${String(error)}` };
}

export function fromWire({ code, detail, stack }: WireError): StudioError {
  const error = new StudioError(code, detail);
  if (stack) error.stack = stack;
  return error;
}

/** Reads a stored error; one that was stored before details had values of their own has its text alone. */
export function parseWire(stored: unknown): WireError | null {
  if (typeof stored !== "object" || stored === null) return null;
  const wire = stored as Omit<WireError, "detail"> & { detail?: Said | null };
  if (wire.detail !== undefined) return { ...wire, detail: wire.detail };
  return { ...wire, detail: wire.message === explanations[wire.code][0] ? null : sentence(wire.message) };
}

/** The English words for any error whatever; `detail` is empty where it would repeat the title. */
export function explain(error: unknown): { code: ErrorCode; title: string; hint: string; detail: string } {
  const { code, message } = toWire(error);
  const [title, hint] = explanations[code];
  return { code, title, hint, detail: message === title ? "" : message };
}
