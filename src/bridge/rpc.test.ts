/** @file The seam over a real MessageChannel. */

import { expect, onTestFinished, test } from "vitest";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { connect, serve, withTransfer } from "./rpc";

type Calls = {
  add: { args: { a: number; b: number }; result: number };
  fail: { args: { how: "studio" | "quota" | "string" }; result: never };
  wait: { args: void; result: never };
  take: { args: { buffer: ArrayBuffer }; result: number };
};
type Events = { tick: number };

function pair() {
  const { port1, port2 } = new MessageChannel();
  const failures = {
    studio: new StudioError("gpu.lost", say`out of memory`),
    quota: new DOMException("no room", "QuotaExceededError"),
    string: "thrown text",
  };
  const emit = serve<Calls, Events>(port1, {
    add: ({ a, b }) => Promise.resolve(a + b),
    fail: ({ how }) => {
      const thrown: unknown = failures[how];
      throw thrown;
    },
    wait: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      }),
    take: ({ buffer }) => Promise.resolve(buffer.byteLength),
  });
  const engine = connect<Calls, Events>(port2);
  onTestFinished(() => {
    port1.close();
  });
  return { emit, engine, port2 };
}

test("answers a call", async () => {
  expect(await pair().engine.call("add", { a: 1, b: 2 })).toBe(3);
});

test.each([
  ["studio", { code: "gpu.lost", message: "out of memory" }],
  ["quota", { code: "storage.full", message: "no room" }],
  ["string", { code: "bug", message: "thrown text" }],
] as const)("an error of kind %s keeps its code across the boundary", async (how, expected) => {
  await expect(pair().engine.call("fail", { how })).rejects.toMatchObject(expected);
});

test("a detail crosses the boundary as a sentence and its values", async () => {
  const error = await pair()
    .engine.call("fail", { how: "studio" })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StudioError);
  expect((error as StudioError).detail).toEqual(say`out of memory`);
});

test("an abort reaches the handler", async () => {
  const stop = new AbortController();
  const call = pair().engine.call("wait", undefined, stop.signal);
  stop.abort();
  await expect(call).rejects.toMatchObject({ code: "task.aborted" });
});

test("a call with a signal already aborted is not sent", async () => {
  await expect(pair().engine.call("wait", undefined, AbortSignal.abort())).rejects.toMatchObject({
    code: "task.aborted",
  });
});

test("an unknown call is answered with an error, also one named as a property of every object", async () => {
  const { port2, engine } = pair();
  const call = engine.call("toString" as "add", { a: 1, b: 1 });
  await expect(call).rejects.toMatchObject({ code: "bug" });
  port2.close();
});

test("a marked buffer is moved, not copied", async () => {
  const buffer = new ArrayBuffer(8);
  expect(await pair().engine.call("take", withTransfer({ buffer }, [buffer]))).toBe(8);
  expect(buffer.byteLength).toBe(0);
});

test("events reach listeners until they leave", async () => {
  const { engine, emit } = pair();
  const seen: number[] = [];
  const leave = engine.on("tick", (n) => seen.push(n));
  emit("tick", 1);
  await engine.call("add", { a: 0, b: 0 });
  leave();
  emit("tick", 2);
  await engine.call("add", { a: 0, b: 0 });
  expect(seen).toEqual([1]);
});

test("a crash rejects what is open", async () => {
  const { engine } = pair();
  const call = engine.call("wait", undefined);
  engine.crash(say`gone`);
  await expect(call).rejects.toMatchObject({ code: "engine.crashed" });
});
