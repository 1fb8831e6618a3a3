/** @file Times training steps and generation of a model of the embedded one's size: node scripts/bundle.mjs bench/train.ts [wasm|cpu] [threads]. */

import { type Lora, linearNames } from "../src/core/adapter";
import { countParameters, type ModelConfig } from "../src/core/model";
import { newRandom } from "../src/core/random";
import { newRandomBatch } from "../src/jobs/measureSpeed";
import { deviceMemory, openDevice, wasmBackend } from "../src/kernels/device";
import { generate } from "../src/model/generation";
import { loadLlama, tensorShapes } from "../src/model/llama";
import { newLora } from "../src/model/lora";
import { newOptimizer, trainStep } from "../src/model/training";

const config: ModelConfig = {
  architecture: "llama",
  vocabSize: 1024,
  hiddenSize: 160,
  intermediateSize: 432,
  layers: 5,
  heads: 5,
  keyValueHeads: 1,
  headDim: 32,
  maxPositions: 512,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: 0,
  eosTokenIds: [1],
};
const lora: Lora = { kind: "lora", rank: 16, alpha: 32, dropout: 0, targetModules: [...linearNames] };

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Milliseconds of processor time (wall time in a browser) spent in each of our CPU kernels. */
function watchKernels(): Map<string, { ms: number; calls: number }> {
  const spent = new Map<string, { ms: number; calls: number }>();
  const backend = wasmBackend();
  if (!backend) return spent;
  const call = backend.call.bind(backend);
  backend.call = (request, inputs) => {
    const start = cpuMs();
    const output = call(request, inputs);
    const entry = spent.get(request.fn) ?? { ms: 0, calls: 0 };
    spent.set(request.fn, { ms: entry.ms + cpuMs() - start, calls: entry.calls + 1 });
    return output;
  };
  return spent;
}

export async function benchmark(choice: "wasm" | "cpu" | "webgpu", steps: number, threads = 8) {
  const device = await openDevice(choice, { threads });
  const spent = watchKernels();
  const random = newRandom(1);
  const tensors = new Map(
    [...tensorShapes(config)].map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length }, () => (shape.length === 1 ? 1 : random.normal() * 0.05));
      return [name, { shape, values }] as const;
    }),
  );
  const llama = loadLlama(config, tensors);
  const adapter = newLora(config, lora, 1);
  const optimizer = newOptimizer(adapter, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
  const batch = newRandomBatch(16, 128, config.vocabSize, 2);
  const times: number[] = [];
  const cpu: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    const cpuStart = cpuMs();
    const { loss } = await trainStep(llama, adapter, optimizer, [batch], {
      learningRate: 2e-3,
      maxGradNorm: 1,
      dropoutSeed: i,
    });
    times.push(performance.now() - start);
    cpu.push(cpuMs() - cpuStart);
    losses.push(loss);
  }
  const kernels = [...spent].map(
    ([name, { ms, calls }]) => `${name} ${(ms / steps).toFixed(1)} ms, ${calls / steps} calls`,
  );
  const prompts = Array.from({ length: choice === "wasm" ? 128 : 8 }, (_, i) =>
    Array.from(newRandomBatch(1, 40 + (i % 30), config.vocabSize, i).tokens),
  );
  const start = performance.now();
  const cpuStart = cpuMs();
  let tokens = 0;
  spent.clear();
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 1 };
  for (let from = 0; from < prompts.length; from += 128) {
    const part = prompts.slice(from, from + 128);
    for await (const fresh of generate(llama, adapter, { prompts: part, maxTokens: 80, sampling, stopIds: [] })) {
      tokens += fresh.length;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    backend: device.backend,
    threads: device.threads,
    features: device.features.join(),
    parameters: countParameters(config),
    stepMs: Math.round(median(times.slice(1))),
    firstMs: Math.round(times[0] ?? 0),
    kernels,
    stepCpuMs: Math.round(median(cpu)),
    fastestMs: Math.round(Math.min(...times)),
    loss: [losses[0], losses.at(-1)],
    generation: {
      prompts: prompts.length,
      tokens,
      seconds,
      cpuMs: cpuMs() - cpuStart,
      kernels: [...spent].map(([name, { ms, calls }]) => `${name} ${ms.toFixed(0)} ms, ${calls} calls`),
    },
    memory: deviceMemory(),
  };
}

declare const process: { argv: string[]; cpuUsage: () => { user: number; system: number } } | undefined;

/** Processor time of all threads, which a busy machine does not stretch as it does wall time. */
function cpuMs(): number {
  if (typeof process === "undefined") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

if (typeof process !== "undefined" && process.argv[1]?.includes("train")) {
  const choice = process.argv[2] === "cpu" ? "cpu" : "wasm";
  console.log(JSON.stringify(await benchmark(choice, choice === "cpu" ? 2 : 8, Number(process.argv[3] ?? 8)), null, 1));
}
