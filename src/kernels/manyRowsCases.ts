/**
 * @file Every kernel that works row by row at any number of rows: so many that they are beyond the 65,535 workgroups
 * that an axis of a grid holds; one; and none, where what is summed over rows must be zero.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AnyKernel, allKernels } from "./all";
import { attention } from "./attention";
import { type Device, deviceMemory, openDevice } from "./device";
import type { Backend } from "./dispatch";
import { expectMeaning, loadMeanings, type NamedCase } from "./expectMeaning";
import type { Attrs, Case } from "./kernel";
import { outcome } from "./kernelCases";
import { tf } from "./tf";

type Shaped = Case<Record<string, tf.Tensor>, Attrs>;

const eps = { eps: 1e-5 };
const heads = { heads: 2, keyValueHeads: 1 };
const [C, F, V, O, R, D] = [5, 3, 5, 4, 2, 4];
const packing = { format: 0, width: C };
const lora = { ...packing, scale0: 0.5, scale1: 2, scale2: 1, cut1: 1, cut2: O };
const positions = { whole: { positions: [7] } };
const alike = (names: string[], shape: number[], attrs: Attrs = {}): Shaped => ({
  shapes: Object.fromEntries(names.map((name) => [name, shape])),
  attrs,
});

/** Each kernel's case of N rows. What is left out serves no rows, or takes no more of them than a batch has. */
const shapes: Record<string, (N: number) => Shaped> = {
  Linear: (N) => ({ shapes: { x: [N, C], w: [O, C] }, attrs: { ...packing, scale: 1 } }),
  LinearBack: (N) => ({ shapes: { dy: [N, O], w: [O, C] }, attrs: { ...packing, scale: 1 } }),
  LinearWeight: (N) => ({ shapes: { dy: [N, O], x: [N, C] }, attrs: { scale: 1 } }),
  LoraLinear: (N) => ({
    shapes: { x: [N, C], w: [O, C], u: [N, 2 * R], b: [O, R], a: [2 * R, C] },
    attrs: { ...lora, p: 0.25, seed: 5 },
  }),
  ScaleParts: (N) => alike(["x"], [N, 2 * R], { parts: 2, scale0: 0.5, scale1: 2, scale2: 1 }),
  LoraBack: (N) => ({ shapes: { dy: [N, O], w: [O, C], du: [N, 2 * R], a: [2 * R, C] }, attrs: packing }),
  LoraDown: (N) => ({ shapes: { dy: [N, O], b: [O, R] }, attrs: { scale: 1, parts: 2, cut1: 1, cut2: O } }),
  LoraUp: (N) => ({ shapes: { dy: [N, O], u: [N, 2 * R] }, attrs: { parts: 2, cut1: 1, cut2: O } }),
  WeightRows: (N) => ({
    shapes: { w: [9, C], index: [N] },
    attrs: { format: 3, width: C },
    whole: { index: [9] },
    packed: { w: 3 },
  }),
  DropoutSeeded: (N) => alike(["x"], [N, C], { p: 0.25, seed: 7 }),
  RmsNorm: (N) => ({ shapes: { x: [N, C], g: [C] }, attrs: eps }),
  RmsNormBack: (N) => ({ shapes: { x: [N, C], g: [C], dy: [N, C] }, attrs: eps }),
  RmsNormWeight: (N) => alike(["x", "dy"], [N, C], eps),
  SumRows: (N) => alike(["x"], [N, C]),
  AddRmsNorm: (N) => ({ shapes: { x: [N, C], r: [N, C], g: [C] }, attrs: eps }),
  AddRmsNormBack: (N) => ({ shapes: { total: [N, C], g: [C], dy: [N, C], dsum: [N, C] }, attrs: eps }),
  LayerNorm: (N) => ({ shapes: { x: [N, C], g: [C], b: [C] }, attrs: eps }),
  LayerNormBack: (N) => ({ shapes: { x: [N, C], g: [C], dy: [N, C] }, attrs: eps }),
  LayerNormWeight: (N) => alike(["x", "dy"], [N, C], eps),
  HeadNorm: (N) => ({ shapes: { x: [N, 4 * D], g: [2, D] }, attrs: { ...heads, ...eps } }),
  HeadNormBack: (N) => ({ shapes: { x: [N, 4 * D], g: [2, D], dy: [N, 4 * D] }, attrs: { ...heads, ...eps } }),
  HeadNormWeight: (N) => alike(["x", "dy"], [N, 4 * D], { ...heads, ...eps, D }),
  AddBias: (N) => ({ shapes: { x: [N, C], b: [C] }, attrs: {} }),
  SplitHeads: (N) => ({
    shapes: { x: [N, 4 * D], positions: [N], table: [7, D] },
    attrs: { ...heads, rows: 1, length: N },
    ...positions,
  }),
  MergeHeads: (N) => ({
    shapes: { dy: [N, 4, 1, D], positions: [N], table: [7, D] },
    attrs: heads,
    ...positions,
  }),
  FlashAttentionDelta: (N) => alike(["y", "dy"], [N, 6], { heads: 2 }),
  Swiglu: (N) => ({ shapes: { x: [N, 2 * F] }, attrs: {} }),
  SwigluBack: (N) => ({ shapes: { x: [N, 2 * F], dy: [N, F] }, attrs: {} }),
  Rows: (N) => ({ shapes: { x: [9, C], index: [N] }, attrs: {}, whole: { index: [9] } }),
  RowsBack: (N) => ({ shapes: { dy: [N, C], index: [N] }, attrs: { rows: 9 }, whole: { index: [9] } }),
  CrossEntropy: (N) => ({
    shapes: { logits: [N, V], targets: [N], weights: [N] },
    attrs: {},
    whole: { targets: [V] },
  }),
  CrossEntropyBack: (N) => ({
    shapes: { logits: [N, V], targets: [N], weights: [N], dy: [N] },
    attrs: {},
    whole: { targets: [V] },
  }),
  AddSame: (N) => alike(["a", "b"], [N, C]),
  ScaleColumns: (N) => ({ shapes: { x: [N, C], l: [C] }, attrs: {} }),
  ColumnProducts: (N) => alike(["x", "dy"], [N, C]),
  HeadGate: (N) => ({ shapes: { y: [N, 2 * D], z: [N, 2] }, attrs: { factor: 2 } }),
  HeadGateBack: (N) => ({ shapes: { y: [N, 2 * D], z: [N, 2], dout: [N, 2 * D] }, attrs: { factor: 2 } }),
  MaskRows: (N) => ({ shapes: { x: [N, C], marked: [N] }, attrs: {}, whole: { marked: [2] } }),
};

