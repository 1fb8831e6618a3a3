/** @file Sizes of tensors, checked. */

import type { tf } from "./tf";

/** The size of axis `i`. */
export function dim(x: tf.TensorInfo, i: number): number {
  const size = x.shape[i];
  if (size === undefined) throw new RangeError(`No axis ${i} in [${x.shape.join(", ")}]`);
  return size;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** One invocation per element, 64 a workgroup, in two dimensions where there are more than a grid's axis holds. */
export function perElement(outputShape: number[], elements = sizeOf(outputShape)) {
  const groups = Math.max(1, Math.ceil(elements / 64));
  const x = Math.min(groups, 32768);
  return { outputShape, workgroups: [x, Math.ceil(groups / x), 1] as [number, number, number] };
}

/** One workgroup per row. */
export function perRow(outputShape: number[], rows: number) {
  const x = Math.max(1, Math.min(rows, 32768));
  return { outputShape, workgroups: [x, Math.ceil(rows / x), 1] as [number, number, number] };
}

/** WGSL: the number of this invocation in such a grid. */
export const element = "((workgroupId.y * numWorkgroups.x + workgroupId.x) * 64u + localId.x)";

/**
 * WGSL: the row of this workgroup. Workgroups beyond the last row do the last row again, with the same result: to
 * return early would put the barriers after it in non-uniform control flow, which WGSL refuses.
 */
export const clampedGroup = (rows: string) => `min(workgroupId.y * numWorkgroups.x + workgroupId.x, u32(${rows}) - 1u)`;
