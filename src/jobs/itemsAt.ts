/** @file Which of the data a step takes, where it does not take batches of documents: a pure function of seed and step. */

import { seedFor, shuffled } from "../core/random";

/** The places of `count` items of a step from 1: each once an epoch, in an order of the epoch's own. */
export function itemsAt(length: number, count: number, step: number, seed: number): number[] {
  const orders = new Map<number, Uint32Array>();
  return Array.from({ length: count }, (_, i) => {
    const place = (step - 1) * count + i;
    const epoch = Math.floor(place / length);
    const order = orders.get(epoch) ?? shuffled(length, seedFor(seed, "items", epoch));
    orders.set(epoch, order);
    return order[place % length] ?? 0;
  });
}
