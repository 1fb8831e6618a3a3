/**
 * @file Our own cases in Node, on whatever graphics adapter Dawn finds, each step beside the best rate at which our
 * `linear` multiplies large squares there: npm run bench:gpu -- [--json] [--check] [--only PREFIX]
 */

import { parseArgs } from "node:util";
import { finishWork, openDevice } from "../src/kernels/device";
import { linear, plain } from "../src/kernels/linear";
import { tf } from "../src/kernels/tf";
import { timeAnneal } from "./anneal";
import { checkKernels } from "./check";
import { installCounters } from "./counters";
import { describeMachine } from "./machine.mjs";
import { measure, rounded } from "./measure";
import { formatTable, type Row } from "./table.mjs";
import { listUnits, type Unit } from "./units.mjs";
import { watchDevice } from "./watchDevice";

/** Sides of the squares; the next is tried only while one takes less than `longestMs`. */
const sides = [512, 1024, 2048, 4096, 8192];
const longestMs = 300;

/** The best rate of our own matrix product, thousand million operations a second, and the side that gave it. */
async function measurePeak(): Promise<{ gflops: number; side: number }> {
  let best = { gflops: 0, side: 0 };
  for (const side of sides) {
    const [x, w] = [tf.randomUniform<tf.Rank.R2>([side, side]), tf.randomUniform<tf.Rank.R2>([side, side])];
    const run = (times: number) => async () => {
      for (let i = 0; i < times; i++) linear(x, plain(w)).dispose();
      await finishWork();
    };
    const { fastestMs: once } = await measure(run(1), { warmUps: 1, most: 1, budgetMs: 0 });
    const times = Math.max(1, Math.min(20, Math.round(100 / once)));
    const { fastestMs } = await measure(run(times), { warmUps: 0, most: 5, budgetMs: 2000 }, times);
    tf.dispose([x, w]);
    const gflops = rounded((2 * side ** 3) / fastestMs / 1e6);
    if (gflops > best.gflops) best = { gflops, side };
    if (fastestMs > longestMs) break;
  }
  return best;
}

/** A GPU and the adapter it offers, or null: a machine without one is no failure. */
async function findGpu(toggles: string[]): Promise<GPU | null> {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create(toggles);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return null;
  // tfjs looks for WebGPU there, and nowhere else.
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "Node" }, configurable: true });
  return gpu;
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      only: { type: "string", default: "" },
    },
  });
  const say = (text: string) => (options.json ? console.error(text) : console.log(text));
  // With its checks a driver would keep a kernel that leaves its buffers quietly inside.
  const gpu = await findGpu(options.check ? ["enable-dawn-features=disable_robustness"] : []);
  if (!gpu) {
    say(
      `This machine has no graphics adapter that WebGPU finds: nothing was ${options.check ? "checked" : "measured"}.`,
    );
    return;
  }
  if (options.check) {
    process.exitCode = (await checkKernels(gpu, options.only, say)) > 0 ? 1 : 0;
    return;
  }
  installCounters();
  const device = await openDevice("webgpu", { gpu });
  const throwIfFailed = watchDevice(device);
  const peak = await measurePeak();
  await throwIfFailed();
  const machine = describeMachine({
    node: process.version,
    adapter: device.adapter,
    software: String(device.software),
    peakGflops: peak.gflops,
    peakAtSide: peak.side,
  });
  say(
    options.json
      ? `On ${device.adapter}.`
      : Object.entries(machine)
          .map((entry) => entry.join(" "))
          .join(", "),
  );
  if (options.json) console.log(JSON.stringify({ machine }));
  const rows: Row[] = [];
  const tell = (row: Row) => {
    rows.push(row);
    if (options.json) console.log(JSON.stringify(row));
    else console.error(`${row.case}: ${row.failed ?? `${Number(row.ms)} ms`}`);
  };
  // A real graphics card also takes the whole 135 M model, which a browser's software adapter would need minutes for.
  const all = listUnits(options.only, undefined).filter(({ system }) => system === "anneal");
  const here = all.filter(({ backend }) => backend === "webgpu");
  const full = all.filter(({ name }) => !device.software && !here.some((unit) => unit.name === name));
  const units: Unit[] = [...here, ...full.map((unit) => ({ ...unit, backend: "webgpu" as const }))];
  for (const unit of units) {
    try {
      for await (const figure of timeAnneal(unit, { gpu })) {
        const share = figure.gflops === undefined ? {} : { shareOfPeak: rounded(figure.gflops / peak.gflops) };
        tell({ ...figure, ...share });
      }
    } catch (error) {
      tell({ case: unit.name, backend: "webgpu", system: "anneal", failed: String(error) });
    }
  }
  if (!options.json) console.log(`\n${formatTable(rows)}`);
  process.exitCode = rows.some(({ failed }) => failed) ? 1 : 0;
}

await main();
process.exit(); // Dawn's threads would keep Node alive.
