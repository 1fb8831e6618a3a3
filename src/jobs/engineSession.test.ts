/** @file The base is loaded once, whoever asks for it next. */

import { expect, test, vi } from "vitest";
import { newEngineSession } from "./engineSession";
import { newTinyModel } from "./tinyModel";

vi.setConfig({ testTimeout: 60_000 });

test("base, runs and the library's adapters take turns on one base; another precision loads it anew", async () => {
  const tiny = newTinyModel();
  const filesOf = vi.fn(() => Promise.resolve(tiny));
  const session = newEngineSession({
    filesOf,
    onLost: () => undefined,
    tunings: { read: () => Promise.resolve({}), write: () => Promise.resolve() },
  });
  await session.open("cpu");
  const now = await session.current();
  const run = await session.model(now, "tiny", "f16");
  expect(await session.model(now, "tiny", "any")).toBe(run);
  expect(await session.model(now, "tiny", "f16")).toBe(run);
  expect(filesOf).toHaveBeenCalledTimes(1);
  const plain = await session.model(now, "tiny");
  expect(plain).not.toBe(run);
  expect(await session.model(now, "tiny", "any")).toBe(plain);
  expect(filesOf).toHaveBeenCalledTimes(2);
  expect(await session.model(now, "other", "any")).not.toBe(plain);
  expect(filesOf).toHaveBeenLastCalledWith("other");
});
