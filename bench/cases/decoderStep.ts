/** @file A step of the tiny decoder with every weight trained: forward, backward, AdamW, and the loss read back. */

import type { StackName } from "../../src/core/adapter";
import { adamWStep } from "../../src/kernels/adamW";
import { type Flat, gather, newFlat } from "../../src/kernels/flat";
import { plain } from "../../src/kernels/linear";
import { tf } from "../../src/kernels/tf";
import { type Llama, llamaWeights, loadLlama } from "../../src/model/llama";
import { lossGradients } from "../../src/model/training";
import { type Measured, measure, rounded } from "../measure";
import { adam, learningRate, newBatch, newWeights, type Shape } from "../shapes";
import { stepOperations } from "../work";

/** The model's weights end to end, as the optimizer wants them; the model reads its views of them. */
async function layWeightsFlat(llama: Llama): Promise<Flat> {
  const numbers = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const [name, weight] of llamaWeights(llama)) {
    numbers.set(name, { shape: weight.shape, values: (await weight.data()) as Float32Array });
    weight.dispose();
  }
  const flat = newFlat(numbers);
  for (const [name, view] of flat.parts) putWeight(llama, name, view);
  return flat;
}

function putWeight(llama: Llama, name: string, tensor: tf.Tensor): void {
  if (name === "model.norm.weight") llama.norm.weight = tensor as tf.Tensor1D;
  else if (name === "model.embed_tokens.weight")
    llama.embedding = llama.head = plain(tensor as tf.Tensor2D); // tied
  else {
    const [, , number, part] = name.split(".");
    const layer = llama.layers[Number(number)]!;
    if (part === "input_layernorm") layer.norms.input.weight = tensor as tf.Tensor1D;
    else if (part === "post_attention_layernorm") layer.norms.feedForward.weight = tensor as tf.Tensor1D;
    else layer.stacks[part as StackName] = plain(tensor as tf.Tensor2D);
  }
}

export async function timeDecoderStep(shape: Shape): Promise<Measured> {
  const llama = loadLlama(shape.config, newWeights(shape.config));
  const batch = newBatch(shape, "all");
  const { layout, whole: p, parts } = await layWeightsFlat(llama);
  const [m, v] = [tf.zerosLike(p), tf.zerosLike(p)];
  const all: number[] = [];
  const step = async () => {
    const { losses, gradients } = lossGradients(llama, null, batch, [...parts.values()]);
    const gradient = gather(layout, gradients);
    const squares = adamWStep({ p, m, v }, gradient, adam, { step: all.length + 1, learningRate, maxGradNorm: 0 });
    all.push(((await losses.data()) as Float32Array).reduce((sum, each) => sum + each, 0));
    tf.dispose([losses, gradients, gradient, squares]);
  };
  const measured = await measure(step, { warmUps: 3 });
  const gflops = rounded(stepOperations(shape.config, batch, 0) / measured.ms / 1e6);
  return { ...measured, gflops, losses: all.slice(0, 3).map(rounded) };
}
