/** @file All codes of NF4 come back to the last bit from every way that the CPU's kernels read them. */

import { beforeAll, expect, test } from "vitest";
import { normalFloat4, packWeight, unpackWeight } from "../core/packing";
import { openDevice } from "./device";
import { linear, linearBack } from "./linear";
import { tf } from "./tf";
import { newWeight, weightRows } from "./weight";

const [rows, width] = [5, 83]; // two whole blocks and a part of one; an odd number of rows
/** Every level at every place of a block in some row, each block with its own scale. */
const values = Float32Array.from({ length: rows * width }, (_, i) => {
  const [row, col] = [Math.floor(i / width), i % width];
  return (normalFloat4[(col + 3 * row) % 16] ?? 0) * 0.3 * (1 + row + (col >> 5));
});
const want = unpackWeight(packWeight(values, [rows, width], "nf4"), width, "nf4");

beforeAll(async () => {
  expect((await openDevice("wasm")).backend).toBe("wasm");
});

const identity = (n: number) => tf.eye(n);

test("row by row", async () => {
  const w = newWeight(values, [rows, width], "nf4");
  const read = weightRows(w, tf.tensor1d([0, 1, 2, 3, 4], "int32"));
  expect(await read.data()).toEqual(want);
  tf.dispose([w.values, read]);
});

test("in products of many rows and of one, forward and backward", async () => {
  const w = newWeight(values, [rows, width], "nf4");
  const across = linear(identity(width), w); // [width, rows]
  expect(await tf.transpose(across).data()).toEqual(want);
  const back = linearBack(identity(rows), w);
  expect(await back.data()).toEqual(want);
  for (let col = 0; col < width; col++) {
    const one = linear(tf.slice(identity(width), [col, 0], [1, width]), w);
    expect(Array.from(await one.data())).toEqual(Array.from({ length: rows }, (_, row) => want[row * width + col]));
    one.dispose();
  }
  tf.dispose([w.values, across, back]);
});
