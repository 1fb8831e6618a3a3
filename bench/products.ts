/** @file Arithmetic speed of the CPU path's matrix products, in operations per nanosecond of processor time: node scripts/bundle.mjs bench/products.ts [threads]. */

import { openDevice } from "../src/kernels/device";
import { linear } from "../src/kernels/linear";
import { tf } from "../src/kernels/tf";

declare const process: { argv: string[]; cpuUsage: () => { user: number } };

/** What a training step of the embedded model multiplies: rows, columns, depth; b's layout as in x · wᵀ or dy · w or dyᵀ · x. */
const shapes = [
  { name: "gate", rows: 2048, cols: 432, depth: 160, kind: "forward" },
  { name: "down", rows: 2048, cols: 160, depth: 432, kind: "forward" },
  { name: "key", rows: 2048, cols: 32, depth: 160, kind: "forward" },
  { name: "lora a", rows: 2048, cols: 16, depth: 160, kind: "forward" },
  { name: "gate back", rows: 2048, cols: 160, depth: 432, kind: "back" },
  { name: "lora b back", rows: 2048, cols: 16, depth: 432, kind: "back" },
  { name: "lora a back", rows: 2048, cols: 160, depth: 16, kind: "back" },
  { name: "da", rows: 16, cols: 160, depth: 2048, kind: "weight" },
  { name: "db", rows: 432, cols: 16, depth: 2048, kind: "weight" },
  { name: "decode", rows: 64, cols: 432, depth: 160, kind: "forward" },
  { name: "chat", rows: 1, cols: 432, depth: 160, kind: "forward" },
];

await openDevice("wasm", { threads: Number(process.argv[2] ?? 1) });
for (const { name, rows, cols, depth, kind } of shapes) {
  const random = (shape: [number, number]) => tf.randomNormal<tf.Rank.R2>(shape);
  const run = {
    forward: (x: tf.Tensor2D, w: tf.Tensor2D) => () => linear(x, w),
    back: (dy: tf.Tensor2D, w: tf.Tensor2D) => () => tf.engine().runKernel("LinearBack", { dy, w }, { scale: 1 }),
    weight: (dy: tf.Tensor2D, x: tf.Tensor2D) => () => tf.engine().runKernel("LinearWeight", { dy, x }, { scale: 1 }),
  };
  const a = random(kind === "weight" ? [depth, rows] : [rows, depth]);
  const b = random(kind === "forward" ? [cols, depth] : [depth, cols]);
  const go = run[kind as keyof typeof run](a, b);
  const operations = 2 * rows * cols * depth;
  const times = Math.ceil(2e9 / operations);
  for (let i = 0; i < times / 4; i++) tf.dispose(go());
  const cpu = process.cpuUsage().user;
  for (let i = 0; i < times; i++) tf.dispose(go());
  const us = process.cpuUsage().user - cpu;
  console.log(
    `${name.padEnd(12)} ${((operations * times) / us / 1000).toFixed(1)} GFLOP/s, ${(us / times).toFixed(0)} µs`,
  );
  tf.dispose([a, b]);
}
