/** @file Lengths of an adapted weight's rows against the formed weight in doubles, at sizes of real layers, and off the tape. */

import { beforeAll, expect, it } from "vitest";
import { packWeight, unpackWeight, type WeightFormat, weightFormats } from "../core/packing";
import { newRandom } from "../core/random";
import { adaptedNorms, rowSquares } from "./adaptedNorms";
import { deviceMemory, openDevice } from "./device";
import { loraLinear } from "./lora";
import { scaleColumns } from "./scaleColumns";
import { tf } from "./tf";
import { newWeight } from "./weight";

const [I, R] = [1000, 16];
const rows = [96, 32, 33];
const O = 161;

beforeAll(async () => {
  expect((await openDevice("wasm")).backend).toBe("wasm");
});

function draw(seed: number, length: number, size: number): Float32Array {
  const random = newRandom(seed);
  return Float32Array.from({ length }, () => random.normal() * size);
}

/** ‖W_o + s · B_o A‖ by its definition. */
function formed(w: ArrayLike<number>, a: Float32Array, b: Float32Array, scales: number[]): number[] {
  return Array.from({ length: O }, (_, o) => {
    const part = o < 96 ? 0 : o < 128 ? 1 : 2;
    let sum = 0;
    for (let i = 0; i < I; i++) {
      let v = w[o * I + i] ?? Number.NaN;
      for (let k = 0; k < R; k++) {
        v += (scales[part] ?? Number.NaN) * (b[o * R + k] ?? 0) * (a[(part * R + k) * I + i] ?? 0);
      }
      sum += v * v;
    }
    return Math.sqrt(sum);
  });
}

const plainOf = (values: Float32Array, format: WeightFormat) =>
  format === "f32" ? values : unpackWeight(packWeight(values, [O, I], format), I, format);

it.each([
  ...weightFormats.map((format) => ({ format, size: 0.03, scale: [2, 0.5, 1] })),
  { format: "f32" as const, size: 1, scale: [16, 16, 16] }, // B · A far larger than W
  { format: "f32" as const, size: 0, scale: [2, 2, 2] }, // as training begins
])("$format, B of size $size", async ({ format, size, scale }) => {
  const [values, a, b] = [draw(1, O * I, 0.05), draw(2, 3 * R * I, 0.03), draw(3, O * R, size)];
  const w = newWeight(values, [O, I], format);
  const pairs = { a: tf.tensor2d(a, [3 * R, I]), b: tf.tensor2d(b, [O, R]) };
  const squares = rowSquares(w);
  const before = deviceMemory().tensors;
  const norms = adaptedNorms(w, squares, pairs, { scale, rows });
  expect(deviceMemory().tensors).toBe(before + 1);
  const got = await norms.data();
  const want = formed(plainOf(values, format), a, b, scale);
  expect(Math.max(...want.map((each, o) => Math.abs((got[o] ?? Number.NaN) / each - 1)))).toBeLessThan(2e-6);
  tf.dispose([w.values, squares, norms, pairs.a, pairs.b]);
});

it("no gradient comes through the lengths, and the pair has that of the layer alone", async () => {
  const w = newWeight(draw(1, O * I, 0.05), [O, I], "f32");
  const [a, b] = [tf.tensor2d(draw(2, 3 * R * I, 0.03), [3 * R, I]), tf.tensor2d(draw(3, O * R, 0.1), [O, R])];
  const x = tf.tensor2d(draw(4, 5 * I, 1), [5, I]);
  const scaled = (divide: () => tf.Tensor1D) => () =>
    scaleColumns(loraLinear(x, w, { a, b }, { scale: 2, rows }), divide());
  const inverse = () => tf.div<tf.Tensor1D>(1, adaptedNorms(w, rowSquares(w), { a, b }, { scale: 2, rows }));
  const fixed = inverse();
  const dy = tf.tensor2d(draw(5, 5 * O, 1), [5, O]);
  const through = tf.engine().gradients(
    scaled(() => inverse()),
    [a, b],
    dy,
  );
  const alone = tf.engine().gradients(
    scaled(() => fixed),
    [a, b],
    dy,
  );
  for (const [i, grad] of alone.grads.entries()) expect(await through.grads[i]?.data()).toEqual(await grad.data());
});

it("a scale for each part must be there; alike, they are one", async () => {
  const w = newWeight(draw(1, O * I, 0.05), [O, I], "f32");
  const pairs = { a: tf.tensor2d(draw(2, 3 * R * I, 0.03), [3 * R, I]), b: tf.tensor2d(draw(3, O * R, 0.1), [O, R]) };
  const x = tf.tensor2d(draw(4, 5 * I, 1), [5, I]);
  for (const scale of [[], [1], [1, 2], [1, 2, 3, 4]]) {
    expect(() => loraLinear(x, w, pairs, { scale, rows })).toThrow(expect.objectContaining({ code: "bug" }) as Error);
  }
  const one = loraLinear(x, w, pairs, { scale: 0.7, rows });
  const three = loraLinear(x, w, pairs, { scale: [0.7, 0.7, 0.7], rows });
  expect(await three.data()).toEqual(await one.data());
  const before = deviceMemory().tensors;
  tf.dispose(loraLinear(x, w, pairs, { scale: 0.7, rows }));
  const held = deviceMemory().tensors - before;
  const others = loraLinear(x, w, pairs, { scale: [0.7, 0.7, 0.8], rows });
  expect(deviceMemory().tensors).toBe(before + 2 * held + 1);
  const [y, z] = [await one.array(), await others.array()];
  for (const [n, row] of y.entries()) {
    expect(z[n]?.slice(0, 128).every((value, o) => Math.abs(value - (row[o] ?? Number.NaN)) < 1e-4)).toBe(true);
    expect(z[n]?.slice(128)).not.toEqual(row.slice(128));
  }
});
