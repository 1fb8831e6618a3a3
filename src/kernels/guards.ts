/**
 * @file Guards around tensors, for the tests: words before and after each tensor's numbers that no kernel may touch.
 *
 * A word is a NaN as a 32-bit float and as two 16-bit floats, and as an integer beyond any tensor: what a kernel reads
 * outside of its inputs shows in its outputs. New outputs are filled with it, so that a place not written shows too.
 */

import type { Backend, Place } from "./dispatch";
import type { Heap } from "./heap";
import { sizeOf } from "./shape";
import { tf } from "./tf";
import { WasmBackend } from "./wasmBackend";

const guardWord = 0x7fff7fff;
/** Words before a tensor, as many as a binding's alignment takes; and after it. */
const before = 64;
const after = 256;

/** A guard that was written over: where, in numbers from the tensor's first, and how many numbers the tensor holds. */
type Breach = { size: number; at: number };

export type Guards = {
  /** What was written outside of tensors since the last call. On WebGPU it ends them: none may be used after it. */
  check: () => Promise<Breach[]>;
  /** From here on new tensors lie as they always do. */
  remove: () => void;
};

type Entry = { dtype: tf.DataType; shape: number[]; values: ArrayLike<number> | null; resource: unknown };
type Guarded = { buffer: GPUBuffer; size: number };

/** From here on every new tensor of the current backend lies between guards; in plain JavaScript there is no need. */
export function newGuards(): Guards {
  const backend = tf.backend();
  if (tf.getBackend() === "webgpu") return guardGpu(backend as unknown as Backend);
  if (backend instanceof WasmBackend) return guardHeap(Reflect.get(backend, "heap") as Heap);
  return { check: () => Promise.resolve([]), remove: () => undefined };
}

function guardGpu(backend: Backend): Guards {
  const { device } = backend;
  const [upload, read] = [backend.uploadToGPU, backend.getBufferData];
  let held: Guarded[] = [];

  backend.uploadToGPU = (dataId) => {
    const entry = backend.tensorMap.get(dataId) as unknown as Entry;
    const { shape, values, dtype } = entry;
    const size = sizeOf(shape);
    if (entry.resource || size === 0) {
      upload.call(backend, dataId);
      return;
    }
    const buffer = device.createBuffer({
      size: 4 * (before + size + after),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      mappedAtCreation: true,
    });
    const mapped = buffer.getMappedRange();
    new Uint32Array(mapped).fill(guardWord);
    if (values) new (dtype === "float32" ? Float32Array : Int32Array)(mapped, 4 * before, size).set(values);
    buffer.unmap();
    held.push({ buffer, size });
    const resource: Place = { buffer, offset: 4 * before, size: 4 * size, owner: dataId };
    Object.assign(entry, { resource, values: null, external: true }); // tfjs frees no external buffer
  };
  backend.getBufferData = (resource: GPUBuffer | Place) =>
    "owner" in resource ? readRange(resource, resource.offset, resource.size) : read.call(backend, resource);

  const flush = () => {
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.submitQueue();
  };
  const readRange = async ({ buffer }: { buffer: GPUBuffer }, offset: number, size: number) => {
    flush();
    return readCopies(device, size, (encoder, to) => {
      encoder.copyBufferToBuffer(buffer, offset, to, 0, size);
    });
  };

  return {
    check: async () => {
      flush();
      const guarded = held;
      held = [];
      const each = before + after;
      const bytes = await readCopies(device, 4 * each * guarded.length, (encoder, to) => {
        guarded.forEach(({ buffer, size }, i) => {
          encoder.copyBufferToBuffer(buffer, 0, to, 4 * each * i, 4 * before);
          encoder.copyBufferToBuffer(buffer, 4 * (before + size), to, 4 * (each * i + before), 4 * after);
        });
      });
      for (const { buffer } of guarded) buffer.destroy();
      return guarded.flatMap(({ size }, i) => breaches(new Uint32Array(bytes, 4 * each * i, each), size));
    },
    remove: () => {
      backend.uploadToGPU = upload;
      backend.getBufferData = read;
    },
  };
}

/** `words` are the guards of a tensor, those before it and then those after. */
function breaches(words: Uint32Array, size: number): Breach[] {
  return [...words.entries()]
    .filter(([, word]) => word !== guardWord)
    .map(([i]) => ({ size, at: i < before ? i - before : size + i - before }));
}

async function readCopies(
  device: GPUDevice,
  size: number,
  copy: (encoder: GPUCommandEncoder, to: GPUBuffer) => void,
): Promise<ArrayBuffer> {
  if (size === 0) return new ArrayBuffer(0);
  const to = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const encoder = device.createCommandEncoder();
  copy(encoder, to);
  device.queue.submit([encoder.finish()]);
  await to.mapAsync(GPUMapMode.READ);
  const values = to.getMappedRange().slice(0);
  to.destroy();
  return values;
}

function guardHeap(heap: Heap): Guards {
  const { allocate, free } = heap;
  const held = new Map<number, number>(); // addresses and sizes in words
  let found: Breach[] = [];
  const bytesAround = (size: number) => 4 * (before + size + after);

  heap.allocate = (bytes) => {
    const size = Math.ceil(bytes / 4);
    const address = allocate(bytesAround(size));
    new Uint32Array(heap.memory.buffer, address, before + size + after).fill(guardWord);
    held.set(address + 4 * before, size);
    return address + 4 * before;
  };
  const look = (address: number, size: number) => {
    const words = new Uint32Array(heap.memory.buffer, address - 4 * before, before + size + after).slice();
    words.copyWithin(before, before + size);
    found.push(...breaches(words.subarray(0, before + after), size));
  };
  heap.free = (address, bytes) => {
    const size = held.get(address);
    if (size === undefined) {
      free(address, bytes);
      return;
    }
    look(address, size);
    held.delete(address);
    free(address - 4 * before, bytesAround(size));
  };

  return {
    check: () => {
      for (const [address, size] of held) look(address, size);
      const all = found;
      found = [];
      return Promise.resolve(all);
    },
    remove: () => {
      heap.allocate = allocate;
      if (held.size === 0) heap.free = free;
    },
  };
}
