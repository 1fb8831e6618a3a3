/** @file Memory for tensors inside one WebAssembly memory: first fit, freed neighbours joined. Addresses in bytes. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";

export type Heap = {
  memory: WebAssembly.Memory;
  /** An address, a multiple of 64. Throws `memory.full`. */
  allocate: (bytes: number) => number;
  /** Gives back what `allocate(bytes)` gave. */
  free: (address: number, bytes: number) => void;
  used: () => number;
  /** The most that was used since `restartPeak`. */
  peak: () => number;
  restartPeak: () => void;
  reserved: () => number;
};

const pageBytes = 65536;
const growBytes = 16 * 2 ** 20;

/** Shared memory must name its limit, and some hosts reserve it: the largest that is granted is taken. */
export function newHeap(shared: boolean): Heap {
  const memory = newMemory(shared);
  const starts: number[] = []; // Free blocks by address,
  const sizes: number[] = []; // and their sizes.
  let top = 64; // Everything above is free too; address 0 is nobody's.
  let used = 0;
  let peak = 0;

  const allocate = (bytes: number): number => {
    const size = rounded(bytes);
    used += size;
    if (used > peak) peak = used;
    for (let i = 0; i < starts.length; i++) {
      const start = starts[i] ?? 0;
      const room = sizes[i] ?? 0;
      if (room < size) continue;
      if (room === size) {
        starts.splice(i, 1);
        sizes.splice(i, 1);
      } else {
        starts[i] = start + size;
        sizes[i] = room - size;
      }
      return start;
    }
    const address = top;
    reach(memory, address + size);
    top += size;
    return address;
  };

  const free = (address: number, bytes: number): void => {
    const size = rounded(bytes);
    used -= size;
    let at = lowerBound(starts, address);
    starts.splice(at, 0, address);
    sizes.splice(at, 0, size);
    const join = (i: number) => {
      if ((starts[i] ?? -1) + (sizes[i] ?? 0) !== starts[i + 1]) return false;
      sizes[i] = (sizes[i] ?? 0) + (sizes[i + 1] ?? 0);
      starts.splice(i + 1, 1);
      sizes.splice(i + 1, 1);
      return true;
    };
    join(at);
    if (at > 0 && join(at - 1)) at -= 1;
    if ((starts[at] ?? 0) + (sizes[at] ?? 0) === top) {
      top = starts[at] ?? top;
      starts.splice(at, 1);
      sizes.splice(at, 1);
    }
  };

  const restartPeak = () => {
    peak = used;
  };
  const reserved = () => memory.buffer.byteLength;
  return { memory, allocate, free, used: () => used, peak: () => peak, restartPeak, reserved };
}

function rounded(bytes: number): number {
  return Math.max(64, Math.ceil(bytes / 64) * 64);
}

function newMemory(shared: boolean): WebAssembly.Memory {
  const initial = growBytes / pageBytes;
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared });
    } catch {
      // Too much to reserve: ask for less.
    }
  }
  return new WebAssembly.Memory({ initial, maximum: 8192, shared });
}

function reach(memory: WebAssembly.Memory, end: number): void {
  const missing = end - memory.buffer.byteLength;
  if (missing <= 0) return;
  for (const bytes of [Math.max(missing, growBytes), missing]) {
    try {
      memory.grow(Math.ceil(bytes / pageBytes));
      return;
    } catch {
      // Try the least that will do, then give up.
    }
  }
  throw new StudioError("memory.full", say`${Math.round(end / 2 ** 20)} MB of tensors do not fit in memory`);
}

function lowerBound(values: readonly number[], wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
