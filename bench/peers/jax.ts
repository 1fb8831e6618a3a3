/**
 * @file The tiny decoder in jax-js: the whole step, AdamW included, is one jitted function of one tree of weights. A
 * function of jax-js uses up its arguments; `.ref` keeps one for another use.
 */

import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree as trees, valueAndGrad } from "@jax-js/jax";
import type { ModelConfig } from "../../src/core/model";
import { ropeFrequencies } from "../../src/core/rope";
import { ropeTable } from "../../src/kernels/splitHeads";
import { peakBytes } from "../counters";
import { type Figure, measure, rounded } from "../measure";
import { adam, learningRate, newBatch, newWeights, shapeOf } from "../shapes";
import type { Unit } from "../units.mjs";

type Weights = Record<string, np.Array>;
type Constants = { tokens: np.Array; targets: np.Array; cos: np.Array; sin: np.Array };

function rmsNorm(x: np.Array, g: np.Array, eps: number): np.Array {
  const mean = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.div(np.sqrt(mean.add(eps))).mul(g);
}

/** x [B, T, H, D] turned by each position's angle; tables [T, 1, D / 2]. */
function rotate(x: np.Array, cos: np.Array, sin: np.Array): np.Array {
  const [a, b] = np.split(x, 2, -1) as [np.Array, np.Array];
  const first = a.ref.mul(cos.ref).sub(b.ref.mul(sin.ref));
  return np.concatenate([first, b.mul(cos).add(a.mul(sin))], -1);
}

/** The mean loss of one-hot tokens and targets, [B·T, V]. */
function meanLoss(config: ModelConfig, rows: number, w: Weights, { tokens, targets, cos, sin }: Constants): np.Array {
  const { heads: H, headDim: D, rmsNormEps: eps } = config;
  const count = tokens.shape[0]!;
  const weight = (name: string) => w[`${name}.weight`]!;
  const linear = (x: np.Array, name: string) => np.matmul(x, np.transpose(weight(name)));
  const toHeads = (x: np.Array) => x.reshape([rows, -1, H, D]);
  const embedding = weight("model.embed_tokens");
  let x = np.matmul(tokens, embedding.ref);
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    const h = rmsNorm(x.ref, weight(`${layer}.input_layernorm`), eps);
    const q = rotate(toHeads(linear(h.ref, `${layer}.self_attn.q_proj`)), cos.ref, sin.ref);
    const k = rotate(toHeads(linear(h.ref, `${layer}.self_attn.k_proj`)), cos.ref, sin.ref);
    const v = toHeads(linear(h, `${layer}.self_attn.v_proj`));
    const y = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([-1, H * D]);
    x = x.add(linear(y, `${layer}.self_attn.o_proj`));
    const m = rmsNorm(x.ref, weight(`${layer}.post_attention_layernorm`), eps);
    const gate = nn.silu(linear(m.ref, `${layer}.mlp.gate_proj`));
    x = x.add(linear(gate.mul(linear(m, `${layer}.mlp.up_proj`)), `${layer}.mlp.down_proj`));
  }
  cos.dispose();
  sin.dispose();
  const logits = np.matmul(rmsNorm(x, weight("model.norm"), eps), np.transpose(embedding));
  return nn
    .logSoftmax(logits, -1)
    .mul(targets)
    .sum()
    .mul(-1 / count);
}

/** AdamW for one weight; `rate` is the learning rate over 1 − β₁ᵗ, `correction` 1 / √(1 − β₂ᵗ). */
function update(p: np.Array, g: np.Array, m: np.Array, v: np.Array, rate: np.Array, correction: np.Array) {
  const m2 = m.mul(adam.beta1).add(g.ref.mul(1 - adam.beta1));
  const v2 = v.mul(adam.beta2).add(np.square(g).mul(1 - adam.beta2));
  const change = m2.ref.div(np.sqrt(v2.ref).mul(correction).add(adam.epsilon)).mul(rate);
  return { p: p.mul(1 - learningRate * adam.weightDecay).sub(change), m: m2, v: v2 };
}

export async function* timeJax({ name, backend }: Unit): AsyncGenerator<Figure> {
  await init(backend);
  defaultDevice(backend);
  const shape = shapeOf(name);
  const { config, rows, length: T } = shape;
  const batch = newBatch(shape, "all");
  const initial = [...newWeights(config)];
  const tree = (make: (values: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>): Weights =>
    Object.fromEntries(
      initial.map(([key, { shape, values }]) => [key, np.array(make(Float32Array.from(values))).reshape(shape)]),
    );
  const zeros = (values: Float32Array<ArrayBuffer>) => values.fill(0);
  let [w, m, v] = [tree((values) => values), tree(zeros), tree(zeros)];
  const oneHot = (ids: Int32Array) => {
    const values = new Float32Array(ids.length * config.vocabSize);
    ids.forEach((id, i) => {
      values[i * config.vocabSize + id] = 1;
    });
    return np.array(values).reshape([ids.length, config.vocabSize]);
  };
  const table = np.array(
    Float32Array.from(
      ropeTable(T, ropeFrequencies(config.headDim, { theta: config.ropeTheta ?? 10000, scaling: null })),
    ),
  );
  const [cos, sin] = np.split(table.reshape([T, 1, config.headDim]), 2, -1) as [np.Array, np.Array];
  const constants: Constants = { tokens: oneHot(batch.tokens), targets: oneHot(batch.targets), cos, sin };
  const step = jit((w: Weights, m: Weights, v: Weights, constants: Constants, rate: np.Array, correction: np.Array) => {
    const lossOf = (w: Weights, constants: Constants) => meanLoss(config, rows, w, constants);
    const [loss, gradients] = valueAndGrad(lossOf)(trees.ref(w), constants);
    const next: { w: Weights; m: Weights; v: Weights; loss: np.Array } = { w: {}, m: {}, v: {}, loss };
    for (const key of Object.keys(w)) {
      const made = update(w[key]!, gradients[key]!, m[key]!, v[key]!, rate.ref, correction.ref);
      [next.w[key], next.m[key], next.v[key]] = [made.p, made.m, made.v];
    }
    rate.dispose();
    correction.dispose();
    return next;
  });
  const losses: number[] = [];
  const measured = await measure(
    async () => {
      const t = losses.length + 1;
      const rate = np.array(learningRate / (1 - adam.beta1 ** t));
      const correction = np.array(1 / Math.sqrt(1 - adam.beta2 ** t));
      const next = step(w, m, v, trees.ref(constants), rate, correction);
      ({ w, m, v } = next);
      const [loss] = (await next.loss.data()) as Float32Array;
      losses.push(loss!);
      await blockUntilReady(w);
    },
    { warmUps: 3 },
  );
  yield {
    case: name,
    backend,
    system: "jax-js",
    ...measured,
    peakBytes: peakBytes(),
    losses: losses.slice(0, 3).map(rounded),
  };
}
