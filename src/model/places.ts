/** @file Batches and prompts laid out as the tensors of their places. */

import type { Batch } from "../core/batch";
import { tf } from "../kernels/tf";
import type { Places } from "./decoder";

/** A batch's places. */
export function batchPlaces({ rows, length, tokens, positions, segments, marks }: Batch): Places {
  return {
    rows,
    length,
    reach: 1 + positions.reduce((most, position) => Math.max(most, position), 0),
    tokens: tf.tensor1d(tokens, "int32"),
    positions: tf.tensor1d(positions, "int32"),
    segments: tf.tensor1d(segments, "int32"),
    marks: marks ? tf.tensor1d(marks, "int32") : null,
  };
}

/** Prompts as rows of one length, padded at the end, which with what follows them come to `reach` tokens at most. */
export function paddedPlaces(prompts: number[][], reach: number, marks?: readonly Uint8Array[]): Places {
  const length = Math.max(...prompts.map((prompt) => prompt.length));
  const size = prompts.length * length;
  const tokens = new Int32Array(size);
  const positions = new Int32Array(size);
  const segments = new Int32Array(size);
  const marked = new Int32Array(size);
  prompts.forEach((prompt, row) => {
    prompt.forEach((token, i) => {
      tokens[row * length + i] = token;
      positions[row * length + i] = i;
      segments[row * length + i] = 1;
      marked[row * length + i] = marks?.[row]?.[i] ?? 0;
    });
  });
  return {
    rows: prompts.length,
    length,
    reach,
    tokens: tf.tensor1d(tokens, "int32"),
    positions: tf.tensor1d(positions, "int32"),
    segments: tf.tensor1d(segments, "int32"),
    marks: marks ? tf.tensor1d(marked, "int32") : null,
  };
}
