/** @file A step of the tiny decoder with every weight trained: forward, backward, AdamW, and the loss read back. */

import type { LinearName } from "../../src/core/adapter";
import { adamW, type Moments } from "../../src/kernels/adamW";
import { tf } from "../../src/kernels/tf";
import { type Llama, llamaWeights, loadLlama } from "../../src/model/llama";
import { lossGradients } from "../../src/model/training";
import { type Measured, measure, rounded } from "../measure";
import { adam, learningRate, newBatch, newWeights, type Shape } from "../shapes";
import { stepOperations } from "../work";

/** Puts a new tensor in the place of a weight, and disposes of the old. */
function replaceWeight(llama: Llama, name: string, tensor: tf.Tensor): void {
  llamaWeights(llama).get(name)?.dispose();
  if (name === "model.norm.weight") llama.norm = tensor as tf.Tensor1D;
  else if (name === "model.embed_tokens.weight")
    llama.embedding = llama.head = tensor as tf.Tensor2D; // tied
  else {
    const [, , number, ...rest] = name.split(".");
    const layer = llama.layers[Number(number)]!;
    if (rest[0] === "input_layernorm") layer.inputNorm = tensor as tf.Tensor1D;
    else if (rest[0] === "post_attention_layernorm") layer.postNorm = tensor as tf.Tensor1D;
    else layer.linears[rest[1] as LinearName] = tensor as tf.Tensor2D;
  }
}

export async function timeDecoderStep(shape: Shape): Promise<Measured> {
  const llama = loadLlama(shape.config, newWeights(shape.config));
  const batch = newBatch(shape, "all");
  const moments = new Map<string, Moments>();
  for (const [name, weight] of llamaWeights(llama)) {
    moments.set(name, { m: tf.zeros(weight.shape), v: tf.zeros(weight.shape) });
  }
  const all: number[] = [];
  const step = async () => {
    const weights = [...llamaWeights(llama)];
    const xs = weights.map(([, weight]) => weight);
    const { losses, gradients } = lossGradients(llama, null, [batch], xs);
    for (const [i, [name, weight]] of weights.entries()) {
      const old = moments.get(name)!;
      const at = { step: all.length + 1, learningRate, clip: 1 };
      const { p, m, v } = adamW(weight, gradients[i]!, old, adam, at);
      replaceWeight(llama, name, p);
      tf.dispose([old.m, old.v]);
      moments.set(name, { m, v });
    }
    const loss = tf.tidy(() => tf.sum(tf.concat(losses)));
    all.push((await loss.data())[0]!);
    tf.dispose([losses, gradients, loss]);
  };
  const measured = await measure(step, { warmUps: 3 });
  const gflops = rounded(stepOperations(shape.config, batch, 0) / measured.ms / 1e6);
  return { ...measured, gflops, losses: all.slice(0, 3).map(rounded) };
}
