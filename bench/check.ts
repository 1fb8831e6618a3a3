/**
 * @file Every kernel's cases on the graphics adapter that Dawn finds, in each way that its features allow, against the
 * meaning: npm run bench:gpu -- --check [--only PREFIX]. The browser of `npm test` has an adapter without f16.
 */

import { newRandom } from "../src/core/random";
import { describeAdapter, type Traits } from "../src/kernels/adapter";
import { type AnyKernel, allKernels } from "../src/kernels/all";
import { openDevice } from "../src/kernels/device";
import { newGuards } from "../src/kernels/guards";
import { type Outcome, outcome, relativeError } from "../src/kernels/kernelCases";
import { linear, linearBack } from "../src/kernels/linear";
import { anyShape, chooseProducts, isHalf, type Variant } from "../src/kernels/product";
import { loadStockGradients, tf } from "../src/kernels/tf";
import { newWeight } from "../src/kernels/weight";
import { watchDevice } from "./watchDevice";

type Named = { kernel: AnyKernel; at: number; name: string };
/** `variant` is that of the products with packed weights, and the cases are theirs alone. */
type Way = { label: string; traits: Traits; variant?: Variant };

/** In f16 and in f32: outputs, and gradients. */
const allowed = { half: [2e-3, 2e-3], single: [2e-5, 5e-5] } as const;
/** No f16 is as exact as this: whoever is has not used it. */
const leastOfHalf = 1e-4;

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

/**
 * What f16 alone cannot hold: rows of gradients far below its smallest number and of activations far above its largest,
 * one number of a row a thousand times the others, and rows of zeros. Every row is held to f32's, not their joint norm.
 */
async function checkRange(say: (text: string) => void): Promise<number> {
  const [rows, width, outs] = [77, 200, 96];
  const random = newRandom(7);
  const values = Float32Array.from({ length: rows * width }, (_, i) => {
    const [row, col] = [Math.floor(i / width), i % width];
    const size = row % 11 === 10 ? 0 : 10 ** (3 * (row % 11) - 14);
    return random.normal() * size * (row % 2 === 1 && col === 5 ? 1000 : 1);
  });
  const numbers = Float32Array.from({ length: outs * width }, () => random.normal() * 0.03);
  describeAdapter({ software: false, halves: true });
  let wrong = 0;
  for (const format of ["f16", "nf4"] as const) {
    for (const kind of ["forward", "back"] as const) {
      const w = newWeight(numbers, kind === "forward" ? [outs, width] : [width, outs], format);
      const product = async (variant: Variant) => {
        chooseProducts({ [anyShape]: variant });
        const x = tf.tensor2d(values, [rows, width]);
        const y = kind === "forward" ? linear(x, w) : linearBack(x, w);
        const read = (await y.data()) as Float32Array;
        tf.dispose([x, y]);
        return read;
      };
      const want = await product("tile4");
      for (const variant of ["half4", "half2"] as const) {
        const got = await product(variant);
        const cols = want.length / rows;
        const errors = Array.from({ length: rows }, (_, row) =>
          relativeError(got.slice(row * cols, (row + 1) * cols), want.slice(row * cols, (row + 1) * cols)),
        );
        const worst = Math.max(...errors);
        if (!(worst > leastOfHalf && worst < allowed.half[0])) wrong++;
        say(`rows from 1e-14 to 1e13, ${format} ${kind} ${variant}: error ${worst.toExponential(1)} at most`);
      }
      w.values.dispose();
    }
  }
  return wrong;
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
  if (device.features.includes("shader-f16")) failed += await checkRange(say);
  await throwIfFailed();
  return failed;
}
