/** @file Our own engine's cases, in a browser's worker or in Node. */

import { type Device, type DeviceWishes, openDevice, wasmBackend } from "../src/kernels/device";
import { timeDecoderStep } from "./cases/decoderStep";
import { timeGeneration } from "./cases/generation";
import { timeKernels } from "./cases/kernels";
import { timeLoraStep } from "./cases/loraStep";
import { forgetPeak, peakBytes } from "./counters";
import type { Figure, Measured } from "./measure";
import { shapeOf } from "./shapes";
import type { Unit } from "./units.mjs";
import { watchDevice } from "./watchDevice";

/** Figures of a unit. Throws where the device was lost, or a kernel failed on it: then no figure can be believed. */
export async function* timeAnneal(unit: Unit, wishes: DeviceWishes = {}): AsyncGenerator<Figure> {
  forgetPeak();
  const device = await openDevice(unit.backend, wishes);
  const throwIfFailed = watchDevice(device);
  const used = watchHeap();
  const label = { system: "anneal", backend: unit.backend, threads: device.threads } as const;
  for await (const measured of timeUnit(unit, device)) {
    await throwIfFailed();
    const memory = { peakBytes: peakBytes(), ...(used.peak > 0 && { usedBytes: used.peak }) };
    yield { ...label, ...measured, ...(unit.name !== "kernel/" && memory) };
  }
}

async function* timeUnit({ name, only }: Unit, device: Device): AsyncGenerator<Measured & { case: string }> {
  if (name === "kernel/") yield* timeKernels(device, only);
  else if (name === "decoder-step/tiny") yield { case: name, ...(await timeDecoderStep(shapeOf(name))) };
  else if (name.startsWith("lora-step/")) {
    const isBig = name.includes("135m");
    const few = device.software ? { warmUps: 1, most: 1, budgetMs: 0 } : { warmUps: 1, most: 5, budgetMs: 12_000 };
    const patience = isBig ? few : {};
    yield { case: name, ...(await timeLoraStep(shapeOf(name), patience)) };
  } else {
    const rows = Number(name.split("/")[1]);
    yield { case: name, ...(await timeGeneration(shapeOf("lora-step/embedded"), rows)) };
  }
}

/** The most bytes of tensors on the CPU path, looked up after every call of a kernel. */
function watchHeap(): { peak: number } {
  const used = { peak: 0 };
  const backend = wasmBackend();
  if (!backend) return used;
  const call = backend.call.bind(backend);
  backend.call = (request, inputs) => {
    const output = call(request, inputs);
    used.peak = Math.max(used.peak, backend.heapBytes().used);
    return output;
  };
  return used;
}
