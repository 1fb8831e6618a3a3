/**
 * @file Threads that share the kernels' memory. A call is cut into pieces; every thread takes the next piece until
 * none is left, the caller among them. No result depends on who did which piece.
 */

import { StudioError } from "../../core/errors";
import { say } from "../../core/say";

/** Words of the control block (assembly/entry.ts): the first six belong to the hand-over below. */
const word = { calls: 0, next: 1, active: 2, fn: 3, pieces: 4, open: 5, scratch: 6, stride: 7, failed: 8, args: 16 };
export const controlBytes = 256;
const maxArgs = controlBytes / 4 - word.args;

export type Threads = {
  /** How many work, the caller included. */
  count: number;
  run: (fn: number, args: Int32Array, pieces: number, isThreaded: boolean, scratch: Scratch) => void;
  stop: () => void;
};

/** Working memory: `bytes` for each thread, from `address` on. */
type Scratch = { address: number; bytes: number };
type Kernels = { run: (control: number, thread: number) => void };
type Start = { module: WebAssembly.Module; memory: WebAssembly.Memory; control: number; thread: number };
type ThreadHandle = { start: (message: Start, ready: (isReady: boolean) => void) => void; stop: () => void };

/**
 * A thread's whole program. It spins for a moment before it sleeps, as the next call is often near. Having announced
 * itself in `active` it looks whether the call is still open: the caller changes the block only while nobody is active.
 */
const program = `
const begin = ({ module, memory, control, thread }) => {
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const words = new Int32Array(memory.buffer, control, ${controlBytes / 4});
  let seen = Atomics.load(words, ${word.calls});
  post("ready");
  for (;;) {
    for (let i = 0; i < 4000 && Atomics.load(words, ${word.calls}) === seen; i++);
    Atomics.wait(words, ${word.calls}, seen);
    seen = Atomics.load(words, ${word.calls});
    Atomics.add(words, ${word.active}, 1);
    try {
      if (Atomics.load(words, ${word.open}) === 1) run(control, thread);
    } catch {
      Atomics.store(words, ${word.failed}, 1);
    }
    Atomics.sub(words, ${word.active}, 1);
    Atomics.notify(words, ${word.active});
  }
};`;

/** How many threads this host has for us, eight at most; one where memory cannot be shared. */
export function countThreads(): number {
  const { crossOriginIsolated, navigator } = globalThis as {
    crossOriginIsolated?: boolean;
    navigator?: { hardwareConcurrency?: number };
  };
  const cores = node()?.getBuiltinModule?.("node:os").availableParallelism();
  if (cores === undefined && crossOriginIsolated !== true) return 1;
  return Math.max(1, Math.min(cores ?? navigator?.hardwareConcurrency ?? 1, 8));
}

/** Starts `wanted` − 1 threads beside the caller's own; fewer where the host refuses some. */
export async function newThreads(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  control: number,
  wanted: number,
): Promise<Threads> {
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
  const words = new Int32Array(memory.buffer, control, controlBytes / 4);
  words.fill(0);
  const started = await Promise.all(
    Array.from({ length: wanted - 1 }, (_, i) => startThread({ module, memory, control, thread: i + 1 })),
  );
  const others = started.filter((handle) => handle !== null);
  const run: Threads["run"] = (fn, args, pieces, isThreaded, scratch) => {
    // The memory may have grown since, which makes a new buffer where it is not shared.
    const block = others.length > 0 ? words : new Int32Array(memory.buffer, control, controlBytes / 4);
    if (args.length > maxArgs) throw new StudioError("bug", say`A kernel has too many arguments`);
    block.set(args, word.args);
    block[word.next] = 0;
    block[word.fn] = fn;
    block[word.pieces] = pieces;
    block[word.scratch] = scratch.address;
    block[word.stride] = scratch.bytes;
    if (others.length === 0 || !isThreaded) {
      kernels.run(control, 0);
      return;
    }
    Atomics.store(block, word.open, 1);
    Atomics.add(block, word.calls, 1);
    Atomics.notify(block, word.calls, Math.min(others.length, pieces - 1));
    kernels.run(control, 0);
    Atomics.store(block, word.open, 0);
    awaitIdle(block);
    if (Atomics.exchange(block, word.failed, 0) !== 0)
      throw new StudioError("bug", say`Kernel ${fn} failed in a thread`);
  };
  return { count: 1 + others.length, run, stop: () => others.forEach(({ stop }) => stop()) };
}

function awaitIdle(block: Int32Array): void {
  for (let spins = 0; ; spins++) {
    const active = Atomics.load(block, word.active);
    if (active === 0) return;
    // A page's main thread may not sleep; everywhere else the core is left to whom we wait for.
    if (spins > 2000 && canSleep) Atomics.wait(block, word.active, active, 1);
  }
}

const canSleep = typeof (globalThis as { document?: unknown }).document === "undefined";

async function startThread(message: Start): Promise<ThreadHandle | null> {
  const handle = node() ? nodeThread() : webThread();
  const isReady = await new Promise<boolean>((resolve) => {
    handle.start(message, resolve);
    setTimeout(() => resolve(false), 5000);
  });
  if (isReady) return handle;
  handle.stop();
  return null;
}

function webThread(): ThreadHandle {
  const source = `const post = (message) => self.postMessage(message);${program} onmessage = ({ data }) => begin(data);`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "kernels" });
  return {
    start: (message, ready) => {
      worker.onmessage = () => {
        URL.revokeObjectURL(url);
        ready(true);
      };
      worker.onerror = () => ready(false);
      worker.postMessage(message);
    },
    stop: () => worker.terminate(),
  };
}

type NodeProcess = {
  getBuiltinModule?: {
    (name: "node:os"): { availableParallelism: () => number };
    (name: "node:worker_threads"): { Worker: NodeWorker };
  };
};
type NodeWorker = new (
  source: string,
  options: { eval: true; workerData: Start },
) => { once: (event: "message" | "error", listener: () => void) => void; unref: () => void; terminate: () => unknown };

function node(): NodeProcess | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.getBuiltinModule ? process : undefined;
}

function nodeThread(): ThreadHandle {
  const source = `const { parentPort, workerData } = require("node:worker_threads");
    const post = (message) => parentPort.postMessage(message);${program} begin(workerData);`;
  let worker: InstanceType<NodeWorker> | undefined;
  return {
    start: (message, ready) => {
      const threads = node()?.getBuiltinModule?.("node:worker_threads");
      if (!threads) {
        ready(false);
        return;
      }
      worker = new threads.Worker(source, { eval: true, workerData: message });
      worker.once("message", () => ready(true));
      worker.once("error", () => ready(false));
      worker.unref();
    },
    stop: () => void worker?.terminate(),
  };
}
