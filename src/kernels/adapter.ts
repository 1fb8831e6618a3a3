/** @file What kind of adapter the kernels run on, as far as their sources differ by it. Set where the device is opened. */

let software = false;

/** Of the adapter that is open now. */
export function describeAdapter(traits: { software: boolean }): void {
  software = traits.software;
}

/** Whether the adapter computes on the CPU: barriers are dear there, and all memory is alike. */
export function isSoftwareAdapter(): boolean {
  return software;
}

/** Invocations that share a row. */
export function rowLanes(): number {
  return software ? 8 : 64;
}
