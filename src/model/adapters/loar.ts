/**
 * @file LoAR, logic attention routing: a gate for each head of attention, made from what attention is given, and scores
 * that know which tokens carry logic. Its definition, and what of it is ours, is docs/decisions/015.
 *
 *   g = 2 · σ(h · W_gᵀ + b_g)          y'_h = g_h · y_h          s_ij += λ_h · m_j
 *
 * W_g, b_g and λ begin at zero, where g = 1 and nothing is changed. Literal mode is the form of the article instead:
 * g = σ(…), and attention is given h · m. Shapes: h [N, C], W_g [H, C], b_g, λ [H], y [N, H·D], m [N].
 */

import { type MethodOf, methodTensors } from "../../core/adaptation";
import type { Marks } from "../../kernels/attention";
import { addBias } from "../../kernels/bias";
import { headGate } from "../../kernels/headGate";
import { linear, plain } from "../../kernels/linear";
import { maskRows } from "../../kernels/maskRows";
import type { tf } from "../../kernels/tf";
import { belowBlocks, filled, type MethodModule } from "./method";

export type LoarPart = {
  mode: MethodOf<"loar">["mode"];
  layers: { weight: tf.Tensor2D; bias: tf.Tensor1D; lambda: tf.Tensor1D | null }[];
};

export const loarModule: MethodModule<"loar", LoarPart> = {
  draw: ({ config }, method) => filled(methodTensors(config, method), 0),
  join: (config, method, numbersOf) => belowBlocks(config, method).join(numbersOf),
  split: (config, method, numbersOf) => belowBlocks(config, method).split(numbersOf),
  attach: ({ config }, { mode }, part) => ({
    mode,
    layers: Array.from({ length: config.layers }, (_, layer) => ({
      weight: part(`layers.${layer}.loar.gate.weight`) as tf.Tensor2D,
      bias: part(`layers.${layer}.loar.gate.bias`) as tf.Tensor1D,
      lambda: mode === "soft" ? (part(`layers.${layer}.loar.lambda`) as tf.Tensor1D) : null,
    })),
  }),
};

/** What σ is multiplied by: at 2 a gate of zeros lets all pass. */
export const gateFactor = ({ mode }: LoarPart): number => (mode === "literal" ? 1 : 2);

/** What attention is given: in literal mode only the marked tokens, zeros in the others' place. [N, C] */
export function loarInput(part: LoarPart | null, h: tf.Tensor2D, marks: tf.Tensor1D | null): tf.Tensor2D {
  return part?.mode === "literal" && marks ? maskRows(h, marks) : h;
}

/** How layer `i` weighs keys by their marks; undefined where it does not. */
export function loarMarks(part: LoarPart | null, i: number, marked: tf.Tensor1D | null): Marks | undefined {
  if (!part || !marked || part.mode === "gate" || part.mode === "literal") return undefined;
  return { marked, bias: part.layers[i]?.lambda ?? null, isHard: part.mode === "hard" };
}

/** The heads' outputs y [N, H·D] by their gates, which are made from h [N, C], what attention was given. */
export function loarGated(
  part: LoarPart | null,
  i: number,
  y: tf.Tensor2D,
  h: tf.Tensor2D,
  onGates?: (layer: number, z: tf.Tensor2D) => void,
): tf.Tensor2D {
  const layer = part?.layers[i];
  if (!part || !layer) return y;
  const z = addBias(linear(h, plain(layer.weight)), layer.bias);
  onGates?.(i, z);
  return headGate(y, z, gateFactor(part));
}
