/** @file Turns are taken one at a time, in order, and an error ends only its own. */

import { expect, test } from "vitest";
import { newTurns, nextTick } from "./turns";

test("first come, first served, also after a failure", async () => {
  const turn = newTurns();
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await nextTick();
    seen.push(`${name} ends`);
    if (name === "b") throw new Error("b failed");
  };
  const all = await Promise.allSettled([turn(work("a")), turn(work("b")), turn(work("c"))]);
  expect(all.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("a tick lets a message in", async () => {
  const { port1, port2 } = new MessageChannel();
  let arrived = false;
  port1.onmessage = () => {
    arrived = true;
  };
  port2.postMessage("x");
  for (let i = 0; i < 20 && !arrived; i++) await nextTick();
  port1.close();
  expect(arrived).toBe(true);
});
