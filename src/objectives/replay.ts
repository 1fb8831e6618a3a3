/** @file Prioritised experience replay (Schaul et al. 2015, proportional variant): what surprised comes again more often. */

import { StudioError } from "../core/errors";
import { newRandom } from "../core/random";
import { say } from "../core/say";

export type ReplayEntry<Item> = {
  /** Counts up, so that it names an entry for good. */
  id: number;
  priority: number;
  item: Item;
};

/** Plain data wherever its items are, so that a checkpoint holds it as it is. Oldest first. */
export type Replay<Item> = {
  capacity: number;
  /** α: 0 draws all alike, 1 by their priority. */
  alpha: number;
  nextId: number;
  entries: readonly ReplayEntry<Item>[];
};

export type Drawn<Item> = ReplayEntry<Item> & {
  /** (N · P)^−β over the largest such weight of the buffer: at most 1. */
  weight: number;
};

/** Added to what surprises, so that nothing is never drawn again. */
const leastPriority = 1e-6;

export const newReplay = <Item>(capacity: number, alpha = 0.6): Replay<Item> => ({
  capacity,
  alpha,
  nextId: 0,
  entries: [],
});

/**
 * With items that are new: they get the largest priority there is, so that each is likely to be seen once, and the oldest
 * leave where the capacity is exceeded.
 */
export function withItems<Item>(replay: Replay<Item>, items: readonly Item[]): Replay<Item> {
  const largest = replay.entries.reduce((most, { priority }) => Math.max(most, priority), 0);
  const priority = largest > 0 ? largest : 1;
  const added = items.map((item, i) => ({ id: replay.nextId + i, priority, item }));
  const entries = [...replay.entries, ...added];
  return {
    ...replay,
    nextId: replay.nextId + items.length,
    entries: entries.slice(Math.max(0, entries.length - replay.capacity)),
  };
}

/**
 * With what each drawn entry was worth this time: `surprises` by id, its |error| or |advantage|. Entries that have left
 * since are passed over. Throws `run.diverged` where a surprise is negative or not finite.
 */
export function withSurprises<Item>(replay: Replay<Item>, surprises: ReadonlyMap<number, number>): Replay<Item> {
  for (const [id, surprise] of surprises) {
    if (Number.isFinite(surprise) && surprise >= 0) continue;
    throw new StudioError("run.diverged", say`Entry ${id} of the replay buffer: its surprise is ${surprise}`);
  }
  const entries = replay.entries.map((entry) => {
    const surprise = surprises.get(entry.id);
    return surprise === undefined ? entry : { ...entry, priority: surprise + leastPriority };
  });
  return { ...replay, entries };
}

/**
 * `count` entries, drawn with P = priority^α / Σ priority^α, one from each of `count` equal parts of the whole (appendix
 * B.2.1), so that an entry may come twice; the same for the same seed. An empty buffer gives none.
 * @param beta 1 corrects fully for what is drawn more often, 0 not at all.
 */
export function draw<Item>({ entries, alpha }: Replay<Item>, count: number, beta: number, seed: number): Drawn<Item>[] {
  const N = entries.length;
  if (N === 0) return [];
  const masses = Float64Array.from(entries, ({ priority }) => priority ** alpha);
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const least = masses.reduce((smallest, mass) => Math.min(smallest, mass), Number.POSITIVE_INFINITY);
  const random = newRandom(seed);
  const drawn: Drawn<Item>[] = [];
  let [at, passed] = [0, 0];
  for (let k = 0; k < count; k++) {
    const aim = ((k + random.next()) / count) * total;
    while (at < N - 1 && passed + (masses[at] ?? 0) <= aim) passed += masses[at++] ?? 0;
    const entry = entries[at];
    // (N·P)^−β over the largest of them, which is that of the least probable: the N and the total fall out.
    if (entry) drawn.push({ ...entry, weight: ((masses[at] ?? 0) / least) ** -beta });
  }
  return drawn;
}
