/** @file Every kernel, for the tests and benchmarks that walk them all. */

import { kernels as adamW } from "./adamW";
import { kernels as adaptedNorms } from "./adaptedNorms";
import { kernels as add } from "./add";
import { kernels as attention } from "./attention";
import { kernels as bias } from "./bias";
import { kernels as cache } from "./cache";
import { kernels as crossEntropy } from "./crossEntropy";
import { kernels as dropout } from "./dropout";
import { kernels as entropy } from "./entropy";
import { kernels as gelu } from "./gelu";
import { kernels as headGate } from "./headGate";
import { kernels as headNorm } from "./headNorm";
import type { Attrs, Kernel } from "./kernel";
import { kernels as layerNorm } from "./layerNorm";
import { kernels as linear } from "./linear";
import { kernels as linearCrossEntropy } from "./linearCrossEntropy";
import { kernels as lora } from "./lora";
import { kernels as loraParts } from "./loraParts";
import { kernels as markSlots } from "./markSlots";
import { kernels as maskRows } from "./maskRows";
import { kernels as relu } from "./relu";
import { kernels as rmsNorm } from "./rmsNorm";
import { kernels as rows } from "./rows";
import { kernels as sampleTokens } from "./sampleTokens";
import { kernels as scale } from "./scale";
import { kernels as scaleColumns } from "./scaleColumns";
import { kernels as softcap } from "./softcap";
import { kernels as splitHeads } from "./splitHeads";
import { kernels as sumRows } from "./sumRows";
import { kernels as swiglu } from "./swiglu";
import type { tf } from "./tf";
import { kernels as weight } from "./weight";

export type AnyKernel = ((inputs: Record<string, tf.Tensor>, attrs: Attrs) => tf.Tensor) & {
  all: (inputs: Record<string, tf.Tensor>, attrs: Attrs) => tf.Tensor[];
  kernel: Kernel<Record<string, tf.Tensor>, Attrs>;
};

export const allKernels = [
  ...linear,
  ...lora,
  ...loraParts,
  ...adaptedNorms,
  ...weight,
  ...linearCrossEntropy,
  ...dropout,
  ...bias,
  ...rmsNorm,
  ...sumRows,
  ...layerNorm,
  ...headNorm,
  ...splitHeads,
  ...attention,
  ...swiglu,
  ...gelu,
  ...scale,
  ...scaleColumns,
  ...relu,
  ...maskRows,
  ...markSlots,
  ...headGate,
  ...softcap,
  ...rows,
  ...crossEntropy,
  ...entropy,
  ...add,
  ...adamW,
  ...cache,
  ...sampleTokens,
] as unknown as AnyKernel[];
