/**
 * @file Tensors that lie in a part of another tensor's buffer on the graphics card, and copies between buffers without
 * a dispatch. tfjs knows one buffer a tensor. To tfjs a view is an external tensor, whose buffer it never frees, and
 * its resource is a binding of the part, which tfjs' own programs bind as it is; reading it back is taught here.
 */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type Backend, type Place, placeOf } from "./dispatch";
import { sizeOf } from "./shape";
import type { tf } from "./tf";

const readers = new WeakSet<Backend>();

/** The data of a view of `whole` from its number `offset` on, a multiple of 64. `whole` must outlive it. */
export function viewOnGpu(backend: Backend, whole: tf.TensorInfo, offset: number, shape: number[]): object {
  teachReading(backend);
  const size = 4 * sizeOf(shape);
  const { buffer } = placeOf(backend, whole);
  if (offset % 64 !== 0 || 4 * offset + size > buffer.size) throw new StudioError("bug");
  const resource: Place = { buffer, offset: 4 * offset, size, owner: whole.dataId };
  const dataId = backend.write(null, shape, "float32");
  backend.tensorMap.set(dataId, {
    dtype: "float32",
    shape,
    refCount: 1,
    external: true,
    resource,
    // tfjs would keep what it reads here, and give it again after the numbers have changed through `whole`.
    get values() {
      return null;
    },
    set values(_) {},
  });
  return dataId;
}

/** Copies tensors into one new tensor of `size` numbers, each at its offset, and zeros between. */
export function gatherOnGpu(
  backend: Backend,
  tensors: tf.TensorInfo[],
  offsets: number[],
  size: number,
): tf.TensorInfo {
  const out = backend.makeTensorInfo([size], "float32");
  const { buffer: to } = placeOf(backend, out);
  const places = tensors.map((tensor) => placeOf(backend, tensor));
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  const encoder = backend.commandEncoder;
  if (!encoder) throw new StudioError("bug");
  let end = 0; // in numbers: what is filled so far
  const clearTo = (next: number) => {
    if (next > end) encoder.clearBuffer(to, 4 * end, 4 * (next - end));
  };
  tensors.forEach(({ shape }, i) => {
    const place = places[i];
    const offset = offsets[i] ?? 0;
    if (!place) throw new StudioError("bug");
    clearTo(offset);
    encoder.copyBufferToBuffer(place.buffer, "owner" in place ? place.offset : 0, to, 4 * offset, 4 * sizeOf(shape));
    end = offset + sizeOf(shape);
  });
  clearTo(size);
  return out;
}

/** Bytes written to the device at a time, so that no second copy of a large weight is made on the way. */
const chunkBytes = 32 * 2 ** 20;

/**
 * The data of a new tensor whose numbers are written later, from a number's place on.
 * Throws `memory.full` where no buffer holds it.
 */
export function uploadOnGpu(
  backend: Backend,
  shape: number[],
  dtype: "int32" | "float32",
): { dataId: object; write: (at: number, values: Int32Array | Float32Array) => void } {
  const { limits, queue } = backend.device;
  const size = 4 * sizeOf(shape);
  if (size > Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)) {
    throw new StudioError("memory.full", say`${Math.round(size / 2 ** 20)} MB do not fit in one buffer`);
  }
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  // Never a freed one: what is written here would come before commands that are recorded and still read it.
  const { bufferManager } = backend;
  const buffer = bufferManager.acquireBuffer(size, usage, false, false);
  // tfjs makes this list, which a freed buffer goes to, only where it looks for one to use again.
  const key = `${size}_${usage}`;
  if (!bufferManager.freeBuffers.has(key)) bufferManager.freeBuffers.set(key, []);
  const dataId = backend.write(null, shape, dtype);
  backend.tensorMap.get(dataId).resource = buffer;
  const write = (at: number, values: Int32Array | Float32Array) => {
    for (let from = 0; from < values.byteLength; from += chunkBytes) {
      const bytes = Math.min(chunkBytes, values.byteLength - from);
      queue.writeBuffer(buffer, 4 * at + from, values.buffer, values.byteOffset + from, bytes);
    }
  };
  return { dataId, write };
}

/** A tensor's numbers, not kept by tfjs as `data()` would. */
export async function readOnGpu(backend: Backend, tensor: tf.TensorInfo): Promise<Float32Array> {
  const place = placeOf(backend, tensor);
  return new Float32Array(await ("owner" in place ? readPlace(backend, place) : backend.getBufferData(place.buffer)));
}

function teachReading(backend: Backend): void {
  if (readers.has(backend)) return;
  readers.add(backend);
  const ofBuffer = backend.getBufferData.bind(backend);
  backend.getBufferData = (resource: GPUBuffer | Place) =>
    "owner" in resource ? readPlace(backend, resource) : ofBuffer(resource);
}

async function readPlace(backend: Backend, { buffer, offset, size }: Place): Promise<ArrayBuffer> {
  const staging = backend.device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.commandEncoder?.copyBufferToBuffer(buffer, offset, staging, 0, size);
  backend.submitQueue();
  await staging.mapAsync(GPUMapMode.READ);
  const values = staging.getMappedRange().slice(0);
  staging.destroy();
  return values;
}
