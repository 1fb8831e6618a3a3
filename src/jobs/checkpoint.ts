/** @file A checkpoint's file: one safetensors with the adapter, the optimizer's moments, and where the run stood. */

import { type Adaptation, headTensor } from "../core/adaptation";
import { type Recipe, trainedAdaptation } from "../core/recipe";
import { parseSafetensors, type SafeTensorInput, writeSafetensors } from "../formats/safetensors";
import type { TensorData } from "../model/llama";
import { parseTrainingState, type TrainingState } from "./trainingState";

export type Tensors = Map<string, TensorData>;

export type Checkpoint = {
  state: TrainingState;
  /** By module path: `model.layers.0.self_attn.q_proj.lora_A.weight`. */
  adapter: Tensors;
  /** AdamW's moments: `NAME.m` and `NAME.v` for every tensor of the adapter. */
  optimizer: Tensors;
  /** The adapter at its lowest evaluation loss, where early stopping may go back to it. */
  best: Tensors | null;
  /** What rewards and preferences are measured from, where that is not the base. */
  reference: Tensors | null;
};

const parts = ["adapter", "optimizer", "best", "reference"] as const;

export function newCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const all = new Map<string, SafeTensorInput>();
  for (const part of parts) {
    for (const [name, tensor] of checkpoint[part] ?? []) all.set(`${part}/${name}`, tensor);
  }
  return writeSafetensors(all, { state: JSON.stringify(checkpoint.state) });
}

/** What a run has to show for itself: a reward model with its read-out, a policy without the one that its values came from. */
export function trainedOf(
  recipe: Pick<Recipe, "adaptation" | "objective">,
  { adapter }: Pick<Checkpoint, "adapter">,
): { adaptation: Adaptation; tensors: Tensors } {
  if (recipe.objective.kind === "reward") return { adaptation: trainedAdaptation(recipe), tensors: adapter };
  const tensors = new Map([...adapter].filter(([name]) => name !== headTensor));
  return { adaptation: recipe.adaptation, tensors };
}

/** Throws `model.tensor` or `storage.failed` where the file is damaged. */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = parseSafetensors(bytes);
  const read = (part: (typeof parts)[number]): Tensors => {
    const found = [...tensors].filter(([name]) => name.startsWith(`${part}/`));
    return new Map(found.map(([name, { shape, values }]) => [name.slice(part.length + 1), { shape, values }]));
  };
  const orNull = (part: Tensors) => (part.size > 0 ? part : null);
  return {
    state: parseTrainingState(metadata["state"]),
    adapter: read("adapter"),
    optimizer: read("optimizer"),
    best: orNull(read("best")),
    reference: orNull(read("reference")),
  };
}
