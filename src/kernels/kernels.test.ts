/** @file Every kernel's cases in Node: on threaded WebAssembly and on plain JavaScript, against the meaning. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allKernels } from "./all";
import { deviceMemory, openDevice } from "./device";
import { type Outcome, outcome, relativeError } from "./kernelCases";
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

describe.each(["cpu", "wasm"] as const)("%s", (backend) => {
  beforeAll(async () => {
    const device = await openDevice(backend);
    expect(device.backend).toBe(backend);
  });
  let before = 0;
  beforeAll(() => {
    before = deviceMemory().tensors;
  });
  afterAll(() => {
    expect(deviceMemory().tensors).toBe(before);
  });

  it.each(cases)("$name", async ({ kernel, at, name }) => {
    const { y, gradients } = await outcome(kernel, at, "own");
    const want = expected.get(name)!;
    expect(relativeError(y, want.y)).toBeLessThan(2e-5);
    expect(Object.keys(gradients)).toEqual(Object.keys(want.gradients));
    for (const [input, values] of Object.entries(gradients)) {
      expect.soft(relativeError(values, want.gradients[input]!), `gradient of ${input}`).toBeLessThan(5e-5);
    }
  });
});
