/** @file One engine, several jobs: who may use the device now. */

/** Runs `work` when all earlier holders are done: first come, first served. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function newTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined); // the error belongs to `mine`; the next holder starts either way
    return mine;
  };
}
