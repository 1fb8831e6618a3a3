/** @file A user's own reward function in a worker of its own: loaded once, asked for many rows, stopped where it goes on too long. */

import { StudioError } from "../core/errors";
import { nextTick } from "../core/nextTick";
import { newRewardError, type RatedText, type RewardOf } from "../core/reward";
import { type Said, say } from "../core/say";
import { findNode, type JailWorker, newNodeHandle, newWebHandle, whenReady } from "./jailWorker";
import { lockDown } from "./lockDown";
import { checkNoImport, newCodeError, newSyntaxError, scriptName, wrapCode, wrappedLines } from "./rewardCode";
import { type RewardAnswer, type RewardCall, serveReward } from "./rewardProgram";

type OwnCode = Pick<RewardOf<"own">, "name" | "code">;

export type RewardJail = {
  /**
   * What the function gives each row; null where it gives null, as it does not apply. `groups` says which rows belong
   * together, for a function of whole groups; left out, they all do. Calls are answered one by one.
   * Throws `reward.failed`, `jail.slow` and `jail.large`, each with the places that are known (core/reward.ts); the next
   * call works again.
   */
  rate: (rows: readonly RatedText[], groups?: readonly (readonly number[])[]) => Promise<(number | null)[]>;
  /** Ends its worker; another call would start it again. */
  close: () => void;
};

/** @param deadline milliseconds that loading may take, and each call */
export function newRewardJail(own: OwnCode, deadline = 2000): RewardJail {
  let loaded: Loaded | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  const close = () => {
    loaded?.worker.kill();
    loaded = null;
  };
  const rateNow = async (rows: readonly RatedText[], groups: readonly (readonly number[])[]) => {
    try {
      if (loaded?.isDead) loaded = null;
      loaded ??= await load(own, deadline);
      return await ask(own, loaded, { rows, groups }, deadline);
    } catch (error) {
      close();
      throw error;
    }
  };
  return {
    rate: (rows, groups = [rows.map((_, i) => i)]) => {
      if (rows.length === 0) return Promise.resolve([]);
      const result = queue.then(() => rateNow(rows, groups));
      queue = result.catch(() => undefined);
      return result;
    },
    close,
  };
}

/** `before`: lines of its script before the user's first. */
type Loaded = { worker: JailWorker; before: number; calls: number; isDead: boolean };

/** Waits until the deadline for an answer that `take` makes something of. */
async function waitFor<T>(
  own: OwnCode,
  loaded: Loaded,
  deadline: number,
  take: (answer: RewardAnswer) => T | null,
): Promise<T> {
  const { worker, before } = loaded;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let row: number | null = null;
  const stop = (code: "jail.slow" | "jail.large" | "reward.failed", what: Said) =>
    newRewardError(code, { name: own.name, what, line: null, column: null, row });
  try {
    return await new Promise<T>((resolve, reject) => {
      worker.onMessage = (message) => {
        const answer = message as RewardAnswer; // what it holds of the user's is checked by `take`
        if (answer.at === "row") row = answer.row;
        if (answer.at === "failed") reject(newCodeError(own, answer, before));
        try {
          const taken = take(answer);
          if (taken !== null) resolve(taken);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      worker.onDeath = (why, isMemory, fault) => {
        if (isMemory) reject(stop("jail.large", say`It needs too much memory`));
        else reject(fault ? newSyntaxError(own, fault, before) : stop("reward.failed", say`${why}`));
      };
      let isOver = false;
      timer = setTimeout(() => {
        // This thread may itself have been busy: an answer that has long been here still counts.
        isOver = true;
        void nextTick().then(() => {
          if (isOver) reject(stop("jail.slow", say`It took longer than ${deadline} ms: is there a loop without end?`));
        });
      }, deadline);
    });
  } finally {
    clearTimeout(timer);
    worker.onMessage = () => undefined;
    worker.onDeath = () => {
      loaded.isDead = true; // between calls: what the code left running has ended it
    };
  }
}

async function load(own: OwnCode, deadline: number): Promise<Loaded> {
  checkNoImport(own);
  const { worker, before } = startWorker(own.code);
  await whenReady(worker, (fault) => newSyntaxError(own, fault, before));
  const loaded: Loaded = { worker, before, calls: 0, isDead: false };
  try {
    worker.post({ id: 0, rows: [], groups: [] } satisfies RewardCall);
    await waitFor(own, loaded, deadline, (answer) => (answer.at === "loaded" ? true : null));
  } catch (error) {
    worker.kill();
    throw error;
  }
  return loaded;
}

async function ask(own: OwnCode, loaded: Loaded, asked: Omit<RewardCall, "id">, deadline: number) {
  const id = ++loaded.calls;
  loaded.worker.post({ id, ...asked } satisfies RewardCall);
  return waitFor(own, loaded, deadline, (answer) => {
    if (answer.at !== "done" || answer.id !== id) return null;
    const { values } = answer;
    const isRight = Array.isArray(values) && values.length === asked.rows.length;
    if (!isRight || !values.every((value) => value === null || Number.isFinite(value))) {
      throw new StudioError("bug", say`The jail answered something that is no list of rewards`);
    }
    return values;
  });
}

/** The worker's script, and how many of its lines come before the user's first. */
function startWorker(code: string): { worker: JailWorker; before: number } {
  const node = findNode();
  if (node) {
    // Node's own script is made of text once: the user's comes after the lock, as data, where `import` finds no loader.
    const source = `const { parentPort, workerData } = require("node:worker_threads");
      const { Script } = require("node:vm");
      process.on("unhandledRejection", () => undefined); // as in a browser, what nobody waits for fails quietly
      const filename = ${JSON.stringify(scriptName)};
      (${serveReward.toString()})({
        scope: globalThis,
        lockDown: ${lockDown.toString()},
        post: parentPort.postMessage.bind(parentPort),
        listen: (onCall) => parentPort.on("message", onCall),
      })(() => new Script(workerData, { filename }).runInThisContext()());`;
    return { worker: newNodeHandle(node, source, `"use strict";${wrapCode(code)}`), before: wrappedLines };
  }
  const head = `"use strict";
    ((scope) => (${serveReward.toString()})({
      scope,
      lockDown: ${lockDown.toString()},
      post: scope.postMessage.bind(scope),
      listen: ((listen) => (onCall) => listen("message", ({ data }) => onCall(data)))(scope.addEventListener.bind(scope)),
    }))(this)(`;
  const url = URL.createObjectURL(new Blob([`${head}${wrapCode(code)});\n//# sourceURL=${scriptName}`]));
  const worker = newWebHandle(new Worker(url, { name: "reward" }));
  URL.revokeObjectURL(url);
  return { worker, before: head.split("\n").length - 1 + wrappedLines };
}
