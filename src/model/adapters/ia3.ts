/** @file IA3 (Liu et al. 2022): what linear layers give, or feed-forward ones are given, times a trained vector; as PEFT names them. */

import { type MethodOf, methodTensors } from "../../core/adaptation";
import { type LinearName, linearPath, stackNames, stackRows, stacksOf } from "../../core/adapter";
import type { ModelConfig } from "../../core/model";
import { scaleColumns } from "../../kernels/scaleColumns";
import { tf } from "../../kernels/tf";
import { filled, type MethodModule, renamed, stackPath } from "./method";

type Method = MethodOf<"ia3">;

/** A stack's factors: of what it is given [in], and of what each of its layers gives [out]; null where there is none. */
type Factors = { input: tf.Tensor1D | null; outputs: (tf.Tensor1D | null)[]; rows: number[] };
export type Ia3Part = Map<string, Factors>;

const deviceName = (layer: number, name: LinearName) => `layers.${layer}.ia3.${name}`;

function namesOf(config: ModelConfig, method: Method) {
  const names = new Map<string, string>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of method.targetModules) names.set(`${linearPath(layer, name)}.ia3_l`, deviceName(layer, name));
  }
  const shapes = methodTensors(config, method);
  return { shapes, ...renamed(shapes, (fileName) => names.get(fileName) ?? fileName) };
}

export const ia3Module: MethodModule<"ia3", Ia3Part> = {
  draw: ({ config }, method) => filled(methodTensors(config, method), 1),
  join: (config, method, numbersOf) => {
    const flat = [...namesOf(config, method).join(numbersOf)];
    return new Map(flat.map(([name, { values }]) => [name, { shape: [values.length], values }]));
  },
  split: (config, method, numbersOf) => namesOf(config, method).split(numbersOf),
  attach: ({ config }, { targetModules, feedForwardModules }, part) => {
    const found: Ia3Part = new Map();
    for (let layer = 0; layer < config.layers; layer++) {
      for (const stack of stackNames) {
        const names = stacksOf(config)[stack];
        const of = (name: LinearName) => part(deviceName(layer, name)) as tf.Tensor1D;
        // A stack of several layers has one input, which the first of them named speaks for.
        const fed = names.find((name) => feedForwardModules.includes(name));
        const outputs = names.map((name) =>
          targetModules.includes(name) && !feedForwardModules.includes(name) ? of(name) : null,
        );
        if (!fed && outputs.every((each) => each === null)) continue;
        found.set(stackPath(layer, stack), { input: fed ? of(fed) : null, outputs, rows: stackRows(config, stack) });
      }
    }
    return found;
  },
};

/** What a stack is given, by its factor: [N, in]. */
export function ia3Input(part: Ia3Part | null, path: string, x: tf.Tensor2D): tf.Tensor2D {
  const factor = part?.get(path)?.input;
  return factor ? scaleColumns(x, factor) : x;
}

/** What a stack gives, by its layers' factors: [N, out]. */
export function ia3Output(part: Ia3Part | null, path: string, y: tf.Tensor2D): tf.Tensor2D {
  const factors = part?.get(path);
  if (!factors || factors.outputs.every((each) => each === null)) return y;
  return scaleColumns(y, joinedOr(factors.outputs, factors.rows, 1));
}

/** Vectors end to end, a constant in the place of those that are not there. */
export function joinedOr(parts: readonly (tf.Tensor1D | null)[], sizes: readonly number[], value: number): tf.Tensor1D {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  return tf.concat(parts.map((part, i) => part ?? tf.fill<tf.Rank.R1>([sizes[i] ?? 0], value)));
}
