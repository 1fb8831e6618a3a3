/** @file Products are tuned, and stay right whatever was found fastest. */

import { expect, it } from "vitest";
import { newTurns } from "../core/turns";
import { describeAdapter } from "./adapter";
import { deviceMemory, openDevice } from "./device";
import { linear, plain } from "./linear";
import { candidates, chooseProducts, type ProductShape, productProgram, shapeKey, variants } from "./product";
import { tf } from "./tf";
import { tuneProducts } from "./tuneProducts";

const shapes: ProductShape[] = [
  { kind: "forward", rows: 3, cols: 40, depth: 64, format: 0 },
  { kind: "back", rows: 70, cols: 40, depth: 64, format: 3 },
  { kind: "weight", rows: 16, cols: 40, depth: 70, format: 0 },
];

it("times each shape once, remembers it, and frees what it took", async () => {
  await openDevice("webgpu");
  describeAdapter({ software: false });
  chooseProducts({});
  const before = deviceMemory().tensors;
  const found = await tuneProducts(shapes, {}, newTurns(), new AbortController().signal);
  expect(deviceMemory().tensors).toBe(before);
  for (const shape of shapes) expect(candidates(shape)).toContain(found[shapeKey(shape)]);
  let turns = 0;
  const again = await tuneProducts(
    shapes,
    found,
    (work) => {
      turns++;
      return work();
    },
    new AbortController().signal,
  );
  expect(again).toEqual(found);
  expect(turns).toBe(0);
});

it("stops when the device is closed, in the middle of a turn's wait too", async () => {
  await openDevice("webgpu");
  const closing = new AbortController();
  closing.abort(new Error("closed"));
  await expect(tuneProducts(shapes, {}, newTurns(), closing.signal)).rejects.toThrow("closed");
});

it("gives the same product by every variant that was remembered, and ignores names it does not know", async () => {
  await openDevice("webgpu");
  const x = tf.randomNormal<tf.Rank.R2>([3, 64], 0, 1, "float32", 1);
  const w = tf.randomNormal<tf.Rank.R2>([40, 64], 0, 1, "float32", 2);
  const key = shapeKey({ kind: "forward", rows: 3, cols: 40, depth: 64, format: 0 });
  const results: number[][] = [];
  for (const variant of [...variants, "unheard of"]) {
    describeAdapter({ software: false });
    chooseProducts({ [key]: variant });
    const y = linear(x, plain(w));
    results.push(Array.from(await y.data()));
    y.dispose();
  }
  for (const result of results) {
    result.forEach((value, i) => {
      expect(Math.abs(value - (results[0]?.[i] ?? 0))).toBeLessThan(1e-4);
    });
  }
  tf.dispose([x, w]);
});

it("uses another program for another variant", () => {
  const sums = [
    { a: { name: "x", byOuter: "1u", byK: "1u" }, b: { name: "w", byOuter: "1u", byK: "1u" }, depth: "64u" },
  ];
  const key = shapeKey({ kind: "forward", rows: 3, cols: 40, depth: 64, format: 0 });
  const constants = ["thin", "tile1", "tile2"].map((variant) => {
    describeAdapter({ software: false });
    chooseProducts({ [key]: variant });
    return JSON.stringify(productProgram({ rows: 3, cols: 40, depth: 64, sums }).constants);
  });
  expect(new Set(constants).size).toBe(3);
});
