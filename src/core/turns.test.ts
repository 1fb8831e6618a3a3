/** @file Turns are taken one at a time, in order, and an error ends only its own. */

import { expect, test } from "vitest";
import { nextTick } from "../core/nextTick";
import { newTurns } from "./turns";

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
