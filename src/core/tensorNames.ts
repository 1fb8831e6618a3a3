/** @file The tensors of every architecture, by Hugging Face's names. */

import { linearNamesOf, linearPath, linearShape } from "./adapter";
import { architectures, type NormPlace } from "./architectures";
import type { ModelConfig } from "./model";
import type { WeightEntry, WeightFile } from "./weightFile";

export type TensorNames = {
  embedding: string;
  /** Learned positions, or null. */
  positions: string | null;
  head: string;
  norm: string;
  /** A block's norm, null where this architecture has none there; `.weight` and `.bias` follow. */
  normOf: (layer: number, place: NormPlace) => string | null;
  /** The norms of a block's queries and keys. */
  headNormsOf: (layer: number) => [q: string, k: string];
};

export function tensorNames({ architecture }: Pick<ModelConfig, "architecture">): TensorNames {
  const { tensors, norms } = architectures[architecture];
  const { blocks, embedding, positions, head, norm } = tensors;
  return {
    embedding: `${embedding}.weight`,
    positions: positions && `${positions}.weight`,
    head: `${head}.weight`,
    norm,
    normOf: (layer, place) => (norms[place] ? `${blocks}.${layer}.${norms[place]}` : null),
    headNormsOf: (layer) => [
      `${blocks}.${layer}.self_attn.q_norm.weight`,
      `${blocks}.${layer}.self_attn.k_norm.weight`,
    ],
  };
}

export const normPlaces: readonly NormPlace[] = ["input", "afterAttention", "feedForward", "afterFeedForward"];

/** Every tensor's name and shape, as transformers writes them: Conv1D's as [in, out]. */
export function tensorShapes(config: ModelConfig): Map<string, number[]> {
  const { vocabSize: V, hiddenSize: C, headDim: D } = config;
  const { norm, isTransposed } = architectures[config.architecture];
  const names = tensorNames(config);
  const shapes = new Map<string, number[]>([[names.embedding, [V, C]]]);
  if (names.positions) shapes.set(names.positions, [config.maxPositions, C]);
  const addNorm = (name: string) => {
    shapes.set(`${name}.weight`, [C]);
    if (norm === "layer") shapes.set(`${name}.bias`, [C]);
  };
  for (let i = 0; i < config.layers; i++) {
    for (const place of normPlaces) {
      const name = names.normOf(i, place);
      if (name) addNorm(name);
    }
    if (config.hasHeadNorms) for (const name of names.headNormsOf(i)) shapes.set(name, [D]);
    for (const name of linearNamesOf(config)) {
      const [out, in_] = linearShape(config, name);
      shapes.set(`${linearPath(i, name)}.weight`, isTransposed ? [in_, out] : [out, in_]);
      if (config.biases.includes(name)) shapes.set(`${linearPath(i, name)}.bias`, [out]);
    }
  }
  addNorm(names.norm);
  if (!config.tieWordEmbeddings) shapes.set(names.head, [V, C]);
  return shapes;
}

/** Tables that old files hold beside the weights, and that every reader makes for itself. */
const isTable = (name: string) => /\.(attn\.(masked_)?bias|rotary_emb\.inv_freq)$/.test(name);

/** Names among those given that the architecture does not use. */
export function unusedNames(config: ModelConfig, names: Iterable<string>): string[] {
  const used = new Set(tensorShapes(config).keys());
  if (config.tieWordEmbeddings) used.add(tensorNames(config).head); // Some files hold the tied head a second time.
  return [...names].filter((name) => !used.has(name) && !isTable(name));
}

/**
 * The file with its tensors under their full names: files of a model without its head, as GPT-2's own, leave out the
 * first part of each. Tables are not among them.
 */
export function fullyNamed(config: ModelConfig, { tensors, readRows, readPacked }: WeightFile): WeightFile {
  const shapes = tensorShapes(config);
  const prefix = `${tensorNames(config).embedding.split(".", 1)[0] ?? ""}.`;
  const ownNames = new Map<string, string>();
  const entries = new Map<string, WeightEntry>();
  for (const [name, entry] of tensors) {
    if (isTable(name)) continue;
    const full = shapes.has(prefix + name) && !tensors.has(prefix + name) ? prefix + name : name;
    ownNames.set(full, name);
    entries.set(full, entry);
  }
  const own = (name: string) => ownNames.get(name) ?? name;
  return {
    tensors: entries,
    readRows: (name, from, to) => readRows(own(name), from, to),
    readPacked: (name, from, to) => readPacked(own(name), from, to),
  };
}
