/**
 * @file What there is to run: each unit is measured in a worker of its own, so that no system's threads, memory or
 * caches disturb another's. `kernel/` stands for every case that begins so.
 */

/** @typedef {"wasm" | "webgpu"} Backend */
/** @typedef {"anneal" | "tfjs" | "jax-js"} System */
/** @typedef {{ name: string, system: System, backend: Backend, only: string }} Unit */

/** @type {Backend[]} */
const both = ["wasm", "webgpu"];
/** @type {System[]} */
const ours = ["anneal"];

/** @type {{ name: string, systems: System[], backends: Backend[] }[]} */
const cases = [
  { name: "decoder-step/tiny", systems: ["anneal", "tfjs", "jax-js"], backends: both },
  { name: "lora-step/embedded", systems: ours, backends: both },
  { name: "lora-step/135m-2layers", systems: ours, backends: both },
  { name: "lora-step/135m-2layers-f16", systems: ours, backends: both },
  { name: "lora-step/135m-2layers-q4", systems: ours, backends: both },
  // A graphics card takes these too (bench/gpu.ts); the software adapter would need minutes.
  { name: "lora-step/135m", systems: ours, backends: ["wasm"] },
  { name: "lora-step/135m-f16", systems: ours, backends: ["wasm"] },
  { name: "lora-step/135m-q4", systems: ours, backends: ["wasm"] },
  { name: "lora-step/135m-1024-q4", systems: ours, backends: ["wasm"] },
  { name: "lora-step/135m-1024-q4-recompute", systems: ours, backends: ["wasm"] },
  { name: "generate/1", systems: ours, backends: both },
  { name: "generate/16", systems: ours, backends: both },
  { name: "generate/64", systems: ours, backends: both },
  { name: "kernel/", systems: ours, backends: both },
];

/**
 * The units whose cases may begin with `only`.
 * @param {string} only
 * @param {Backend | undefined} backend both where not said
 * @returns {Unit[]}
 */
export function listUnits(only, backend) {
  return cases
    .filter(({ name }) => name.startsWith(only) || (name.endsWith("/") && only.startsWith(name)))
    .flatMap(({ name, systems, backends }) =>
      backends
        .filter((each) => !backend || each === backend)
        .flatMap((each) => systems.map((system) => ({ name, system, backend: each, only }))),
    );
}
