/** @file A linear read-out beside the vocabulary's: rewards of a whole answer, or the value of each token's state. */

import { headTensor, methodTensors } from "../../core/adaptation";
import type { tf } from "../../kernels/tf";
import { filled, type MethodModule, renamed } from "./method";

/** [D, C]: named as transformers' models for sequence classification name it. */
export type HeadPart = tf.Tensor2D;

const asNamed = (name: string) => name;

/** Zeros to begin with: every score is 0. */
export const headModule: MethodModule<"head", HeadPart> = {
  draw: ({ config }, method) => filled(methodTensors(config, method), 0),
  join: (config, method, numbersOf) => renamed(methodTensors(config, method), asNamed).join(numbersOf),
  split: (config, method, numbersOf) => renamed(methodTensors(config, method), asNamed).split(numbersOf),
  attach: (_, __, part) => part(headTensor) as tf.Tensor2D,
};
