/**
 * @file What a system does on its device, whoever wrote it: dispatches and submits of WebGPU, and the most bytes it
 * held: live GPU buffers, or WebAssembly memories (which never shrink). Counted by standing before the host's own
 * functions, so it must be installed before the system is loaded.
 */

export const counts = { dispatches: 0, submits: 0 };

const gpu = { bytes: 0, peak: 0 };
const memories: WebAssembly.Memory[] = [];

/** The most bytes held on the device since the start, or since the last `forgetPeak`. */
export function peakBytes(): number {
  return gpu.peak + memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}

export function forgetPeak(): void {
  gpu.peak = gpu.bytes;
}

/** Calls `seen` after each call of a host's method. */
function watch(prototype: object, name: string, seen: (self: object, result: unknown) => void): void {
  const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
  Reflect.set(prototype, name, function (this: object, ...args: unknown[]) {
    const result = original.apply(this, args);
    seen(this, result);
    return result;
  });
}

export function installCounters(): void {
  const host = globalThis as Partial<typeof globalThis>;
  if (host.GPUQueue && host.GPUComputePassEncoder && host.GPUDevice && host.GPUBuffer) {
    watch(host.GPUComputePassEncoder.prototype, "dispatchWorkgroups", () => {
      counts.dispatches += 1;
    });
    watch(host.GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", () => {
      counts.dispatches += 1;
    });
    watch(host.GPUQueue.prototype, "submit", () => {
      counts.submits += 1;
    });
    const live = new WeakMap<object, number>();
    watch(host.GPUDevice.prototype, "createBuffer", (_, buffer) => {
      const { size } = buffer as GPUBuffer;
      live.set(buffer as GPUBuffer, size);
      gpu.bytes += size;
      gpu.peak = Math.max(gpu.peak, gpu.bytes);
    });
    watch(host.GPUBuffer.prototype, "destroy", (buffer) => {
      gpu.bytes -= live.get(buffer) ?? 0;
      live.delete(buffer);
    });
  }
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct: (target, args: [WebAssembly.MemoryDescriptor]) => {
      const memory = new target(...args);
      memories.push(memory);
      return memory;
    },
  });
}
