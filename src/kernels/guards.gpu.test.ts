/** @file The guards of the kernel tests see what a wrong kernel does, so that their silence means something. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice } from "./device";
import { type Guards, newGuards } from "./guards";
import { defineKernel } from "./kernel";
import { tf } from "./tf";

/** y[i] = x[i + shift], for `count` numbers from y's place `first` on. */
const wrong = defineKernel({
  name: "GuardedCopy",
  inputs: ["x"],
  reference: ({ x }: { x: tf.Tensor1D }, _: { first: number; count: number; shift: number }) => tf.clone(x),
  gpu: ({ x }, { first, count, shift }) => ({
    outputShape: x.shape,
    workgroups: [1, 1, 1],
    uniforms: {
      first: { type: "int32", value: first },
      count: { type: "int32", value: count },
      shift: { type: "int32", value: shift },
    },
    wgsl: () => `
      fn main() {
        if (localId.x != 0u) { return; }
        for (var i = uniforms.first; i < uniforms.first + uniforms.count; i++) { result[i] = x[i + uniforms.shift]; }
      }`,
  }),
  cases: [],
});

describe("guards on WebGPU", () => {
  let guards: Guards;
  let failure: Error | undefined;
  beforeAll(async () => {
    const device = await openDevice("webgpu");
    void device.lost.then((error) => {
      failure = error;
    });
    guards = newGuards();
  });
  afterAll(() => {
    guards.remove();
    expect(failure).toBeUndefined();
  });

  const copy = async (attrs: { first: number; count: number; shift: number }) => {
    const x = tf.tensor1d(Float32Array.from({ length: 12 }, (_, i) => i));
    const y = wrong({ x }, attrs);
    const values = Array.from(await y.data());
    tf.dispose([x, y]);
    return { values, breaches: await guards.check() };
  };

  it("are silent about a kernel that stays within its tensors", async () => {
    const { values, breaches } = await copy({ first: 0, count: 12, shift: 0 });
    expect(values).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(breaches).toEqual([]);
  });

  it("see one number written past the end, or before the start", async () => {
    expect((await copy({ first: 1, count: 12, shift: -1 })).breaches).toEqual([{ size: 12, at: 12 }]);
    expect((await copy({ first: -1, count: 13, shift: 1 })).breaches).toEqual([{ size: 12, at: -1 }]);
  });

  it("show one number read past the end, or before the start, and one not written", async () => {
    expect((await copy({ first: 0, count: 12, shift: 1 })).values.map(Number.isNaN).indexOf(true)).toBe(11);
    expect((await copy({ first: 0, count: 12, shift: -1 })).values.map(Number.isNaN).indexOf(true)).toBe(0);
    expect((await copy({ first: 0, count: 11, shift: 0 })).values.map(Number.isNaN).indexOf(true)).toBe(11);
  });
});
