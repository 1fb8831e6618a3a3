/** @file Sizes of tensors, checked. */

import { hasSubgroups, rowLanes } from "./adapter";
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

/** One workgroup of `rowLanes` per row, in two dimensions where there are more than a grid's axis holds; few are left over. */
export function perRow(outputShape: number[], rows: number) {
  const y = Math.max(1, Math.ceil(rows / 65535));
  return {
    outputShape,
    workgroups: [Math.max(1, Math.ceil(rows / y)), y, 1] as [number, number, number],
    workgroupSize: [rowLanes(), 1, 1] as [number, number, number],
  };
}

/** WGSL: the number of this invocation in such a grid. */
export const element = "((workgroupId.y * numWorkgroups.x + workgroupId.x) * 64u + localId.x)";

/**
 * WGSL: the row of this workgroup. Workgroups beyond the last row do the last row again, with the same result: to
 * return early would put the barriers after it in non-uniform control flow, which WGSL refuses.
 */
export const clampedGroup = (rows: string) => `min(workgroupId.y * numWorkgroups.x + workgroupId.x, u32(${rows}) - 1u)`;

/** How two values become one, the subgroups' function that does the same, and what then adds nothing more to it. */
export type Join = {
  join: (a: string, b: string) => string;
  ofSubgroup: string;
  rest: (joined: string, type: string) => string;
};
export const plus: Join = { join: (a, b) => `${a} + ${b}`, ofSubgroup: "subgroupAdd", rest: (_, type) => `${type}()` };
export const larger: Join = { join: (a, b) => `max(${a}, ${b})`, ofSubgroup: "subgroupMax", rest: (joined) => joined };

/**
 * WGSL: `fn NAME(lane, value)`, which joins the values of all lanes of a workgroup and gives every lane the result, in
 * an order that depends on nothing but the device. To be called where all lanes of the workgroup come.
 */
export const acrossLanes = (
  name: string,
  how: Join,
  { lanes = rowLanes(), type = "f32" }: { lanes?: number; type?: string } = {},
) => (hasSubgroups() ? bySubgroups(name, how, lanes, type) : byEights(name, how, lanes, type));

/** Two barriers, where halving would take one a bit. */
const byEights = (name: string, { join }: Join, lanes: number, type: string) => `
  var<workgroup> ${name}All: array<${type}, ${lanes}>;
  var<workgroup> ${name}Few: array<${type}, ${lanes / 8}>;
  fn ${name}(lane: u32, value: ${type}) -> ${type} {
    ${name}All[lane] = value;
    workgroupBarrier();
    if (lane < ${lanes / 8}u) {
      var joined = ${name}All[lane * 8u];
      for (var i = 1u; i < 8u; i++) { joined = ${join("joined", `${name}All[lane * 8u + i]`)}; }
      ${name}Few[lane] = joined;
    }
    workgroupBarrier();
    var joined = ${name}Few[0];
    for (var i = 1u; i < ${lanes / 8}u; i++) { joined = ${join("joined", `${name}Few[i]`)}; }
    return joined;
  }`;

/**
 * One barrier. Each subgroup's first lane leaves what its subgroup has, all others what adds nothing, and then every
 * subgroup joins all of it. Neither a subgroup's size nor which lanes are in it is taken for known: WGSL promises
 * nothing of the kind. Memory is used in turns, so that a second call needs no barrier before it writes.
 */
const bySubgroups = (name: string, { join, ofSubgroup, rest }: Join, lanes: number, type: string) => `
  var<workgroup> ${name}All: array<${type}, ${2 * lanes}>;
  var<private> ${name}Turn = ${lanes}u;
  fn ${name}(lane: u32, value: ${type}) -> ${type} {
    let rank = subgroupExclusiveAdd(1u);
    let count = subgroupAdd(1u);
    let mine = ${ofSubgroup}(value);
    ${name}Turn = ${lanes}u - ${name}Turn;
    let first = ${name}Turn;
    ${name}All[first + lane] = select(${rest("mine", type)}, mine, rank == 0u);
    workgroupBarrier();
    var joined = ${name}All[first + rank];
    for (var i = rank + count; i < ${lanes}u; i += count) { joined = ${join("joined", `${name}All[first + i]`)}; }
    return ${ofSubgroup}(joined);
  }`;
