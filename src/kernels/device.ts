/** @file Which device the engine runs on, and why: WebGPU, threaded SIMD WebAssembly, or plain JavaScript. */

import type { BackendChoice } from "../core/engine";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { describeAdapter } from "./adapter";
import { type Backend, trimBuffers } from "./dispatch";
import { chooseProducts } from "./product";
import "./stockGradients";
import { loadWebGPU, tf } from "./tf";
import { newWasmBackend, WasmBackend } from "./wasmBackend";

export type { BackendChoice } from "../core/engine";

export type Device = {
  backend: "webgpu" | "wasm" | "cpu";
  /** The graphics adapter's own name; empty on the CPU. */
  adapter: string;
  /** A graphics adapter that computes on the CPU. */
  software: boolean;
  threads: number;
  features: string[];
  /** The largest single buffer. */
  maxBufferBytes: number;
  /** Why this backend, in one sentence. */
  reason: Said;
  /** Resolves when the device can no longer be trusted: it was lost, or a kernel failed on it. */
  lost: Promise<StudioError>;
};

export type DeviceWishes = {
  /** WebGPU's entry point, where it is not `navigator.gpu` (Dawn in Node). */
  gpu?: GPU;
  /** How many threads at most; as many as the host has cores, up to eight, where not said. */
  threads?: number;
};

const never = new Promise<StudioError>(() => undefined);

/**
 * Opens a device and makes it the one that everything runs on. `auto` prefers a graphics card, then WebAssembly, then
 * JavaScript. Throws `gpu.unavailable` where a backend was chosen that this host does not have.
 */
export async function openDevice(choice: BackendChoice, wishes: DeviceWishes = {}): Promise<Device> {
  if (choice === "cpu") return openCpu(say`Plain JavaScript was chosen.`);
  if (choice === "wasm") return openWasm(say`WebAssembly was chosen.`, wishes);
  const gpu = wishes.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  const found = await findAdapter(gpu);
  if (choice === "webgpu") {
    if (!found.adapter) throw new StudioError("gpu.unavailable", found.reason);
    return openWebGPU(found.adapter, found.software ? say`A software adapter was chosen.` : say`WebGPU was chosen.`);
  }
  if (found.adapter && !found.software) return openWebGPU(found.adapter, say`A graphics card is there.`);
  const why = found.adapter
    ? say`The only graphics adapter computes on the CPU, where WebAssembly is faster.`
    : say`${found.reason} WebAssembly is next.`;
  try {
    return await openWasm(why, wishes);
  } catch (error) {
    return openCpu(say`${found.reason} WebAssembly does not run here (${String(error)}).`);
  }
}

type Found = { adapter: GPUAdapter | null; software: boolean; reason: Said };

async function findAdapter(gpu: GPU | undefined): Promise<Found> {
  if (!gpu) return { adapter: null, software: false, reason: say`This host has no WebGPU.` };
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return { adapter: null, software: false, reason: say`WebGPU finds no graphics adapter.` };
  return { adapter, software: isSoftware(adapter), reason: say`` };
}

/** SwiftShader, llvmpipe and their like: drivers that compute on the CPU. */
function isSoftware({ info }: GPUAdapter): boolean {
  const flagged = (info as GPUAdapterInfo & { isFallbackAdapter?: boolean }).isFallbackAdapter;
  return flagged || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(adapterName(info));
}

function adapterName(info: GPUAdapterInfo): string {
  const parts = [info.description, info.vendor, info.architecture, info.device];
  return [...new Set(parts.filter((part) => part !== ""))].join(" ");
}

const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"] as const;

async function openWebGPU(adapter: GPUAdapter, reason: Said): Promise<Device> {
  const features = wantedFeatures.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const device = await adapter.requestDevice({
    requiredFeatures: features,
    requiredLimits: allLimits(adapter.limits),
  });
  describeAdapter({
    software: isSoftware(adapter),
    subgroups: device.features.has("subgroups"),
    halves: device.features.has("shader-f16"),
  });
  chooseProducts({});
  const { WebGPUBackend } = await loadWebGPU();
  if (isRegistered("webgpu")) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapter.info), 3);
  tf.env().set("WEBGPU_CPU_FORWARD", false); // Small tensors must not quietly run elsewhere.
  await activate("webgpu");
  const lost = new Promise<StudioError>((resolve) => {
    device.addEventListener("uncapturederror", ({ error }) => {
      resolve(new StudioError("gpu.failed", say`${error.message}`));
    });
    void device.lost.then(({ reason, message }) => {
      resolve(new StudioError("gpu.lost", say`${reason}: ${message}`));
    });
  });
  return {
    backend: "webgpu",
    adapter: adapterName(adapter.info),
    software: isSoftware(adapter),
    threads: 1,
    features: [...features],
    maxBufferBytes: Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize),
    reason,
    lost,
  };
}

/** Every limit at the adapter's best. */
function allLimits(limits: GPUSupportedLimits): Record<string, number> {
  const best: Record<string, number> = {};
  for (const key in limits) {
    const value: unknown = limits[key as keyof GPUSupportedLimits];
    if (typeof value === "number" && value > 0) best[key] = value;
  }
  return best;
}

async function openWasm(reason: Said, { threads }: DeviceWishes): Promise<Device> {
  const backend = await newWasmBackend(threads);
  if (isRegistered("wasm")) tf.removeBackend("wasm");
  tf.registerBackend("wasm", () => backend, 2);
  await activate("wasm");
  const features = ["simd", ...(backend.relaxed ? ["relaxed-simd"] : []), ...(backend.threads > 1 ? ["threads"] : [])];
  const maxBufferBytes = 2 ** 31 - 65536;
  const base = { adapter: "", software: false, reason, lost: never };
  return { ...base, backend: "wasm", threads: backend.threads, features, maxBufferBytes };
}

async function openCpu(reason: Said): Promise<Device> {
  await activate("cpu");
  Reflect.set(tf.backend(), "firstUse", false); // else tfjs prints an advertisement for another package
  const base = { adapter: "", software: false, features: [], reason, lost: never };
  return { ...base, backend: "cpu", threads: 1, maxBufferBytes: 2 ** 31 - 65536 };
}

/** tfjs types the factory as always there. */
function isRegistered(name: Device["backend"]): boolean {
  return (tf.findBackendFactory(name) as unknown) !== null;
}

async function activate(name: Device["backend"]): Promise<void> {
  if (!(await tf.setBackend(name))) throw new StudioError("gpu.unavailable", say`The ${name} backend did not start`);
  await tf.ready();
}

/** What the engine holds on the device now. */
export function deviceMemory(): { tensors: number; bytes: number } {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes };
}

/**
 * Bytes that tensors took at the highest since `restart` was last said; null where the device does not tell. Frozen
 * weights are among them.
 */
export function memoryPeak(restart = false): number | null {
  return wasmBackend()?.heapPeak(restart) ?? null;
}

/** Waits until the device has done all that it was told; the CPU path has when it returns. */
export async function finishWork(): Promise<void> {
  if (tf.getBackend() !== "webgpu") return;
  const backend = tf.backend() as unknown as Backend;
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.device.queue.onSubmittedWorkDone();
}

/** Gives back to the host what was freed and is kept to be used again: for the end of a job. */
export function trimMemory(): void {
  if (tf.getBackend() === "webgpu") trimBuffers(tf.backend());
}

/** The CPU path's backend, where it is the one in use. */
export function wasmBackend(): WasmBackend | null {
  const backend = tf.backend();
  return backend instanceof WasmBackend ? backend : null;
}
