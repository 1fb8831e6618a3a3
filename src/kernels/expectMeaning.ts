/** @file The one comparison of a kernel on a backend with its meaning, for the tests that walk all cases. */

import { expect } from "vitest";
import { type AnyKernel, allKernels } from "./all";
import { openDevice } from "./device";
import { newGuards } from "./guards";
import { type Outcome, outcome, relativeError } from "./kernelCases";
import { loadStockGradients } from "./tf";

export type NamedCase = { kernel: AnyKernel; at: number; name: string };

/** Every case of every kernel. */
export const allCases: NamedCase[] = allKernels.flatMap((kernel) =>
  kernel.kernel.cases.map((_, at) => ({ kernel, at, name: `${kernel.kernel.name} ${at}` })),
);

const meanings = new Map<string, Outcome>();

/** What the cases mean, by plain JavaScript and autodiff. To be called once, before the device under test opens. */
export async function loadMeanings(cases = allCases): Promise<void> {
  await loadStockGradients();
  await openDevice("cpu");
  for (const { kernel, at, name } of cases) meanings.set(name, await outcome(kernel, at, "reference"));
}

/** Expects of the current device the outputs within 2e-5 of the meaning, and the gradients within 5e-5 of autodiff's. */
export async function expectMeaning({ kernel, at, name }: NamedCase): Promise<void> {
  const want = meanings.get(name);
  if (!want) throw new RangeError(name);
  const { y, gradients } = await outcome(kernel, at, "own");
  expect(relativeError(y, want.y)).toBeLessThan(2e-5);
  expect(Object.keys(gradients)).toEqual(Object.keys(want.gradients));
  for (const [input, values] of Object.entries(gradients)) {
    expect.soft(relativeError(values, want.gradients[input] ?? []), `gradient of ${input}`).toBeLessThan(5e-5);
  }
}

/** That, with all tensors between guards, none of which may change. */
export async function expectMeaningInBounds(named: NamedCase): Promise<void> {
  const guards = newGuards();
  try {
    await expectMeaning(named);
    expect(await guards.check()).toEqual([]);
  } finally {
    guards.remove();
  }
}
