/**
 * @file The tiny decoder in TensorFlow.js as its users write it: stock ops, stock backends, tf.variableGrads and
 * tf.train.adam. The WebAssembly backend has no gradient of a lookup, so that the embedding is a one-hot product.
 */

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import type { ModelConfig } from "../../src/core/model";
import { ropeFrequencies } from "../../src/core/rope";
import { ropeTable } from "../../src/kernels/splitHeads";
import { peakBytes } from "../counters";
import { type Figure, measure, rounded } from "../measure";
import { adam, learningRate, newBatch, newWeights, shapeOf } from "../shapes";
import type { Unit } from "../units.mjs";

type Weights = Map<string, tf.Variable>;
type Tables = { cos: tf.Tensor; sin: tf.Tensor; mask: tf.Tensor };

/** Starts a stock backend; resolves to its threads. */
async function openBackend(backend: Unit["backend"]): Promise<number> {
  if (backend === "wasm") {
    const { setWasmPaths, setThreadsCount, getThreadsCount } = await import("@tensorflow/tfjs-backend-wasm");
    setWasmPaths("/");
    setThreadsCount(navigator.hardwareConcurrency); // Asked for; what it then took is reported.
    await tf.setBackend("wasm");
    await tf.ready();
    return getThreadsCount();
  }
  await import("@tensorflow/tfjs-backend-webgpu");
  await tf.setBackend("webgpu");
  await tf.ready();
  return 1;
}

function rmsNorm(x: tf.Tensor2D, g: tf.Tensor, eps: number): tf.Tensor2D {
  return tf.mul<tf.Tensor2D>(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps))), g);
}

/** x [B, H, T, D] turned by each position's angle. */
function rotate(x: tf.Tensor4D, { cos, sin }: Tables): tf.Tensor4D {
  const [a, b] = tf.split(x, 2, -1) as [tf.Tensor4D, tf.Tensor4D];
  return tf.concat([tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))], -1) as tf.Tensor4D;
}

/** [B·T] one-hot tokens [B·T, V] → logits [B·T, V]. */
function forward(weights: Weights, config: ModelConfig, tables: Tables, tokens: tf.Tensor2D, rows: number) {
  const { heads: H, headDim: D, rmsNormEps } = config;
  const weight = (name: string) => weights.get(name) as unknown as tf.Tensor2D;
  const linear = (x: tf.Tensor2D, name: string) => tf.matMul<tf.Tensor2D>(x, weight(`${name}.weight`), false, true);
  const toHeads = (x: tf.Tensor2D) => tf.transpose<tf.Tensor4D>(tf.reshape(x, [rows, -1, H, D]), [0, 2, 1, 3]);
  let x: tf.Tensor2D = tf.matMul(tokens, weight("model.embed_tokens.weight"));
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    const h = rmsNorm(x, weight(`${layer}.input_layernorm.weight`), rmsNormEps);
    const q = rotate(toHeads(linear(h, `${layer}.self_attn.q_proj`)), tables);
    const k = rotate(toHeads(linear(h, `${layer}.self_attn.k_proj`)), tables);
    const v = toHeads(linear(h, `${layer}.self_attn.v_proj`));
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)), tables.mask);
    const y = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
    x = tf.add<tf.Tensor2D>(x, linear(tf.reshape(y, [-1, H * D]), `${layer}.self_attn.o_proj`));
    const m = rmsNorm(x, weight(`${layer}.post_attention_layernorm.weight`), rmsNormEps);
    const gate = linear(m, `${layer}.mlp.gate_proj`);
    const hidden = tf.mul<tf.Tensor2D>(tf.mul(gate, tf.sigmoid(gate)), linear(m, `${layer}.mlp.up_proj`));
    x = tf.add<tf.Tensor2D>(x, linear(hidden, `${layer}.mlp.down_proj`));
  }
  return tf.matMul(
    rmsNorm(x, weight("model.norm.weight"), rmsNormEps),
    weight("model.embed_tokens.weight"),
    false,
    true,
  );
}

export async function* timeTfjs({ name, backend }: Unit): AsyncGenerator<Figure> {
  const threads = await openBackend(backend);
  const shape = shapeOf(name);
  const { config, rows, length: T } = shape;
  const batch = newBatch(shape, "all");
  const weights: Weights = new Map();
  for (const [key, { shape, values }] of newWeights(config)) weights.set(key, tf.variable(tf.tensor(values, shape)));
  const oneHot = (ids: Int32Array) =>
    tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(ids, "int32"), config.vocabSize), "float32") as tf.Tensor2D);
  const [tokens, targets] = [oneHot(batch.tokens), oneHot(batch.targets)];
  const angles = tf.tensor2d(
    ropeTable(T, ropeFrequencies(config.headDim, { theta: config.ropeTheta ?? 10000, scaling: null })),
    [T, config.headDim],
  );
  const [cos, sin] = tf.split(angles, 2, -1) as [tf.Tensor, tf.Tensor];
  const future = Float32Array.from({ length: T * T }, (_, at) => (at % T > Math.floor(at / T) ? -1e30 : 0));
  const tables = { cos, sin, mask: tf.tensor2d(future, [T, T]) };
  const optimizer = tf.train.adam(learningRate, adam.beta1, adam.beta2, adam.epsilon);
  const variables = [...weights.values()];
  const losses: number[] = [];
  const step = async () => {
    const { value, grads } = tf.variableGrads(() => {
      const logits = forward(weights, config, tables, tokens, rows);
      return tf.losses.softmaxCrossEntropy(targets, logits);
    }, variables);
    optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    losses.push((await value.data())[0]!);
    tf.dispose([value, grads]);
  };
  const measured = await measure(step, { warmUps: 3, most: 7 });
  const seen = losses.slice(0, 3).map(rounded);
  yield { case: name, backend, system: "tfjs", threads, ...measured, peakBytes: peakBytes(), losses: seen };
}
