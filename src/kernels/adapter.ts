/** @file What kind of adapter the kernels run on, as far as their sources differ by it. Set where the device is opened. */

export type Traits = {
  /** It computes on the CPU: barriers are dear there, and all memory is alike. */
  software: boolean;
  /** WGSL's subgroup functions are there (the device was opened with `subgroups`). */
  subgroups?: boolean;
  /** Numbers of 16 bits are calculated with (the device was opened with `shader-f16`). */
  halves?: boolean;
};

let open: Required<Traits> = { software: false, subgroups: false, halves: false };

/** Of the adapter that is open now; what is not said is not there. */
export function describeAdapter({ software, subgroups = false, halves = false }: Traits): void {
  open = { software, subgroups, halves };
}

/** Whether the adapter computes on the CPU. */
export function isSoftwareAdapter(): boolean {
  return open.software;
}

export const hasSubgroups = (): boolean => open.subgroups;
export const hasHalves = (): boolean => open.halves;

/** Part of every pipeline's key: sources ask for these traits while they are written. */
export const adapterKey = (): string => Object.values(open).map(Number).join("");

/** WGSL: what a source may use beyond the language's core. */
export const enabledFeatures = (): string =>
  `${open.halves ? "enable f16;" : ""} ${open.subgroups ? "enable subgroups;" : ""}`;

/** Invocations that share a row. */
export function rowLanes(): number {
  return open.software ? 8 : 64;
}
