/** @file A worker of the jail, in the browser and in Node, as one handle that is spoken to and ended at once. */

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

type NodeChild = {
  send: (call: unknown) => void;
  kill: (signal: "SIGKILL") => void;
  unref: () => void;
  channel?: { unref: () => void };
  on: {
    (event: "message", listener: (message: unknown) => void): void;
    (event: "error", listener: (error: Error) => void): void;
    (event: "exit", listener: (code: number | null, signal: string | null) => void): void;
  };
};
type NodeProcess = {
  execPath: string;
  env: Record<string, string | undefined>;
  getBuiltinModule: {
    (name: "node:module"): { createRequire: (from: string) => { resolve: (name: string) => string } };
    (name: "node:child_process"): { spawn: (command: string, args: string[], options: object) => NodeChild };
  };
};

/** Null in a browser. */
export function findNode(): NodeProcess | null {
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  return process?.getBuiltinModule ? (process as NodeProcess) : null;
}

/** Exit codes of the process below: too much memory, as it tells itself and as V8 aborts. */
const [outOfMemory, aborted] = [86, 134];

/**
 * The process's own script: the worker lies in a thread, so that this one can still end itself when the studio is gone.
 * Its first message is what the thread is made of, all others go to and fro.
 */
const relay = `const { Worker } = require("node:worker_threads");
  let worker = null;
  process.on("disconnect", () => process.exit());
  process.on("message", (message) => {
    if (worker) return worker.postMessage(message);
    worker = new Worker(message.source, { ...message.options, eval: true, env: {}, argv: [] });
    let [latest, timer] = [null, null];
    worker.on("message", (answer) => {
      // How far it is comes often, and is of use only where nothing else comes for long.
      if (answer.at === "row") {
        latest = answer;
        timer ??= setTimeout(() => (process.send(latest), (timer = null)), 20);
      } else {
        clearTimeout(timer);
        timer = null;
        process.send(answer);
      }
    });
    worker.on("error", ({ code, message }) => {
      if (code === "ERR_WORKER_OUT_OF_MEMORY") process.exit(${outOfMemory});
      process.send({ died: String(message) }, () => process.exit(1));
    });
  });`;

/**
 * A thread of Node that runs `source`, which finds `data` as `workerData`. In a process of its own: V8 aborts the whole
 * process where a thread asks for a block of memory beyond its limit.
 */
export function newNodeHandle(node: NodeProcess, source: string, data: unknown): JailWorker {
  const { spawn } = node.getBuiltinModule("node:child_process");
  const { SystemRoot } = node.env; // Windows starts nothing without it
  const child = spawn(node.execPath, ["-e", relay], {
    env: SystemRoot === undefined ? {} : { SystemRoot },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
    windowsHide: true,
  });
  const handle = newHandle(
    (call) => child.send(call),
    () => child.kill("SIGKILL"),
  );
  child.on("message", (message) => {
    const { died } = message as { died?: string };
    if (died === undefined) handle.onMessage(message);
    else handle.onDeath(died, false, null);
  });
  child.on("error", ({ message }) => handle.onDeath(message, false, null));
  child.on("exit", (code, signal) =>
    handle.onDeath("it ended", code === outOfMemory || code === aborted || signal === "SIGABRT", null),
  );
  const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 };
  child.send({ source, options: { workerData: data, resourceLimits } });
  // A jail that waits keeps no process alive; one that works is kept by its deadline's timer.
  child.unref();
  child.channel?.unref();
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
