/** @file Whether a device can still be trusted. */

import type { Device } from "../src/kernels/device";

/** Returns what throws once the device was lost, or a kernel failed on it. */
export function watchDevice({ lost }: Device): () => Promise<void> {
  const failures: Error[] = [];
  void lost.then((error) => failures.push(error));
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 0)); // a device's complaint comes as an event
    const [failure] = failures;
    if (failure) throw failure;
  };
}
