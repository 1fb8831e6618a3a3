/** @file What flat parameters must show on every backend: views, gathering, reading back, and the optimizer in place. */

import { expect, it } from "vitest";
import { newRandom } from "../core/random";
import { adamWStep } from "./adamW";
import { type Device, deviceMemory, openDevice } from "./device";
import { disposeFlat, type Flat, gather, newFlat, newFlatTensor, readFlat } from "./flat";
import { relativeError } from "./kernelCases";
import { rmsNorm } from "./rmsNorm";
import { tf } from "./tf";

const shapes = { a: [3, 5], b: [128], c: [1], d: [70, 129] };
const settings = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };

function draw(seed: number): Map<string, { shape: number[]; values: Float32Array }> {
  const random = newRandom(seed);
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, values: Float32Array.from({ length }, () => random.normal()) }];
    }),
  );
}

const tensorsOf = (parts: ReturnType<typeof draw>) =>
  [...parts.values()].map(({ shape, values }) => tf.tensor(Float32Array.from(values), shape));
const partOf = ({ parts }: Flat, name: string): tf.Tensor => {
  const part = parts.get(name);
  if (!part) throw new RangeError(name);
  return part;
};
const numbers = async (tensor: tf.Tensor) => Array.from(await tensor.data());
const rooted = async (squares: tf.Tensor) => Math.sqrt((await numbers(squares)).reduce((sum, x) => sum + x, 0));

