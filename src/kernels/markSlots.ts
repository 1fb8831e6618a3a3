/**
 * @file Which tokens of a cache carry logic: the marks of the latest ones, looked up by token, written in their slots.
 *
 *   marks[b, slots[b]] = table[tokens[b]]
 *
 * Shapes: marks [B, S] int32, table [V] int32, tokens and slots [B] int32. A slot beyond S is left out.
 */

import { valuesOf } from "./flat";
import { defineKernel } from "./kernel";
import { dim, element, perElement } from "./shape";
import { tf } from "./tf";

type Inputs = { marks: tf.Tensor2D; table: tf.Tensor1D; tokens: tf.Tensor1D; slots: tf.Tensor1D };

const mark = defineKernel({
  name: "MarkSlots",
  inputs: ["marks", "table", "tokens", "slots"],
  reference: ({ marks, table, tokens, slots }: Inputs, _: Record<string, never>) => {
    const [B, S] = marks.shape;
    const isNew = tf.equal(tf.reshape(slots, [B, 1]), tf.reshape(tf.range(0, S, 1, "int32"), [1, S]));
    const fresh = tf.tile(tf.reshape(tf.gather(table, tokens), [B, 1]), [1, S]);
    return tf.where(isNew, fresh, marks);
  },
  // A number a row: on the CPU it is written where it lies.
  compose: ({ marks, table, tokens, slots }) => {
    const [all, marksOf, at, ids] = [marks, table, slots, tokens].map((x) => valuesOf(x) as unknown as Int32Array);
    const S = dim(marks, 1);
    at?.forEach((slot, b) => {
      if (all && slot >= 0 && slot < S) all[b * S + slot] = marksOf?.[ids?.[b] ?? 0] ?? 0;
    });
    return tf.clone(marks);
  },
  gpu: ({ tokens, marks }) => ({
    ...perElement(marks.shape, dim(tokens, 0)),
    inPlace: 1,
    wgsl: () => `
      fn main() {
        let b = ${element};
        if (b >= u32(uniforms.marksShape[0])) { return; }
        let slot = slots[b];
        if (slot >= 0 && slot < uniforms.marksShape[1]) { marks[b * u32(uniforms.marksShape[1]) + u32(slot)] = table[tokens[b]]; }
      }`,
  }),
  cases: [
    { B: 3, S: 5, V: 7 },
    { B: 70, S: 33, V: 100 },
  ].map(({ B, S, V }) => ({
    shapes: { marks: [B, S], table: [V], tokens: [B], slots: [B] },
    attrs: {},
    whole: { marks: [2], table: [2], tokens: [V], slots: [S + 1] },
  })),
});

export const kernels = [mark];

/** The marks with those of `tokens` in `slots`. The marks given are used up: dispose of them as usual. */
export function markSlots(
  marks: tf.Tensor2D,
  table: tf.Tensor1D,
  tokens: tf.Tensor1D,
  slots: tf.Tensor1D,
): tf.Tensor2D {
  return mark({ marks, table, tokens, slots }, {}) as tf.Tensor2D;
}
