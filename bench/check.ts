/**
 * @file Every kernel's cases on the graphics adapter that Dawn finds, in each way that its features allow, against the
 * meaning: npm run bench:gpu -- --check [--only PREFIX]. The browser of `npm test` has an adapter without f16.
 */

import { describeAdapter, type Traits } from "../src/kernels/adapter";
import { type AnyKernel, allKernels } from "../src/kernels/all";
import { openDevice } from "../src/kernels/device";
import { newGuards } from "../src/kernels/guards";
import { type Outcome, outcome, relativeError } from "../src/kernels/kernelCases";
import { anyShape, chooseProducts, isHalf, type Variant } from "../src/kernels/product";
import { loadStockGradients } from "../src/kernels/tf";
import { watchDevice } from "./watchDevice";

type Named = { kernel: AnyKernel; at: number; name: string };
/** `variant` is that of the products with packed weights, and the cases are theirs alone. */
type Way = { label: string; traits: Traits; variant?: Variant };

/** In f16 and in f32: outputs, and gradients. */
const allowed = { half: [2e-3, 2e-3], single: [2e-5, 5e-5] } as const;

/** What the kernels' sources differ by, as far as the device has it. */
function listWays({ software }: { software: boolean }, features: readonly string[]): Way[] {
  const subgroups = features.includes("subgroups");
  const halves = features.includes("shader-f16");
  const bySubgroups = (software: boolean, kind: string) =>
    subgroups ? [{ label: `${kind}, subgroups`, traits: { software, subgroups } }] : [];
  return [
    ...(software ? [{ label: "as a software adapter", traits: { software } }] : []),
    ...(software ? bySubgroups(true, "as a software adapter") : []),
    { label: "as a graphics card", traits: { software: false } },
    ...bySubgroups(false, "as a graphics card"),
    ...(halves ? (["half4", "half2"] as const) : []).map((variant) => ({
      label: `as a graphics card, f16 (${variant})${subgroups ? ", subgroups" : ""}`,
      traits: { software: false, subgroups, halves },
      variant,
    })),
  ];
}

const isPacked = ({ kernel, at }: Named): boolean =>
  Object.values(kernel.kernel.cases[at]?.packed ?? {}).some((format) => Number(format) > 0);

/** What differs in one case, in words, and the largest relative error. */
async function compare(named: Named, want: Outcome, way: Way): Promise<{ worst: number; wrong: string[] }> {
  const { kernel, at } = named;
  const guards = newGuards();
  const wrong: string[] = [];
  let worst = 0;
  try {
    const { y, gradients } = await outcome(kernel, at, "own");
    const [most, mostOfGradient] = allowed[way.variant && isHalf(way.variant) && isPacked(named) ? "half" : "single"];
    const look = (what: string, got: Float32Array, wanted: Float32Array | undefined, bound: number) => {
      const error = relativeError(got, wanted ?? []);
      worst = Math.max(worst, error);
      if (!(error < bound)) wrong.push(`${what} ${error.toExponential(2)}`);
    };
    look("y", y, want.y, most);
    for (const [name, values] of Object.entries(gradients))
      look(`d${name}`, values, want.gradients[name], mostOfGradient);
    const breaches = await guards.check();
    if (breaches.length > 0) wrong.push(`wrote outside of its tensors: ${JSON.stringify(breaches.slice(0, 3))}`);
  } finally {
    guards.remove();
  }
  return { worst, wrong };
}

/** Walks all cases whose names begin with `only`; returns how many failed. Throws where the device was lost. */
export async function checkKernels(gpu: GPU, only: string, say: (text: string) => void): Promise<number> {
  const cases: Named[] = allKernels
    .filter(({ kernel }) => kernel.gpu ?? kernel.compose)
    .flatMap((kernel) => kernel.kernel.cases.map((_, at) => ({ kernel, at, name: `${kernel.kernel.name} ${at}` })))
    .filter(({ name }) => name.startsWith(only));
  if (cases.length === 0) throw new RangeError(`No kernel's case begins with ${only}`);
  await loadStockGradients();
  await openDevice("cpu");
  const meanings = new Map<string, Outcome>();
  for (const { kernel, at, name } of cases) meanings.set(name, await outcome(kernel, at, "reference"));

  const device = await openDevice("webgpu", { gpu });
  const throwIfFailed = watchDevice(device);
  say(`${device.adapter}: ${device.features.join(", ")}`);
  let failed = 0;
  for (const way of listWays(device, device.features)) {
    describeAdapter(way.traits);
    chooseProducts(way.variant ? { [anyShape]: way.variant } : {});
    const results: { worst: number; wrong: string[] }[] = [];
    for (const named of way.variant ? cases.filter(isPacked) : cases) {
      const want = meanings.get(named.name);
      if (!want) continue;
      const result = await compare(named, want, way);
      await throwIfFailed();
      results.push(result);
      if (result.wrong.length > 0) say(`  ${named.name}: ${result.wrong.join("; ")}`);
    }
    const wrong = results.filter(({ wrong }) => wrong.length > 0).length;
    const worst = Math.max(0, ...results.map(({ worst }) => worst));
    say(`${way.label}: ${results.length - wrong} of ${results.length} cases, error ${worst.toExponential(1)} at most`);
    failed += wrong;
  }
  return failed;
}
