/** @file Activation checkpointing (Chen et al. 2016): a part of the model whose activations are made again, not kept. */

import { gradients } from "./gradients";
import { tf } from "./tf";

/**
 * block(x, held), keeping nothing of it but x and `held` for the derivative: backward runs the block once more under a
 * tape of its own, and frees what that made. `trained` are the tensors, x apart, whose gradients are wanted; `held` are
 * others that the block reads and that may be gone by then. Same bits as without.
 */
export function recomputed(
  block: (x: tf.Tensor2D, held: tf.Tensor[]) => tf.Tensor2D,
  x: tf.Tensor2D,
  trained: readonly tf.Tensor[],
  held: tf.Tensor[],
): tf.Tensor2D {
  const run = tf.customGrad((...given) => {
    const input = given[0] as tf.Tensor2D;
    const save = given.at(-1) as unknown as tf.GradSaveFunc;
    save([input, ...held]);
    return {
      value: block(input, held),
      gradFunc: (dy: tf.Tensor, [kept, ...heldToo]: tf.Tensor[]) => {
        const from = kept as tf.Tensor2D;
        const { value, gradients: dxs } = gradients(() => block(from, heldToo), [from, ...trained], dy);
        value.dispose();
        return dxs;
      },
    };
  });
  return run(x, ...trained);
}
