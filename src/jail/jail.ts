/**
 * @file Foreign code runs here: a disposable worker that has nothing but the language, a deadline and a cap on what it
 * answers. One is kept warm between calls; one that is killed is replaced at the next call.
 */

import { type ErrorCode, StudioError } from "../core/errors";
import { nextTick } from "../core/nextTick";
import { say } from "../core/say";
import { type JailAnswer, type JailCall, type JailTasks, serveJail } from "./jailProgram";

export type JailRequest<Task extends keyof JailTasks> = {
  task: Task;
  input: JailTasks[Task];
  /** What an error of the foreign code itself is called. */
  code: ErrorCode;
  /** Milliseconds, counted once the worker is ready. */
  deadline: number;
  /** Bytes of UTF-8 that the answer may have. */
  cap: number;
};

type Handle = {
  post: (call: JailCall) => void;
  /** Ends it at once, whatever it does. */
  kill: () => void;
  onMessage: (message: JailAnswer | "ready") => void;
  /** `memory` where it died of too much of it. */
  onDeath: (why: string, isMemory: boolean) => void;
};

/** A worker may need long to start where all cores are busy; it runs nothing foreign until then. */
const startMillis = 20_000;

let warm: Handle | null = null;
let queue: Promise<unknown> = Promise.resolve();
let calls = 0;

/**
 * Runs a task in the jail, one at a time. Throws `jail.slow` past the deadline, `jail.large` where the answer or the memory
 * is too big, and the request's own `code` with the message of what the foreign code threw; the next call works again.
 */
export function runJailed<Task extends keyof JailTasks>(request: JailRequest<Task>): Promise<string> {
  const result = queue.then(() => runOne(request));
  queue = result.catch(() => undefined);
  return result;
}

async function runOne({ task, input, code, deadline, cap }: JailRequest<keyof JailTasks>): Promise<string> {
  const handle = warm ?? (await startHandle());
  warm = handle;
  const id = ++calls;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const { kind, text } = await new Promise<JailAnswer>((resolve, reject) => {
      const end = (error: StudioError) => {
        handle.kill();
        warm = null;
        reject(error);
      };
      handle.onMessage = (message) => {
        if (message !== "ready" && message.id === id) resolve(message);
      };
      handle.onDeath = (why, isMemory) =>
        end(
          isMemory ? new StudioError("jail.large", say`It needs too much memory`) : new StudioError(code, say`${why}`),
        );
      let isOver = false;
      timer = setTimeout(() => {
        // This thread may itself have been busy: an answer that has long been here still counts.
        isOver = true;
        void nextTick().then(() => {
          if (isOver) end(new StudioError("jail.slow", say`It took longer than ${deadline} ms`));
        });
      }, deadline);
      handle.post({ id, task, input, cap });
    });
    if (kind === "done") return text;
    if (kind === "failed") throw new StudioError(code, say`${text || "?"}`);
    throw new StudioError("jail.large", say`It gives more than ${cap} bytes`);
  } finally {
    clearTimeout(timer);
    handle.onMessage = () => undefined;
    handle.onDeath = () => {
      if (warm === handle) warm = null;
    };
  }
}

/** Resolves once the worker says that it is ready. */
async function startHandle(): Promise<Handle> {
  const node = findNode();
  const handle = node ? newNodeHandle(node) : newWebHandle();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = (why: string) => reject(new StudioError("bug", say`The jail did not start: ${why}`));
      handle.onMessage = () => resolve();
      handle.onDeath = refuse;
      timer = setTimeout(() => refuse(`${startMillis} ms`), startMillis);
    });
    return handle;
  } catch (error) {
    handle.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const newHandle = (post: Handle["post"], kill: () => void): Handle => ({
  post,
  kill,
  onMessage: () => undefined,
  onDeath: () => undefined,
});

function newWebHandle(): Handle {
  const worker = new Worker(new URL("./jail.worker.ts", import.meta.url), { type: "module", name: "jail" });
  const handle = newHandle(
    (call) => worker.postMessage(call),
    () => worker.terminate(),
  );
  worker.onmessage = ({ data }: MessageEvent<JailAnswer | "ready">) => handle.onMessage(data);
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    handle.onDeath(event.message || "its script could not be loaded or run", false);
  };
  return handle;
}

type NodeWorker = {
  postMessage: (call: JailCall) => void;
  terminate: () => unknown;
  unref: () => void;
  on: {
    (event: "message", listener: (message: JailAnswer | "ready") => void): void;
    (event: "error", listener: (error: Error & { code?: string }) => void): void;
    (event: "exit", listener: () => void): void;
  };
};
type NodeProcess = {
  getBuiltinModule: {
    (name: "node:module"): { createRequire: (from: string) => { resolve: (name: string) => string } };
    (name: "node:worker_threads"): { Worker: new (source: string, options: object) => NodeWorker };
  };
};

function findNode(): NodeProcess | null {
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  return process?.getBuiltinModule ? (process as NodeProcess) : null;
}

function newNodeHandle(node: NodeProcess): Handle {
  const { Worker: Thread } = node.getBuiltinModule("node:worker_threads");
  const jinja = node
    .getBuiltinModule("node:module")
    .createRequire(import.meta.url)
    .resolve("@huggingface/jinja");
  const source = `const { parentPort, workerData } = require("node:worker_threads");
    (${serveJail.toString()})({
      jinja: require(workerData),
      post: parentPort.postMessage.bind(parentPort),
      listen: (onCall) => parentPort.on("message", onCall),
    });`;
  const worker = new Thread(source, {
    eval: true,
    workerData: jinja,
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
  worker.on("error", ({ message, code }) => handle.onDeath(message, code === "ERR_WORKER_OUT_OF_MEMORY"));
  worker.on("exit", () => handle.onDeath("it ended", false));
  // A jail that waits keeps no process alive; one that works is kept by its deadline's timer.
  worker.unref();
  return handle;
}
