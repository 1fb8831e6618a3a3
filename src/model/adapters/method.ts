/** @file What a method of adaptation is to the engine: numbers to begin with, their layout on the device, and its place in the decoder. */

import { blockPath, type Method, type MethodKind, type MethodOf, methodTensors } from "../../core/adaptation";
import type { StackName } from "../../core/adapter";
import type { ModelConfig } from "../../core/model";
import type { tf } from "../../kernels/tf";
import type { Llama, TensorData } from "../llama";

export type Tensors = Map<string, TensorData>;
export type NumbersOf = (name: string) => Float32Array | undefined;

/**
 * `Part` is what the decoder asks for. Files' tensors have the names of `methodTensors`; those of the device begin with
 * `layers.N.` where they belong to a layer, so that a block knows what of it is trained.
 */
export type MethodModule<K extends MethodKind, Part> = {
  /** The numbers a new adapter begins with, as files have them. */
  draw: (llama: Llama, method: MethodOf<K>, seed: number) => Tensors | Promise<Tensors>;
  /** A file's numbers as the device's tensors have them. */
  join: (config: ModelConfig, method: MethodOf<K>, numbersOf: NumbersOf) => Tensors;
  /** The way back, in a fixed order. */
  split: (config: ModelConfig, method: MethodOf<K>, numbersOf: NumbersOf) => Tensors;
  /** Puts the trained tensors where the decoder looks for them. What it makes beside them is `dispose`'s to free. */
  attach: (llama: Llama, method: MethodOf<K>, part: (name: string) => tf.Tensor) => Part;
  dispose?: (part: Part) => void;
};

/** The same tensors on the device as in files, by other names. */
export function renamed(
  shapes: ReadonlyMap<string, number[]>,
  nameOf: (fileName: string) => string,
): { join: (numbersOf: NumbersOf) => Tensors; split: (numbersOf: NumbersOf) => Tensors } {
  const numbers = (values: Float32Array | undefined) => values ?? new Float32Array(0);
  return {
    join: (numbersOf) =>
      new Map([...shapes].map(([name, shape]) => [nameOf(name), { shape, values: numbers(numbersOf(name)) }])),
    split: (numbersOf) =>
      new Map([...shapes].map(([name, shape]) => [name, { shape, values: numbers(numbersOf(nameOf(name))).slice() }])),
  };
}

/** The device's path of a stack of linear layers. */
export const stackPath = (layer: number, stack: StackName) => `layers.${layer}.${stack}`;

/** Of a method whose tensors all lie below blocks: `model.layers.0.loar.lambda` is `layers.0.loar.lambda` on the device. */
export function belowBlocks(config: ModelConfig, method: Method): ReturnType<typeof renamed> {
  const blocks = blockPath(config, 0).slice(0, -"0".length);
  return renamed(methodTensors(config, method), (name) => `layers.${name.slice(blocks.length)}`);
}

/** Tensors of these shapes, all of one value. */
export function filled(shapes: ReadonlyMap<string, number[]>, value: number): Tensors {
  const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
  return new Map(
    [...shapes].map(([name, shape]) => [name, { shape, values: new Float32Array(size(shape)).fill(value) }]),
  );
}

/** Uniform within ±bound, as torch.nn.init.uniform_ draws. */
export function uniform(length: number, bound: number, next: () => number): Float32Array {
  return Float32Array.from({ length }, () => (2 * next() - 1) * bound);
}
