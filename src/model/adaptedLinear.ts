/** @file A stack of linear layers with all that an adapter adds to it. */

import { type StackName } from "../core/adapter";
import { seedFor } from "../core/random";
import { adaptedNorms } from "../kernels/adaptedNorms";
import { addBias } from "../kernels/bias";
import { linear } from "../kernels/linear";
import { loraLinear } from "../kernels/lora";
import { scaleColumns } from "../kernels/scaleColumns";
import { offTape, tf } from "../kernels/tf";
import type { Weight } from "../kernels/weight";
import type { Adapter } from "./adapterParts";
import { ia3Input, ia3Output, joinedOr } from "./adapters/ia3";
import type { LoraStack } from "./adapters/lora";
import { stackPath } from "./adapters/method";
import type { Layer } from "./llama";

/**
 * x · wᵀ + bias of a stack, and what is beside it: [N, in] → [N, out]. Dropout only where a seed is given; one draw
 * serves all layers of the stack.
 */
export function adaptedLinear(
  x: tf.Tensor2D,
  { stacks, biases }: Layer,
  adapter: Adapter | null,
  layer: number,
  stack: StackName,
  dropoutSeed: number | undefined,
): tf.Tensor2D {
  const weight = stacks[stack];
  if (!adapter) return addBias(linear(x, weight), biases[stack]);
  const { lora, ia3 } = adapter.parts;
  const path = stackPath(layer, stack);
  const given = ia3Input(ia3 ?? null, path, x);
  const pair = lora?.stacks.get(path);
  const p = lora?.dropout ?? 0;
  const dropout = p > 0 && dropoutSeed !== undefined ? { dropout: { p, seed: seedFor(dropoutSeed, path) } } : {};
  const y = pair
    ? lengthened(
        loraLinear(given, weight, pair.pairs, { scale: pair.scale, rows: pair.rows, ...dropout }),
        weight,
        pair,
      )
    : linear(given, weight);
  return ia3Output(ia3 ?? null, path, addBias(y, biases[stack]));
}

/** DoRA: each number of y by m / ‖V‖ of its row, the norm taken for a constant as PEFT does. */
function lengthened(y: tf.Tensor2D, weight: Weight, { pairs, rows, scale, dora }: LoraStack): tf.Tensor2D {
  if (!dora) return y;
  const norms = offTape(() => adaptedNorms(weight, dora.squares, pairs, { scale, rows }));
  const ends = rows.map((_, m) => rows.slice(0, m).reduce((a, b) => a + b, 0));
  const factors = dora.magnitudes.map((magnitude, m) =>
    magnitude ? tf.div<tf.Tensor1D>(magnitude, tf.slice(norms, [ends[m] ?? 0], [rows[m] ?? 0])) : null,
  );
  return scaleColumns(y, joinedOr(factors, rows, 1));
}
