/** @file The heap: blocks never overlap, freed neighbours join, and it gives everything back. */

import { expect, it } from "vitest";
import { newRandom } from "../core/random";
import { newHeap } from "./heap";

it("keeps blocks apart through random use, and ends as it began", () => {
  const heap = newHeap(false);
  const random = newRandom(3);
  const held: { address: number; bytes: number }[] = [];
  for (let i = 0; i < 4000; i++) {
    if (held.length > 0 && random.next() < 0.48) {
      const [{ address, bytes }] = held.splice(random.below(held.length), 1) as [{ address: number; bytes: number }];
      heap.free(address, bytes);
    } else {
      const bytes = 1 + random.below(random.next() < 0.1 ? 400_000 : 3000);
      held.push({ address: heap.allocate(bytes), bytes });
    }
  }
  const inOrder = held.toSorted((a, b) => a.address - b.address);
  inOrder.forEach(({ address, bytes }, i) => {
    expect(address % 64).toBe(0);
    expect(address).toBeGreaterThan(0);
    const next = inOrder[i + 1];
    if (next) expect(address + bytes).toBeLessThanOrEqual(next.address);
    else expect(address + bytes).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
  });
  for (const { address, bytes } of held) heap.free(address, bytes);
  expect(heap.used()).toBe(0);
  expect(heap.allocate(10_000_000)).toBe(64); // All joined again: the first place is free for a large block.
});

it("knows the most that was used since it was last asked to look", () => {
  const heap = newHeap(false);
  const [first, second] = [heap.allocate(640), heap.allocate(1280)];
  heap.free(second, 1280);
  expect([heap.used(), heap.peak()]).toEqual([640, 1920]);
  heap.restartPeak();
  expect(heap.peak()).toBe(640);
  heap.free(first, 640);
  heap.allocate(64);
  expect([heap.used(), heap.peak()]).toEqual([64, 640]);
});

it("says so when memory is full", () => {
  const heap = newHeap(false);
  expect(() => heap.allocate(2 ** 33)).toThrow("do not fit in memory");
});
