/** @file A browser's worker that measures one unit and posts its figures. */

import { installCounters } from "./counters";
import type { Figure } from "./measure";
import type { System, Unit } from "./units.mjs";

/** Loaded only when asked for, after the counters stand. */
const systems: Record<System, () => Promise<(unit: Unit) => AsyncGenerator<Figure>>> = {
  anneal: async () => (await import("./anneal")).timeAnneal,
  tfjs: async () => (await import("./peers/tfjs")).timeTfjs,
  "jax-js": async () => (await import("./peers/jax")).timeJax,
};

onmessage = async ({ data: unit }: MessageEvent<Unit>) => {
  try {
    installCounters();
    const time = await systems[unit.system]();
    for await (const figure of time(unit)) postMessage({ figure });
    postMessage({ done: true });
  } catch (error) {
    postMessage({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
