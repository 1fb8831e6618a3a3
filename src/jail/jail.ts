/**
 * @file Foreign code runs here: a disposable worker that has nothing but the language, a deadline and a cap on what it
 * answers. One is kept warm between calls; one that is killed is replaced at the next call.
 */

import { type ErrorCode, StudioError } from "../core/errors";
import { nextTick } from "../core/nextTick";
import { say } from "../core/say";
import { type JailAnswer, type JailCall, type JailTasks, serveJail } from "./jailProgram";
import { findNode, type JailWorker, newNodeHandle, newWebHandle, whenReady } from "./jailWorker";
import { lockDown } from "./lockDown";

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

let warm: JailWorker | null = null;
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
  const handle = warm ?? (await startWorker());
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
        const answer = message as JailAnswer | "ready"; // posted by our own part of the worker, which foreign code cannot reach
        if (answer !== "ready" && answer.id === id) resolve(answer);
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
      handle.post({ id, task, input, cap } satisfies JailCall);
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

async function startWorker(): Promise<JailWorker> {
  const node = findNode();
  const handle = node ? newNodeHandle(node, nodeSource, findJinja(node)) : newWebHandle(newWebWorker());
  await whenReady(handle);
  return handle;
}

const newWebWorker = () => new Worker(new URL("./jail.worker.ts", import.meta.url), { type: "module", name: "jail" });

const findJinja = (node: NonNullable<ReturnType<typeof findNode>>) =>
  node
    .getBuiltinModule("node:module")
    .createRequire(import.meta.url)
    .resolve("@huggingface/jinja");

const nodeSource = `const { parentPort, workerData } = require("node:worker_threads");
  (${serveJail.toString()})({
    lockDown: ${lockDown.toString()},
    jinja: require(workerData),
    post: parentPort.postMessage.bind(parentPort),
    listen: (onCall) => parentPort.on("message", onCall),
  });`;
