/** @file A worker of the jail, in the browser and in Node, as one handle: it is spoken to, and ended at once. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";

/** Where the script of a worker fails before it runs: the line and column, from 1, and the engine's words. */
export type ScriptFault = { message: string; line: number; column: number };

export type JailWorker = {
  post: (call: unknown) => void;
  /** Ends it at once, whatever it does. */
  kill: () => void;
  onMessage: (message: unknown) => void;
  /** `isMemory` where it died of too much of it. */
  onDeath: (why: string, isMemory: boolean, fault: ScriptFault | null) => void;
};

/** A worker may need long to start where all cores are busy; it runs nothing foreign until then. */
const startMillis = 20_000;

const newHandle = (post: JailWorker["post"], kill: () => void): JailWorker => ({
  post,
  kill,
  onMessage: () => undefined,
  onDeath: () => undefined,
});

/** Around a worker of the browser. */
export function newWebHandle(worker: Worker): JailWorker {
  const handle = newHandle(
    (call) => worker.postMessage(call),
    () => worker.terminate(),
  );
  worker.onmessage = ({ data }: MessageEvent<unknown>) => handle.onMessage(data);
  worker.onerror = (event: Event & Partial<ErrorEvent>) => {
    event.preventDefault();
    worker.terminate();
    const { message = "", lineno: line = 0, colno: column = 1 } = event;
    const why = message || "its script could not be loaded or run";
    handle.onDeath(why, false, line > 0 ? { message, line, column } : null);
  };
  return handle;
}

type NodeThread = {
  postMessage: (call: unknown) => void;
  terminate: () => unknown;
  unref: () => void;
  on: {
    (event: "message", listener: (message: unknown) => void): void;
    (event: "error", listener: (error: Error & { code?: string }) => void): void;
    (event: "exit", listener: () => void): void;
  };
};
type NodeProcess = {
  getBuiltinModule: {
    (name: "node:module"): { createRequire: (from: string) => { resolve: (name: string) => string } };
    (name: "node:worker_threads"): { Worker: new (source: string, options: object) => NodeThread };
  };
};

/** Null in a browser. */
export function findNode(): NodeProcess | null {
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  return process?.getBuiltinModule ? (process as NodeProcess) : null;
}

/** Around a thread of Node that runs `source`, which finds `data` as `workerData`. */
export function newNodeHandle(node: NodeProcess, source: string, data: unknown): JailWorker {
  const { Worker: Thread } = node.getBuiltinModule("node:worker_threads");
  const worker = new Thread(source, {
    eval: true,
    workerData: data,
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 },
  });
  const handle = newHandle(
    (call) => worker.postMessage(call),
    () => void worker.terminate(),
  );
  worker.on("message", (message) => handle.onMessage(message));
  worker.on("error", ({ message, code }) => handle.onDeath(message, code === "ERR_WORKER_OUT_OF_MEMORY", null));
  worker.on("exit", () => handle.onDeath("it ended", false, null));
  // A jail that waits keeps no process alive; one that works is kept by its deadline's timer.
  worker.unref();
  return handle;
}

/**
 * Resolves once the worker says `ready`. Throws `bug` where it does not start, and what `onFault` throws where its script
 * cannot be read; it is ended then.
 */
export async function whenReady(handle: JailWorker, onFault?: (fault: ScriptFault) => Error): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = (why: string) => reject(new StudioError("bug", say`The jail did not start: ${why}`));
      handle.onMessage = (message) => {
        if (message === "ready") resolve();
      };
      handle.onDeath = (why, _, fault) => (fault && onFault ? reject(onFault(fault)) : refuse(why));
      timer = setTimeout(() => refuse(`${startMillis} ms`), startMillis);
    });
  } catch (error) {
    handle.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