/** The kernel with this case in place of its own. */
function withCase(name: string, made: Shaped): AnyKernel {
  const kernel = allKernels.find(({ kernel }) => kernel.name === name);
  if (!kernel) throw new RangeError(name);
  const run: AnyKernel = Object.assign((...args: Parameters<AnyKernel>) => kernel(...args), {
    all: kernel.all,
    kernel: { ...kernel.kernel, cases: [made] },
  });
  return run;
}

const casesOf = (N: (name: string) => number): NamedCase[] =>
  Object.entries(shapes).map(([name, make]) => ({
    kernel: withCase(name, make(N(name))),
    at: 0,
    name: `${name}, ${N(name)} rows`,
  }));
/** A workgroup for each row, which a software adapter is slow at: 66,000 of them are enough. */
const aGroupARow = /^(AddRmsNorm|RmsNorm|LayerNorm|CrossEntropy)(Back)?$/;
/** An embedding of many rows, few of which are taken. */
const wide: NamedCase = {
  name: "RowsBack, to 100000 rows",
  at: 0,
  kernel: withCase("RowsBack", {
    shapes: { dy: [7, C], index: [7] },
    attrs: { rows: 100_000 },
    whole: { index: [100_000] },
  }),
};
/** Without the derivatives: those of them that work row by row are in the table themselves, and autodiff takes long. */
const many = [...casesOf((name) => (aGroupARow.test(name) ? 66_000 : 100_000)), wide].map(({ kernel, ...rest }) => {
  const { gradient: _, ...meaning } = kernel.kernel;
  return { ...rest, kernel: Object.assign(kernel, { kernel: meaning }) };
});
const one = casesOf(() => 1);
/** Sums over rows: the outputs that have numbers where there are no rows. */
const overRows = /^(ColumnProducts|HeadNormWeight|LayerNormWeight|LinearWeight|LoraUp|RmsNormWeight|RowsBack|SumRows)$/;
/** Defines the tests for a backend. */
export function testManyRows(backend: Device["backend"]): void {
  describe(`${backend}: rows`, () => {
    const failures: string[] = [];
    let before = 0;
    beforeAll(async () => {
      await loadMeanings([...many, ...one]);
      await openDevice(backend);
      if (backend === "webgpu") {
        const { device } = tf.backend() as unknown as Backend;
        device.addEventListener("uncapturederror", ({ error }) => failures.push(error.message));
      }
      before = deviceMemory().tensors;
    }, 300_000);
    afterAll(() => {
      expect(deviceMemory().tensors).toBe(before);
    });

    it.each([...many, ...one])("$name", async (named) => {
      await expectMeaning(named);
      expect(failures.splice(0)).toEqual([]);
    });

    const none = casesOf(() => 0);
    it.each(none)("$name", async ({ kernel }) => {
      const { y, gradients } = await outcome(kernel, 0, "own");
      expect(failures.splice(0)).toEqual([]);
      for (const values of [y, ...Object.values(gradients)]) expect(values.every((value) => value === 0)).toBe(true);
      expect(y.length > 0).toBe(overRows.test(kernel.kernel.name));
    });

    it("attention under which each token sees only itself is its value", async () => {
      const [T, H, K] = [70, 4, 2];
      const qkv = tf.randomNormal<tf.Rank.R4>([1, H + 2 * K, T, D], 0, 1, "float32", 3);
      const segments = tf.range(0, T, 1, "int32");
      const dy = tf.randomNormal<tf.Rank.R2>([T, H * D], 0, 1, "float32", 4);
      const { value, grads } = tf
        .engine()
        .gradients(() => attention(qkv, segments, { heads: H, keyValueHeads: K }), [qkv], dy);
      const read = async (x: tf.Tensor | undefined) => Array.from((await x?.data()) ?? []);
      const [x, y, dx, d] = [await read(qkv), await read(value), await read(grads[0]), await read(dy)];
      const at = (row: number, token: number, place: number) => (row * T + token) * D + place;
      let furthest = 0;
      const expectNear = (a: number | undefined, b: number) => {
        furthest = Math.max(furthest, Math.abs((a ?? Number.NaN) - b));
      };
      for (let t = 0; t < T; t++) {
        for (let p = 0; p < D; p++) {
          for (let h = 0; h < H; h++) {
            expectNear(y[(t * H + h) * D + p], x[at(H + K + Math.floor(h / (H / K)), t, p)] ?? Number.NaN);
          }
          for (let row = 0; row < H + K; row++) expectNear(dx[at(row, t, p)], 0);
          for (let k = 0; k < K; k++) {
            const group = Array.from({ length: H / K }, (_, i) => d[(t * H + (k * H) / K + i) * D + p] ?? Number.NaN);
            expectNear(
              dx[at(H + K + k, t, p)],
              group.reduce((sum, each) => sum + each, 0),
            );
          }
        }
      }
      expect(furthest).toBeLessThan(1e-5);
      tf.dispose([qkv, segments, dy, value, grads]);
      expect(failures.splice(0)).toEqual([]);
    });
  });
}
