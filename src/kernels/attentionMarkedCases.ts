/** @file What marks must show on every backend: where they change nothing, what they hide, and that decoding agrees. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRandom } from "../core/random";
import { attention, type Marks } from "./attention";
import type { Heads } from "./attentionReference";
import { attendCache, fillCache } from "./cache";
import { type Device, deviceMemory, openDevice } from "./device";
import { relativeError } from "./kernelCases";
import { tf } from "./tf";

const [B, T, D] = [2, 41, 32];
const plain: Heads = { heads: 4, keyValueHeads: 2 };
const bent: Heads = { ...plain, window: 7, softcap: 1.5 };
const qkvShape: [number, number, number, number] = [B, 8, T, D];

const drawn = (length: number, seed: number) => {
  const random = newRandom(seed);
  return Float32Array.from({ length }, () => random.normal());
};
const some = Int32Array.from(drawn(B * T, 2), (x) => (x > 0.3 ? 1 : 0));
const all = new Int32Array(B * T).fill(1);
const none = new Int32Array(B * T);
const raise = Float32Array.of(1.5, -0.7, 0.2, 3);

type Given = { marked: Int32Array; bias: Float32Array | null; isHard: boolean };

const marksFrom = ({ marked, bias, isHard }: Given): Marks => ({
  marked: tf.tensor1d(marked, "int32"),
  bias: bias && tf.tensor1d(bias),
  isHard,
});

/** Two documents in the first row, one in the second. */
const segments = () =>
  tf.tensor1d(
    Int32Array.from({ length: B * T }, (_, i) => (i < 23 ? 1 : 2)),
    "int32",
  );

/** y, dqkv, and dλ where there is a λ. */
async function run(heads: Heads, given?: Given): Promise<{ y: Float32Array; dqkv: Float32Array; dbias: number[] }> {
  const { value, grads } = tf.tidy(() => {
    const marks = given && marksFrom(given);
    const qkv = tf.tensor4d(drawn(B * 8 * T * D, 1), qkvShape);
    const dy = tf.tensor2d(drawn(B * T * 4 * D, 3), [B * T, 4 * D]);
    const trained = marks?.bias ? [qkv, marks.bias] : [qkv];
    const places = segments();
    return tf.engine().gradients(() => attention(qkv, places, heads, marks), trained, dy);
  });
  const [y, dqkv, dbias = []] = await Promise.all([value, ...grads].map((x) => x.data()));
  tf.dispose([value, grads]);
  return { y: y as Float32Array, dqkv: dqkv as Float32Array, dbias: Array.from(dbias) };
}

async function expectSame(given: Given, heads: Heads): Promise<number[]> {
  const [want, { y, dqkv, dbias }] = [await run(heads), await run(heads, given)];
  expect(relativeError(y, want.y)).toBeLessThan(2e-6);
  expect(relativeError(dqkv, want.dqkv)).toBeLessThan(2e-6);
  return dbias;
}

/** Attention of the last token of each row to a cache of all, in slots beyond which nothing is written. */
async function decoded(heads: Heads, given: Given): Promise<Float32Array> {
  const slots = T + 3;
  const y = tf.tidy(() => {
    const qkv = tf.tensor4d(drawn(B * 8 * T * D, 1), qkvShape);
    const empty = tf.fill<tf.Rank.R4>([B, 4, slots, D], Number.NaN);
    const cache = fillCache(empty, qkv, tf.zeros([B], "int32"), plain);
    const last = tf.slice(qkv, [0, 0, T - 1, 0], [B, 8, 1, D]);
    const marked = Int32Array.from({ length: B * slots }, (_, i) =>
      i % slots < T ? (given.marked[Math.floor(i / slots) * T + (i % slots)] ?? 0) : 1,
    );
    return attendCache(last, cache, tf.fill([B], T - 1, "int32"), heads, marksFrom({ ...given, marked }));
  });
  const numbers = await y.data();
  y.dispose();
  return numbers as Float32Array;
}

/** The same tokens without a cache, in one document a row. */
async function forward(heads: Heads, given: Given): Promise<Float32Array> {
  const y = tf.tidy(() => {
    const qkv = tf.tensor4d(drawn(B * 8 * T * D, 1), qkvShape);
    const whole = attention(qkv, tf.zeros([B * T], "int32"), heads, marksFrom(given));
    return tf.gather(
      whole,
      tf.tensor1d(
        Array.from({ length: B }, (_, b) => b * T + T - 1),
        "int32",
      ),
    );
  });
  const numbers = await y.data();
  y.dispose();
  return numbers as Float32Array;
}

/** Defines the tests for a backend. */
export function testMarks(backend: Device["backend"]): void {
  describe(`marks on ${backend}`, () => {
    let before = 0;
    beforeAll(async () => {
      expect((await openDevice(backend)).backend).toBe(backend);
      before = deviceMemory().tensors;
    });
    afterAll(() => {
      expect(deviceMemory().tensors).toBe(before);
    });

    it.each([
      { name: "plain", heads: plain },
      { name: "windowed and capped", heads: bent },
    ])("λ = 0 changes nothing, whatever the marks: $name", async ({ heads }) => {
      for (const marked of [some, all, none]) {
        await expectSame({ marked, bias: new Float32Array(4), isHard: false }, heads);
      }
    });
    it("soft marks without λ change nothing", async () => {
      await expectSame({ marked: some, bias: null, isHard: false }, plain);
    });
    it("marks at no key change nothing and teach λ nothing", async () => {
      expect(await expectSame({ marked: none, bias: raise, isHard: false }, bent)).toEqual([0, 0, 0, 0]);
    });
    it("marks at every key move all scores alike, so that λ learns nothing", async () => {
      for (const x of await expectSame({ marked: all, bias: raise, isHard: false }, plain)) {
        expect(Math.abs(x)).toBeLessThan(1e-4);
      }
      await expectSame({ marked: all, bias: null, isHard: true }, bent);
    });
    it("soft marks change what some of them are near", async () => {
      const [want, got] = [await run(plain), await run(plain, { marked: some, bias: raise, isHard: false })];
      expect(relativeError(got.y, want.y)).toBeGreaterThan(0.1);
      for (const x of got.dbias) expect(Math.abs(x)).toBeGreaterThan(1e-3);
    });
    it("where no key is marked, hard marks leave each token its own value", async () => {
      const { y } = await run(plain, { marked: none, bias: null, isHard: true });
      const qkv = drawn(B * 8 * T * D, 1);
      const own = y.map((_, i) => {
        const [token, h, d] = [Math.floor(i / (4 * D)), Math.floor(i / D) % 4, i % D];
        const head = 6 + Math.floor(h / 2);
        return qkv[((Math.floor(token / T) * 8 + head) * T + (token % T)) * D + d] ?? Number.NaN;
      });
      expect(relativeError(y, own)).toBeLessThan(1e-6);
    });
    it.each([
      { name: "soft", given: { marked: some, bias: raise, isHard: false }, heads: plain },
      { name: "hard", given: { marked: some, bias: null, isHard: true }, heads: plain },
      { name: "soft, windowed and capped", given: { marked: some, bias: raise, isHard: false }, heads: bent },
      { name: "hard, windowed and capped", given: { marked: some, bias: null, isHard: true }, heads: bent },
      { name: "hard at no key", given: { marked: none, bias: null, isHard: true }, heads: plain },
    ])("a token decoded from a cache sees what it saw without one: $name", async ({ given, heads }) => {
      expect(relativeError(await decoded(heads, given), await forward(heads, given))).toBeLessThan(2e-6);
    });
  });
}
