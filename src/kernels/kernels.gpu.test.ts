/** @file Every kernel's cases in a real browser: on WebGPU and on threaded WebAssembly, against the meaning. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allKernels } from "./all";
import { type Device, deviceMemory, openDevice } from "./device";
import { type Outcome, outcome, relativeError } from "./kernelCases";
import { kernels as linearKernels } from "./linear";
import { chooseProducts } from "./product";
import { loadStockGradients } from "./tf";

const expected = new Map<string, Outcome>();
const cases = allKernels.flatMap((kernel) =>
  kernel.kernel.cases.map((_, at) => ({ kernel, at, name: `${kernel.kernel.name} ${at}` })),
);

beforeAll(async () => {
  await loadStockGradients();
  await openDevice("cpu");
  for (const { kernel, at, name } of cases) expected.set(name, await outcome(kernel, at, "reference"));
});

async function expectMeaning({ kernel, at, name }: (typeof cases)[number]) {
  const { y, gradients } = await outcome(kernel, at, "own");
  const want = expected.get(name)!;
  expect(relativeError(y, want.y)).toBeLessThan(2e-5);
  expect(Object.keys(gradients)).toEqual(Object.keys(want.gradients));
  for (const [input, values] of Object.entries(gradients)) {
    expect.soft(relativeError(values, want.gradients[input]!), `gradient of ${input}`).toBeLessThan(5e-5);
  }
}

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

  it.each(cases)("$name", async (each) => {
    await expectMeaning(each);
    expect(failure).toBeUndefined();
  });
});

// What a graphics card runs, which the software adapter of a test would not choose.
describe("webgpu, products through workgroup memory", () => {
  beforeAll(async () => {
    await openDevice("webgpu");
    chooseProducts({ software: false });
  });
  const products = new Set(linearKernels.map(({ kernel }) => kernel.name));
  it.each(cases.filter(({ kernel }) => products.has(kernel.kernel.name)))("$name", expectMeaning);
});
