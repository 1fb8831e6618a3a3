/** @file Every kernel alone, on the shapes of real models. A kernel without such a shape runs its own largest case. */

import { type AnyKernel, allKernels } from "../../src/kernels/all";
import { type Device, finishWork } from "../../src/kernels/device";
import { drawInputs } from "../../src/kernels/kernelCases";
import { tf } from "../../src/kernels/tf";
import { type Measured, measure, rounded } from "../measure";
import { type KernelShape, kernelShapes, sizes } from "./kernelShapes";

/** More than a moment's work for a processor that plays a graphics card. */
const mostInSoftware = 1e8;
/** A sample is as many calls as fill this. */
const sampleMs = 25;

/**
 * Times one kernel, many calls on the same inputs: what a kernel writes in place must be fit to be its input again.
 * `shape` stands in for the kernel's own cases.
 */
export async function timeKernel(kernel: AnyKernel, shape: KernelShape): Promise<Measured> {
  const { shapes, attrs = {}, whole, packed } = shape;
  const drawn = drawInputs(
    {
      kernel: { ...kernel.kernel, cases: [{ shapes, attrs, ...(whole && { whole }), ...(packed && { packed }) }] },
    } as AnyKernel,
    0,
  );
  const inputs = Object.fromEntries(
    Object.entries(drawn).map(([name, { shape, values }]) => [
      name,
      tf.tensor(values, shape, values instanceof Int32Array ? "int32" : "float32"),
    ]),
  );
  const { derive } = kernel.kernel;
  for (const [name, tensor] of Object.entries(derive ? tf.tidy(() => derive(inputs, attrs)) : {})) {
    inputs[name]?.dispose();
    inputs[name] = tensor as tf.Tensor;
  }
  const run = (times: number) => async () => {
    for (let i = 0; i < times; i++) tf.dispose(tf.tidy(() => kernel.all(inputs, attrs)));
    await finishWork();
  };
  const output = tf.tidy(() => kernel(inputs, attrs));
  const moved = shape.bytes ?? 4 * Object.values(inputs).reduce((sum, { size }) => sum + size, output.size);
  output.dispose();
  const { ms: first } = await measure(run(1), { warmUps: 1, most: 2, budgetMs: 0 });
  const times = Math.max(1, Math.min(500, Math.round(sampleMs / first)));
  const measured = await measure(run(times), { warmUps: times > 1 ? 1 : 0, most: 5, budgetMs: 1000 }, times);
  tf.dispose(inputs);
  const perSecond = 1 / measured.ms / 1e6; // thousand millions a second for each one a call
  return {
    ...measured,
    ...(shape.operations ? { gflops: rounded(shape.operations * perSecond) } : { gbps: rounded(moved * perSecond) }),
  };
}

/** All kernels whose case name begins with `only`, as `kernel/NAME/SIZE-LABEL`. */
export async function* timeKernels(device: Device, only: string): AsyncGenerator<Measured & { case: string }> {
  const names = new Set(allKernels.map(({ kernel }) => kernel.name));
  const unknown = Object.keys(kernelShapes).filter((name) => !names.has(name));
  if (unknown.length > 0)
    throw new RangeError(`kernelShapes.ts has shapes of kernels that are no more: ${unknown.join()}`);
  for (const kernel of allKernels) {
    const { name, cases } = kernel.kernel;
    const own = cases.at(-1);
    const make = kernelShapes[name];
    const shapes = make
      ? sizes.flatMap((size) =>
          make(size).map((shape) => ({ ...shape, label: [size.label, shape.label].filter(Boolean).join("-") })),
        )
      : own
        ? [{ label: "own", ...own } as KernelShape]
        : [];
    for (const shape of shapes) {
      const title = `kernel/${name}/${shape.label}`;
      const isHere = shape.only === undefined || shape.only === device.backend;
      const isTooMuch = device.software && (shape.operations ?? 0) > mostInSoftware;
      if (!title.startsWith(only) || !isHere || isTooMuch) continue;
      yield { case: title, ...(await timeKernel(kernel, shape)) };
    }
  }
}
