/** @file Every kernel's cases in a real browser, between guards: on WebGPU and on WebAssembly, against the meaning. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kernels as adamKernels } from "./adamW";
import { kernels as adaptedKernels } from "./adaptedNorms";
import { describeAdapter } from "./adapter";
import { kernels as lossKernels } from "./crossEntropy";
import { type Device, deviceMemory, openDevice } from "./device";
import { allCases, expectMeaningInBounds, loadMeanings } from "./expectMeaning";
import { kernels as flashKernels } from "./flashAttention";
import { kernels as layerKernels } from "./layerNorm";
import { kernels as linearKernels } from "./linear";
import { kernels as loraKernels } from "./lora";
import { kernels as normKernels } from "./rmsNorm";
import { kernels as sumKernels } from "./sumRows";

beforeAll(() => loadMeanings(), 300_000);

describe.each(["wasm", "webgpu"] as const)("%s", (backend) => {
  let device: Device;
  let before = 0;
  let failure: Error | undefined;
  beforeAll(async () => {
    device = await openDevice(backend);
    void device.lost.then((error) => {
      failure = error;
    });
    before = deviceMemory().tensors;
  });
  afterAll(() => {
    expect(failure).toBeUndefined();
    expect(deviceMemory().tensors).toBe(before);
  });

  it("says what it is", () => {
    expect(device.backend).toBe(backend);
    if (backend === "wasm") expect(device.threads).toBe(Math.min(navigator.hardwareConcurrency, 8));
    else expect(device.adapter).not.toBe("");
  });

  // The rest is made for the CPU. On WebGPU it would run as tfjs' own ops, whose matMul reads beyond its inputs.
  const cases = allCases.filter(({ kernel: { kernel } }) => backend === "wasm" || kernel.gpu || kernel.compose);
  it.each(cases)("$name", async (each) => {
    await expectMeaningInBounds(each);
    expect(failure).toBeUndefined();
  });
});

// What a graphics card runs, which the software adapter of a test would not choose. That adapter has subgroups of four,
// and no f16: bench/check.ts is for an adapter that has both.
const joining = [...normKernels, ...sumKernels, ...layerKernels, ...adaptedKernels, ...lossKernels, ...adamKernels];
describe.each([
  {
    how: "without subgroups",
    subgroups: false,
    differing: [...linearKernels, ...loraKernels, ...flashKernels, ...joining],
  },
  { how: "with subgroups", subgroups: true, differing: joining },
])("webgpu, as a graphics card runs it $how", ({ subgroups, differing }) => {
  beforeAll(async () => {
    const { features } = await openDevice("webgpu");
    if (subgroups) expect(features).toContain("subgroups");
    describeAdapter({ software: false, subgroups });
  });
  const names = new Set(differing.map(({ kernel }) => kernel.name));
  it.each(allCases.filter(({ kernel }) => names.has(kernel.kernel.name)))("$name", expectMeaningInBounds);
});