/** Defines the tests for a backend. */
export function testFlat(backend: Device["backend"]): void {
  const inDevice = (name: string, work: () => Promise<void>) =>
    it(`${backend}: ${name}`, async () => {
      const device = await openDevice(backend);
      let failure: Error | undefined;
      void device.lost.then((error) => {
        failure = error;
      });
      const before = deviceMemory();
      await work();
      expect(deviceMemory()).toEqual(before);
      expect(failure).toBeUndefined();
    });

  inDevice("views hold the parts' numbers, for kernels, for stock ops, and read back", async () => {
    const drawn = draw(1);
    const flat = newFlat(drawn);
    for (const [name, { shape, values }] of drawn) {
      expect(partOf(flat, name).shape).toEqual(shape);
      expect(await numbers(partOf(flat, name))).toEqual(Array.from(values));
      const copy = tf.clone(partOf(flat, name));
      expect(await numbers(copy)).toEqual(Array.from(values));
      copy.dispose();
    }
    const x = tf.randomNormal<tf.Rank.R2>([4, 128]);
    const g = tf.tensor1d(Float32Array.from(drawn.get("b")?.values ?? []));
    const [want, got] = [rmsNorm(x, g, 1e-5), rmsNorm(x, partOf(flat, "b") as tf.Tensor1D, 1e-5)];
    expect(relativeError(await numbers(got), await numbers(want))).toBeLessThan(1e-6);
    const doubled = tf.mul(partOf(flat, "b"), 2);
    expect(await numbers(doubled)).toEqual(Array.from(drawn.get("b")?.values ?? [], (value) => 2 * value));
    const read = await readFlat(flat);
    for (const [name, { values }] of drawn) expect(read.get(name)).toEqual(values);
    tf.dispose([x, g, want, got, doubled]);
    disposeFlat(flat);
  });

  inDevice("gathers tensors with zeros between", async () => {
    const drawn = draw(2);
    const flat = newFlat(drawn);
    // Memory that is used again holds what was there before.
    tf.dispose(tf.tidy(() => tf.neg(tf.add(tf.ones([flat.layout.size]), 1))));
    const tensors = tensorsOf(draw(3));
    const whole = gather(flat.layout, tensors);
    const values = await numbers(whole);
    const want = new Float32Array(flat.layout.size);
    for (const [name, { offset }] of flat.layout.places) want.set(draw(3).get(name)?.values ?? [], offset);
    expect(values).toEqual(Array.from(want));
    expect(() => gather(flat.layout, tensors.slice(1))).toThrow();
    tf.dispose([...tensors, whole]);
    disposeFlat(flat);
  });

  inDevice("steps as AdamW does tensor by tensor, clipped and not, in place", async () => {
    const flat = newFlat(draw(4));
    const apart = [...draw(4).values()].map(({ values: p }) => ({
      p,
      m: new Float32Array(p.length),
      v: new Float32Array(p.length),
    }));
    const [m, v] = [tf.zeros<tf.Rank.R1>([flat.layout.size]), tf.zeros<tf.Rank.R1>([flat.layout.size])];
    for (const [step, maxGradNorm] of [
      [1, 0.5],
      [2, 0],
      [3, 1e6],
    ] as const) {
      const drawn = [...draw(10 + step).values()].map(({ values }) => values);
      const gradients = tensorsOf(draw(10 + step));
      const g = gather(flat.layout, gradients);
      const state = { p: flat.whole, m, v };
      const squares = adamWStep(state, g, settings, { step, learningRate: 0.01, maxGradNorm });
      const norm = Math.hypot(...drawn.map((values) => Math.hypot(...values)));
      expect(Math.abs((await rooted(squares)) - norm) / norm).toBeLessThan(1e-5);
      const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
      for (const [i, one] of apart.entries()) stepPlainly(one, drawn[i] ?? new Float32Array(0), { step, clip });
      tf.dispose([gradients, g, squares] as tf.TensorContainer);
      const read = { p: await readFlat(flat), m: await readFlat({ ...flat, whole: m }) };
      for (const [i, name] of Object.keys(shapes).entries()) {
        const want = apart[i];
        if (!want) throw new RangeError(name);
        expect(relativeError(read.p.get(name) ?? [], want.p)).toBeLessThan(1e-6);
        expect(relativeError(await numbers(partOf(flat, name)), want.p)).toBeLessThan(1e-6);
        expect(relativeError(read.m.get(name) ?? [], want.m)).toBeLessThan(1e-6);
      }
    }
    tf.dispose([m, v]);
    disposeFlat(flat);
  });

  inDevice("is left as it is by a gradient that is not finite", async () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 1e30]) {
      const flat = newFlat(draw(5));
      const moments = [6, 7].map((seed) =>
        newFlatTensor(flat.layout, new Map([...draw(seed)].map(([name, { values }]) => [name, values.map(Math.abs)]))),
      ) as [tf.Tensor1D, tf.Tensor1D];
      const before = [flat.whole, ...moments].map((tensor) => readFlat({ ...flat, whole: tensor }));
      await Promise.all(before);
      const values = draw(8);
      values.get("d")?.values.set([wrong], 77);
      const gradients = tensorsOf(values);
      const g = gather(flat.layout, gradients);
      const [m, v] = moments;
      const state = { p: flat.whole, m, v };
      const squares = adamWStep(state, g, settings, { step: 1, learningRate: 0.1, maxGradNorm: 1 });
      expect(await rooted(squares)).not.toSatisfy(Number.isFinite);
      for (const [i, tensor] of [flat.whole, m, v].entries()) {
        expect(await readFlat({ ...flat, whole: tensor })).toEqual(await before[i]);
      }
      tf.dispose([...gradients, g, squares, m, v]);
      disposeFlat(flat);
    }
  });
}

type State = { p: Float32Array; m: Float32Array; v: Float32Array };

/** One step of AdamW over one tensor's numbers as its paper writes it, at a learning rate of 0.01, in place. */
function stepPlainly({ p, m, v }: State, g: Float32Array, { step, clip }: { step: number; clip: number }): void {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const learningRate = 0.01;
  for (const [i, raw] of g.entries()) {
    const c = clip * raw;
    const nextM = beta1 * (m[i] ?? 0) + (1 - beta1) * c;
    const nextV = beta2 * (v[i] ?? 0) + (1 - beta2) * c * c;
    const change = nextM / (1 - beta1 ** step) / (Math.sqrt(nextV / (1 - beta2 ** step)) + epsilon);
    p[i] = (p[i] ?? 0) * (1 - learningRate * weightDecay) - learningRate * change;
    m[i] = nextM;
    v[i] = nextV;
  }
}
