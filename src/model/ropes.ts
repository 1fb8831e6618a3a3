/** @file The rotation tables of a model, made as far as sequences reach: a long context's whole table is seldom needed. */

import type { ModelConfig } from "../core/model";
import { isLongFor, ropeFactor, ropeFrequencies } from "../core/rope";
import { ropeTable } from "../kernels/splitHeads";
import { tf } from "../kernels/tf";

/** Layers with a window may turn by another base, and long sequences by other frequencies. */
type Kind = "whole" | "local" | "long";

export type Ropes = { config: ModelConfig; tables: Map<Kind, tf.Tensor2D> };

/** Positions at least. */
const least = 1024;

/** With the tables that short sequences need, so that their memory is part of the model's from the first. */
export function newRopes(config: ModelConfig): Ropes {
  const ropes: Ropes = { config, tables: new Map() };
  for (let layer = 0; layer < config.layers; layer++) ropeFor(ropes, layer, 0);
  return ropes;
}

/**
 * The cosines and sines, [P, D], by which `layer` turns heads in sequences that come to `reach` positions at most; all
 * of a sequence must be turned by the same, its cache too. Positions that are learned turn nothing.
 */
export function ropeFor({ config, tables }: Ropes, layer: number, reach: number): tf.Tensor2D {
  const { headDim: D, maxPositions, ropeTheta, ropeScaling, localRopeTheta, windows } = config;
  const isLocal = localRopeTheta !== null && (windows[layer] ?? null) !== null;
  const kind = isLocal ? "local" : isLongFor(ropeScaling, reach) ? "long" : "whole";
  const known = tables.get(kind);
  if (known && known.shape[0] >= Math.min(reach, maxPositions)) return known;
  const rope = isLocal ? { theta: localRopeTheta, scaling: null } : { theta: ropeTheta ?? 1, scaling: ropeScaling };
  const frequencies = ropeTheta === null ? new Float32Array(D / 2) : ropeFrequencies(D, rope, kind === "long");
  const rows = Math.min(maxPositions, 2 ** Math.ceil(Math.log2(Math.max(reach, least))));
  const table = tf.keep(tf.tensor2d(ropeTable(rows, frequencies, ropeFactor(rope.scaling)), [rows, D]));
  known?.dispose();
  tables.set(kind, table);
  return table;
}

export function disposeRopes({ tables }: Ropes): void {
  for (const table of tables.values()) table.dispose();
  tables.clear();
}
