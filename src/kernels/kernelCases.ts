/** @file What every kernel must show on every backend: its meaning, and the derivative of its meaning. */

import { packWeight, weightFormats, wordsOf } from "../core/packing";
import { newRandom } from "../core/random";
import type { AnyKernel } from "./all";
import { offTape, tf } from "./tf";

/** Relative error ‖a − b‖ / ‖b‖; NaN where either holds one. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) ** 2;
    size += (b[i] ?? Number.NaN) ** 2;
  }
  return size === 0 && difference === 0 ? 0 : Math.sqrt(difference / size);
}

type Values = { shape: number[]; values: Float32Array | Int32Array };

/** Seeded inputs of a case, as plain numbers. */
export function drawInputs({ kernel }: AnyKernel, at: number): Record<string, Values> {
  const random = newRandom(1234 + at);
  const chosen = kernel.cases[at];
  if (!chosen) throw new RangeError(`${kernel.name} has no case ${at}`);
  return Object.fromEntries(
    kernel.inputs.map((name): [string, Values] => {
      const shape = chosen.shapes[name] ?? [];
      const length = shape.reduce((a, b) => a * b, 1);
      const below = chosen.whole?.[name]?.[0];
      if (below !== undefined) return [name, { shape, values: Int32Array.from({ length }, () => random.below(below)) }];
      const values = Float32Array.from({ length }, () => random.normal());
      const format = weightFormats[chosen.packed?.[name] ?? 0] ?? "f32";
      if (format === "f32") return [name, { shape, values }];
      const [out = 0, width = 0] = shape;
      return [name, { shape: [out, wordsOf(format, width)], values: packWeight(values, [out, width], format) }];
    }),
  );
}

function tensors(inputs: Record<string, Values>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]) => [
      name,
      tf.tensor(values, shape, values instanceof Int32Array ? "int32" : "float32"),
    ]),
  );
}

export type Outcome = { y: Float32Array; gradients: Record<string, Float32Array> };

/** The kernel's outputs, and the gradient of Σ y · c for every float input (c seeded), by its own way or by autodiff. */
export async function outcome(kernel: AnyKernel, at: number, how: "own" | "reference"): Promise<Outcome> {
  const { reference, gradient, inputs: names, outputs = 1, sideOutputs = 0 } = kernel.kernel;
  const given = drawInputs(kernel, at);
  const attrs = kernel.kernel.cases[at]?.attrs ?? {};
  const whole = (inputs: Record<string, tf.Tensor>) => {
    const { derive } = kernel.kernel;
    const derived = derive && offTape(() => derive(inputs, attrs));
    return { ...inputs, ...(derived as Record<string, tf.Tensor> | undefined) };
  };
  const apply = (inputs: Record<string, tf.Tensor>): tf.Tensor[] =>
    how === "own" ? kernel.all(whole(inputs), attrs) : tf.tidy(() => [reference(inputs, attrs)].flat());
  /** The outputs that have a gradient, as one row. */
  const joined = (inputs: Record<string, tf.Tensor>) => {
    const differentiable = apply(inputs).slice(0, outputs - sideOutputs);
    const [first] = differentiable;
    return first && differentiable.length === 1 ? first : tf.concat(differentiable.map((y) => tf.reshape(y, [-1])));
  };
  const forward = tf.tidy(() => apply(tensors(given)));
  const read = await Promise.all(forward.map((y) => y.data()));
  const y = Float32Array.from(read.flatMap((values) => Array.from(values)));
  const shapes = forward.map(({ shape }) => shape);
  tf.dispose(forward);
  const gradients: Record<string, Float32Array> = {};
  if (gradient) {
    const all = tensors(given);
    let own: ReturnType<typeof gradient> = {};
    tf.tidy(() => {
      const dys = shapes.map((shape) => tf.zeros(shape));
      own = gradient(dys[0] as tf.Tensor, all, attrs, { dys, ys: dys });
    });
    const trained = names.filter((name) => name in own);
    const xs = trained.map((name) => all[name] as tf.Tensor);
    const dyShape = outputs - sideOutputs === 1 ? (shapes[0] ?? []) : [y.length - sizeOfSide(shapes, sideOutputs)];
    const dy = tf.tensor(
      Float32Array.from({ length: dyShape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1)),
      dyShape,
    );
    const { value, grads } = tf.engine().gradients(() => joined(all), xs, dy);
    for (const [i, name] of trained.entries()) {
      gradients[name] = Float32Array.from(await (grads[i] as tf.Tensor).data());
    }
    tf.dispose([value, grads, dy, Object.values(all)]);
  }
  return { y, gradients };
}

function sizeOfSide(shapes: number[][], sideOutputs: number): number {
  return shapes.slice(shapes.length - sideOutputs).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
