/**
 * @file The derivatives of the few stock ops that lie on a gradient's way: places and vectors put together and taken
 * apart. tfjs has them for every op, behind an import that brings them all.
 */

import { tf } from "./tf";

type Gradient = Pick<tf.GradConfig, "inputsToSave" | "saveAllInputs" | "gradFunc">;

const only = (dy: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(dy) ? (dy[0] as tf.Tensor) : dy);

const gradients: Record<string, Gradient> = {
  Reshape: {
    inputsToSave: ["x"],
    gradFunc: (dy, [x]) => ({ x: () => tf.reshape(only(dy), x?.shape ?? []) }),
  },
  Concat: {
    saveAllInputs: true,
    gradFunc: (dy, parts, attrs) => {
      const axis = tf.util.parseAxisParam((attrs as unknown as { axis: number }).axis, only(dy).shape)[0] ?? 0;
      let from = 0;
      const thunks = parts.map(({ shape }) => {
        const begin = shape.map((_, i) => (i === axis ? from : 0));
        from += shape[axis] ?? 0;
        return () => tf.slice(only(dy), begin, shape);
      });
      return Object.fromEntries(thunks.map((thunk, i) => [String(i), thunk]));
    },
  },
  Slice: {
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => {
      const { begin, size } = attrs as unknown as { begin: number | number[]; size: number | number[] };
      const shape = x?.shape ?? [];
      const [from, sizes] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size) as [number[], number[]];
      const paddings = shape.map((n, i): [number, number] => {
        const start = from[i] ?? 0;
        return [start, n - start - (sizes[i] ?? 0)];
      });
      return { x: () => tf.pad(only(dy), paddings) };
    },
  },
  /** a / b of one shape, for what is above: what is below is a constant here. */
  RealDiv: {
    inputsToSave: ["b"],
    gradFunc: (dy, [b]) => ({ a: () => tf.div(only(dy), b as tf.Tensor) }),
  },
};

for (const [kernelName, gradient] of Object.entries(gradients)) tf.registerGradient({ kernelName, ...gradient });
