/** @file Slices, splits and padding on the CPU path: runs of numbers copied whole, where tfjs' JavaScript takes each number by itself. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type MathBackendCPU, tf } from "./tf";

type Backend = Pick<MathBackendCPU, "makeTensorInfo" | "data">;
type Values = Float32Array | Int32Array;

/** A box within a tensor: where it begins. */
type Corner = { values: Values; shape: readonly number[]; from: readonly number[] };

/** Copies a box of `size` from one tensor into another. */
function copyBox(source: Corner, target: Corner, size: readonly number[]): void {
  if (size.includes(0)) return;
  const isWhole = (axis: number) => size[axis] === source.shape[axis] && size[axis] === target.shape[axis];
  // Axes behind the last one that is cut are one run with it.
  let last = size.length - 1;
  while (last > 0 && isWhole(last)) last--;
  const run = size.slice(Math.max(0, last)).reduce((a, b) => a * b, 1);
  const stridesOf = ({ shape }: Corner) => shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const [strides, steps] = [stridesOf(source), stridesOf(target)];
  const visit = (axis: number, at: number, to: number): void => {
    if (axis >= last) {
      const begin = at + (source.from[axis] ?? 0) * (strides[axis] ?? 1);
      target.values.set(source.values.subarray(begin, begin + run), to + (target.from[axis] ?? 0) * (steps[axis] ?? 1));
      return;
    }
    const [stride, step] = [strides[axis] ?? 1, steps[axis] ?? 1];
    for (let i = 0; i < (size[axis] ?? 1); i++) {
      visit(axis + 1, at + (i + (source.from[axis] ?? 0)) * stride, to + (i + (target.from[axis] ?? 0)) * step);
    }
  };
  visit(0, 0, 0);
}

const isNumeric = ({ dtype }: tf.TensorInfo) => dtype === "float32" || dtype === "int32";
const origin = (shape: readonly number[]) => shape.map(() => 0);

/** Looked up when it is used: the memory may move as it grows. */
const valuesOf = (backend: Backend, { dataId }: tf.TensorInfo) => backend.data.get(dataId).values as unknown as Values;

/** The box of x that begins at `from`, as a tensor of its own. */
function cut(backend: Backend, x: tf.TensorInfo, from: readonly number[], size: number[]): tf.TensorInfo {
  const y = backend.makeTensorInfo(size, x.dtype);
  copyBox(
    { values: valuesOf(backend, x), shape: x.shape, from },
    { values: valuesOf(backend, y), shape: size, from: origin(size) },
    size,
  );
  return y;
}

function checkBox(shape: readonly number[], from: readonly number[], size: readonly number[]): void {
  const isWithin = shape.every((length, i) => (from[i] ?? 0) >= 0 && (from[i] ?? 0) + (size[i] ?? 0) <= length);
  if (!isWithin)
    throw new StudioError("bug", say`A slice of [${size.join(", ")}] reaches beyond [${shape.join(", ")}]`);
}

/** Lengths of the parts: so many alike, or as they are named, one of which may be −1 for the rest. */
function partsOf(length: number, parts: number | number[]): number[] {
  if (typeof parts === "number") return Array.from({ length: parts }, () => length / parts);
  const named = parts.reduce((sum, part) => sum + Math.max(0, part), 0);
  return parts.map((part) => (part < 0 ? length - named : part));
}

type Made = (x: tf.TensorInfo, attrs: tf.NamedAttrMap, backend: Backend) => tf.TensorInfo | tf.TensorInfo[];

const kernels: Record<string, Made> = {
  Slice: (x, { begin, size }, backend) => {
    const [from = [], wanted = []] = tf.slice_util.parseSliceParams(x, begin as number[], size as number[]);
    checkBox(x.shape, from, wanted);
    return cut(backend, x, from, wanted);
  },
  SplitV: (x, { numOrSizeSplits, axis }, backend) => {
    const at = tf.util.parseAxisParam(axis as number, x.shape)[0] ?? 0;
    let begin = 0;
    return partsOf(x.shape[at] ?? 0, numOrSizeSplits as number | number[]).map((count) => {
      const from = x.shape.map((_, i) => (i === at ? begin : 0));
      begin += count;
      return cut(
        backend,
        x,
        from,
        x.shape.map((length, i) => (i === at ? count : length)),
      );
    });
  },
  PadV2: (x, { paddings, constantValue }, backend) => {
    const pads = paddings as [number, number][];
    const shape = x.shape.map((length, i) => length + (pads[i]?.[0] ?? 0) + (pads[i]?.[1] ?? 0));
    const y = backend.makeTensorInfo(shape, x.dtype);
    const values = valuesOf(backend, y);
    values.fill(constantValue as number);
    const from = pads.map(([before]) => before);
    copyBox({ values: valuesOf(backend, x), shape: x.shape, from: origin(x.shape) }, { values, shape, from }, x.shape);
    return y;
  },
};

/** This kernel by runs, where there is such a one; tfjs' own for what is no number, and for scalars. */
export function byRuns({ kernelName, kernelFunc }: tf.KernelConfig): tf.KernelFunc {
  const make = kernels[kernelName];
  if (!make) return kernelFunc;
  return (params) => {
    const { x } = params.inputs;
    if (!x || !isNumeric(x) || x.shape.length === 0) return kernelFunc(params);
    return make(x, params.attrs ?? {}, params.backend as Backend);
  };
}
