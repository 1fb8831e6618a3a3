/** @file Seeded chance repeats, resumes and is even. */

import { expect, test } from "vitest";
import { newRandom, seedFor, shuffled } from "./random";

test("a generator goes on from its state", () => {
  const a = newRandom(7);
  for (let i = 0; i < 10; i++) a.next();
  const b = newRandom(a.state());
  expect([b.next(), b.next(), b.next()]).toEqual([a.next(), a.next(), a.next()]);
});

test("the normal draws have mean 0 and variance 1", () => {
  const random = newRandom(3);
  const draws = Array.from({ length: 20_000 }, () => random.normal());
  const mean = draws.reduce((s, x) => s + x, 0) / draws.length;
  const variance = draws.reduce((s, x) => s + (x - mean) ** 2, 0) / draws.length;
  expect(Math.abs(mean)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.05);
});

test("a shuffle is a permutation, another for another seed", () => {
  const order = shuffled(1000, 1);
  expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(shuffled(1000, 2)).not.toEqual(order);
  expect(shuffled(1000, 1)).toEqual(order);
});

test("parts of a run have seeds of their own", () => {
  const seeds = new Set(Array.from({ length: 1000 }, (_, i) => seedFor(1, "epoch", i)));
  expect(seeds.size).toBe(1000);
});
