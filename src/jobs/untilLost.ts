/** @file Waiting for work on a device that may be lost: a step on a lost device may never end. */

import type { StudioError } from "../core/errors";

export type UntilLost = {
  /** The work's own end, or a throw of why the device was lost, whichever comes first. One wait at a time. */
  wait: <T>(work: Promise<T>) => Promise<T>;
  /** Why the device was lost; null while it is there. */
  reason: () => StudioError | null;
};

/** Not Promise.race: it would leave a listener on `lost` for every wait of a run. */
export function newUntilLost(lost: Promise<StudioError>): UntilLost {
  let reason: StudioError | null = null;
  let interrupt: (error: StudioError) => void = () => undefined;
  void lost.then((error) => {
    reason = error;
    interrupt(error);
  });
  return {
    wait: (work) =>
      new Promise((resolve, reject) => {
        interrupt = reject;
        if (reason) reject(reason);
        work.then(resolve, reject);
      }),
    reason: () => reason,
  };
}
