/** @file The benchmark in a browser's worker: kernels against their meaning, then training steps; results are posted. */

import { allKernels } from "../src/kernels/all";
import { openDevice } from "../src/kernels/device";
import { outcome, relativeError } from "../src/kernels/kernelCases";
import { loadStockGradients } from "../src/kernels/tf";
import { benchmark } from "./train";

type Work = { backend: "wasm" | "webgpu"; steps: number; check: boolean };

/** The largest relative error of each kernel on the backend, outputs and gradients. */
async function checkKernels(backend: Work["backend"]): Promise<Record<string, number>> {
  await loadStockGradients();
  const cases = allKernels.flatMap((kernel) => kernel.kernel.cases.map((_, at) => ({ kernel, at })));
  await openDevice("cpu");
  const expected = [];
  for (const { kernel, at } of cases) expected.push(await outcome(kernel, at, "reference"));
  const device = await openDevice(backend);
  void device.lost.then((error) => postMessage({ lost: error.message }));
  const errors: Record<string, number> = {};
  for (const [i, { kernel, at }] of cases.entries()) {
    const got = await outcome(kernel, at, "own");
    const want = expected[i]!;
    const all = [relativeError(got.y, want.y)];
    for (const [name, values] of Object.entries(want.gradients))
      all.push(relativeError(got.gradients[name] ?? [], values));
    const worst = all.some(Number.isNaN) ? Number.NaN : Math.max(...all);
    const { name } = kernel.kernel;
    errors[name] = Number.isNaN(worst) ? worst : Math.max(errors[name] ?? 0, worst);
  }
  return errors;
}

onmessage = async ({ data }: MessageEvent<Work>) => {
  try {
    if (data.check) postMessage({ errors: await checkKernels(data.backend) });
    if (data.steps > 0) postMessage({ benchmark: await benchmark(data.backend, data.steps) });
    postMessage({ done: true });
  } catch (error) {
    postMessage({ failed: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error) });
  }
};
