/** @file A tick lets others have their turn. */

import { expect, test } from "vitest";
import { nextTick } from "./nextTick";

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
