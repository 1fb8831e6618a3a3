/** @file Every kernel's cases in Node, on threaded WebAssembly (between guards) and plain JavaScript, against the meaning. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceMemory, openDevice } from "./device";
import { allCases, expectMeaningInBounds, loadMeanings } from "./expectMeaning";

beforeAll(() => loadMeanings(), 300_000);

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

  it.each(allCases)("$name", expectMeaningInBounds);
});
