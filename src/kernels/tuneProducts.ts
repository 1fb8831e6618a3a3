/**
 * @file Which variant of a product is the fastest on this graphics card: each is timed once on the model's own shapes.
 */

import { weightFormats, wordsOf } from "../core/packing";
import type { Turns } from "../core/turns";
import { finishWork } from "./device";
import { linear, linearBack, linearWeight, plain } from "./linear";
import { candidates, chooseVariant, isHalf, type ProductShape, shapeKey, type Variant } from "./product";
import { tf } from "./tf";
import type { Weight } from "./weight";

/** A sample is as many calls as fill this, and the best of three counts. */
const sampleMs = 2;
const samples = 3;
/** So much faster must a product in f16 be than the best in f32 to be taken: it costs some of the result's precision. */
const worthHalf = 0.9;

/**
 * Times what is not yet in `known`, a shape at a time and in turn with other work, and from then on uses what was
 * fastest. Returns all that is known now, by `shapeKey`. Throws the signal's reason when aborted.
 */
export async function tuneProducts(
  shapes: readonly ProductShape[],
  known: Record<string, string>,
  turns: Turns,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const found = { ...known };
  for (const shape of shapes) {
    const key = shapeKey(shape);
    if (found[key] !== undefined) continue;
    const fastest = await turns(() => {
      signal.throwIfAborted(); // another device may be in use by now
      return fastestOf(shape);
    });
    found[key] = fastest;
    chooseVariant(shape, fastest);
  }
  return found;
}

async function fastestOf(shape: ProductShape): Promise<Variant> {
  const { run, dispose } = newProduct(shape);
  const times: { variant: Variant; ms: number }[] = [];
  try {
    for (const variant of candidates(shape)) {
      chooseVariant(shape, variant);
      times.push({ variant, ms: await timeOf(run) });
    }
  } finally {
    dispose();
  }
  return fastest(times);
}

/** The fastest of what was timed, and in f16 only where that is clearly faster. */
export function fastest(times: readonly { variant: Variant; ms: number }[]): Variant {
  const best = (half: boolean) =>
    times
      .filter(({ variant }) => isHalf(variant) === half)
      .reduce<{ variant: Variant; ms: number } | undefined>((a, b) => (a && a.ms <= b.ms ? a : b), undefined);
  const [single, half] = [best(false), best(true)];
  if (half && (!single || half.ms < worthHalf * single.ms)) return half.variant;
  return single?.variant ?? "tile1";
}

async function timeOf(run: () => void): Promise<number> {
  const sample = async (calls: number) => {
    const from = performance.now();
    for (let i = 0; i < calls; i++) run();
    await finishWork();
    return (performance.now() - from) / calls;
  };
  await sample(1); // compiles
  const calls = Math.max(1, Math.min(50, Math.round(sampleMs / (await sample(1)))));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < samples; i++) best = Math.min(best, await sample(calls));
  return best;
}

/** The product alone, on numbers that are all zero. */
function newProduct({ rows, cols, depth, kind, format }: ProductShape): { run: () => void; dispose: () => void } {
  const name = weightFormats[format] ?? "f32";
  const weight = (out: number, width: number): Weight =>
    name === "f32"
      ? plain(tf.zeros([out, width]))
      : { format: name, width, values: tf.zeros([out, wordsOf(name, width)], "int32") };
  if (kind === "weight") {
    const [dy, x] = [tf.zeros<tf.Rank.R2>([depth, rows]), tf.zeros<tf.Rank.R2>([depth, cols])];
    return { run: () => linearWeight(dy, x).dispose(), dispose: () => tf.dispose([dy, x]) };
  }
  const x = tf.zeros<tf.Rank.R2>([rows, depth]);
  const w = kind === "forward" ? weight(cols, depth) : weight(depth, cols);
  const multiply = kind === "forward" ? linear : linearBack;
  return { run: () => multiply(x, w).dispose(), dispose: () => tf.dispose([x, w.values]) };
}
