/**
 * @file Bottleneck adapters (Houlsby et al. 2019): y + up(act(down(y))) of what attention and of what the feed-forward
 * part give, before it joins the stream. `up` begins at zero, so that nothing is changed at first.
 */

import { type bottleneckPlaces, type MethodOf, methodTensors } from "../../core/adaptation";
import { newRandom, seedFor } from "../../core/random";
import { add } from "../../kernels/add";
import { addBias } from "../../kernels/bias";
import { gelu } from "../../kernels/gelu";
import { linear, plain } from "../../kernels/linear";
import { relu } from "../../kernels/relu";
import type { tf } from "../../kernels/tf";
import { belowBlocks, type MethodModule, uniform } from "./method";

type Place = (typeof bottleneckPlaces)[number];

export type BottleneckPart = {
  activation: MethodOf<"bottleneck">["activation"];
  layers: Record<Place, { down: tf.Tensor2D; downBias: tf.Tensor1D; up: tf.Tensor2D; upBias: tf.Tensor1D }>[];
  /** The first layer that has joined in. */
  from: number;
};

export const bottleneckModule: MethodModule<"bottleneck", BottleneckPart> = {
  draw: ({ config }, method, seed) =>
    new Map(
      [...methodTensors(config, method)].map(([name, shape]) => {
        const length = shape.reduce((a, b) => a * b, 1);
        const random = newRandom(seedFor(seed, name));
        const isDown = name.endsWith(".down.weight");
        const values = isDown
          ? uniform(length, 1 / Math.sqrt(shape[1] ?? 1), () => random.next())
          : new Float32Array(length);
        return [name, { shape, values }];
      }),
    ),
  join: (config, method, numbersOf) => belowBlocks(config, method).join(numbersOf),
  split: (config, method, numbersOf) => belowBlocks(config, method).split(numbersOf),
  attach: ({ config }, { activation }, part) => {
    const at = (layer: number, place: Place) => {
      const path = `layers.${layer}.bottleneck.${place}`;
      return {
        down: part(`${path}.down.weight`) as tf.Tensor2D,
        downBias: part(`${path}.down.bias`) as tf.Tensor1D,
        up: part(`${path}.up.weight`) as tf.Tensor2D,
        upBias: part(`${path}.up.bias`) as tf.Tensor1D,
      };
    };
    const layers = Array.from({ length: config.layers }, (_, layer) => ({
      attention: at(layer, "attention"),
      feed_forward: at(layer, "feed_forward"),
    }));
    return { activation, layers, from: 0 };
  },
};

/** The first of `layers` that takes part after a share of the run: the blocks join in `stages` groups, the last ones first. */
export function firstActive(layers: number, { stages }: Pick<MethodOf<"bottleneck">, "stages">, share: number): number {
  const joined = Math.min(stages, Math.floor(share * stages) + 1);
  return layers - Math.ceil((layers * joined) / stages);
}

/** y + up(act(down(y))), [N, C]; y itself where the layer has not joined in. */
export function throughBottleneck(
  part: BottleneckPart | null,
  layer: number,
  place: Place,
  y: tf.Tensor2D,
): tf.Tensor2D {
  const each = part && layer >= part.from ? part.layers[layer]?.[place] : undefined;
  if (!part || !each) return y;
  const act = part.activation === "gelu" ? gelu : relu;
  const inner = act(addBias(linear(y, plain(each.down)), each.downBias));
  return add(y, addBias(linear(inner, plain(each.up)), each.upBias));
}
