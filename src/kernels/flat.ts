/**
 * @file Parameters that lie end to end in one tensor, so that the optimizer runs over all of them at once.
 *
 * Each part begins at a multiple of 64 numbers, 256 bytes, as graphics cards want it of a binding; the gaps are zero.
 * A part is a view: a tensor over the same memory, whose numbers change when those of the whole do.
 */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import type { Backend } from "./dispatch";
import { gatherOnGpu, readOnGpu, viewOnGpu } from "./gpuView";
import { sizeOf } from "./shape";
import { tf } from "./tf";
import { WasmBackend } from "./wasmBackend";

export type FlatLayout = {
  /** How many numbers the whole holds, gaps among them. */
  size: number;
  places: Map<string, { shape: number[]; offset: number }>;
};

export type Flat = {
  layout: FlatLayout;
  whole: tf.Tensor1D;
  /** Views into the whole, by name. They are to be read by kernels, and disposed of with the whole. */
  parts: Map<string, tf.Tensor>;
};

type Numbers = { shape: number[]; values: Float32Array };

const alignment = 64;

function layFlat(parts: ReadonlyMap<string, { shape: number[] }>): FlatLayout {
  const places = new Map<string, { shape: number[]; offset: number }>();
  let end = 0;
  for (const [name, { shape }] of parts) {
    places.set(name, { shape, offset: end });
    end += Math.ceil(sizeOf(shape) / alignment) * alignment;
  }
  return { size: Math.max(end, alignment), places };
}

/** Parameters laid flat, with these values. Throws `memory.full` where no buffer of the device holds them all. */
export function newFlat(parts: ReadonlyMap<string, Numbers>): Flat {
  const layout = layFlat(parts);
  const whole = newFlatTensor(layout, new Map([...parts].map(([name, { values }]) => [name, values])));
  const views = [...layout.places].map(([name, { shape, offset }]) => [name, view(whole, offset, shape)] as const);
  return { layout, whole, parts: new Map(views) };
}

/** One tensor of this layout, with these values: a parameter's moments as they were saved. */
export function newFlatTensor({ size, places }: FlatLayout, values: ReadonlyMap<string, Float32Array>): tf.Tensor1D {
  const backend = tf.backend();
  if (tf.getBackend() === "webgpu") {
    const { limits } = (backend as unknown as Backend).device;
    if (4 * size > Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)) {
      throw new StudioError(
        "memory.full",
        say`${Math.round(size / 2 ** 18)} MB of trained weights do not fit in one buffer`,
      );
    }
  }
  const numbers = new Float32Array(size);
  for (const [name, { shape, offset }] of places) {
    const part = values.get(name);
    if (part?.length !== sizeOf(shape)) throw new StudioError("bug", say`${name} does not have its numbers`);
    numbers.set(part, offset);
  }
  return tf.tensor1d(numbers);
}

export function disposeFlat({ whole, parts }: Flat): void {
  tf.dispose([...parts.values()]);
  whole.dispose();
}

/** Tensors in the order of the parts, and of their sizes, copied into one new tensor of the layout: gradients. */
export function gather({ size, places }: FlatLayout, tensors: tf.Tensor[]): tf.Tensor1D {
  const backend = tf.backend();
  const ordered = [...places.values()];
  const isFitting =
    ordered.length === tensors.length && tensors.every((x, i) => x.size === sizeOf(ordered[i]?.shape ?? []));
  if (!isFitting) throw new StudioError("bug", say`These are not the parts of a flat tensor`);
  const offsets = ordered.map(({ offset }) => offset);
  if (tf.getBackend() === "webgpu") {
    const { dataId } = gatherOnGpu(backend as unknown as Backend, tensors, offsets, size);
    return tracked(dataId, [size]) as tf.Tensor1D;
  }
  const fresh =
    backend instanceof WasmBackend
      ? backend.write(null, [size], "float32")
      : backend.write(new Float32Array(size), [size], "float32");
  const whole = tracked(fresh, [size]);
  const numbers = valuesOf(whole);
  let end = 0;
  tensors.forEach((tensor, i) => {
    const offset = offsets[i] ?? 0;
    numbers.fill(0, end, offset); // Fresh WebAssembly memory holds what was there before.
    numbers.set(valuesOf(tensor), offset);
    end = offset + tensor.size;
  });
  numbers.fill(0, end);
  return whole as tf.Tensor1D;
}

/** Every part's numbers, copied, with one read from the device. `whole` may be any tensor of the layout. */
export async function readFlat({ layout, whole }: Pick<Flat, "layout" | "whole">): Promise<Map<string, Float32Array>> {
  const numbers =
    tf.getBackend() === "webgpu" ? await readOnGpu(tf.backend() as unknown as Backend, whole) : valuesOf(whole);
  return new Map(
    [...layout.places].map(([name, { shape, offset }]) => [
      name,
      Float32Array.from(numbers.subarray(offset, offset + sizeOf(shape))),
    ]),
  );
}

/** A tensor's numbers where they lie, on the CPU backends: to be written over, or copied. */
export function valuesOf({ dataId }: tf.TensorInfo): Float32Array {
  const { data } = tf.backend() as unknown as { data: { get: (id: object) => { values: Float32Array } } };
  return data.get(dataId).values;
}

function view(whole: tf.Tensor1D, offset: number, shape: number[]): tf.Tensor {
  const backend = tf.backend();
  if (tf.getBackend() === "webgpu")
    return tracked(viewOnGpu(backend as unknown as Backend, whole, offset, shape), shape);
  if (backend instanceof WasmBackend) return tracked(backend.view(whole, offset, shape), shape);
  // Plain JavaScript: tfjs keeps the array that it is given.
  return tf.tensor(valuesOf(whole).subarray(offset, offset + sizeOf(shape)), shape);
}

/** A tensor of data that a backend holds. */
function tracked(dataId: object, shape: number[]): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: "float32" }, tf.backend());
}
