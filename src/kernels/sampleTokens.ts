/**
 * @file Sampling on the device: the next tokens from logits and draws, and what a step of generation needs to know of
 * each row beside its token.
 *
 * Shapes: logits [B, V]; draws [B] in [0, 1); tokens [B] int32; starts, seeds, positions [B] int32.
 *
 * On the GPU one workgroup serves one row. Nothing is sorted: the border of top-k, and then that of top-p, is found
 * digit by digit in the floats' bits, put so that their order is that of unsigned numbers (radix selection).
 */

import { newRandom } from "../core/random";
import { defineKernel } from "./kernel";
import { type Filters, leastBelow, leastExponent, sampleRow } from "./sampleRow";
import { clampedGroup, element, perElement, perRow } from "./shape";
import { tf } from "./tf";

type Numbers = Float32Array | Int32Array;

/** The numbers of a tensor of the CPU's backends, where they lie: a row of logits is long, and read once. */
function numbersOf({ dataId }: tf.Tensor): Numbers {
  return (tf.backend() as unknown as { data: { get: (id: object) => { values: Numbers } } }).data.get(dataId).values;
}

const greedy: Filters = { temperature: 0, topK: 0, topP: 1, minP: 0 };
const free: Filters = { temperature: 1, topK: 0, topP: 1, minP: 0 };

const sample = defineKernel({
  name: "SampleTokens",
  inputs: ["logits", "draws"],
  reference: ({ logits, draws }: { logits: tf.Tensor2D; draws: tf.Tensor1D }, filters: Filters) => {
    const [B, V] = logits.shape;
    const values = numbersOf(logits) as Float32Array;
    const drawn = numbersOf(draws);
    const tokens = Int32Array.from({ length: B }, (_, b) =>
      sampleRow(values.subarray(b * V, (b + 1) * V), filters, drawn[b] ?? 0),
    );
    return tf.tensor1d(tokens, "int32");
  },
  gpu: ({ logits }, filters) => {
    const [B, V] = logits.shape;
    const { temperature, topK, topP, minP } = filters;
    const isGreedy = temperature <= 0;
    const lanes = V <= 4096 ? 64 : 256;
    return {
      ...perRow([B], B),
      dtype: "int32",
      workgroupSize: [lanes, 1, 1],
      constants: {
        lanes,
        greedy: Number(isGreedy),
        topK: Number(!isGreedy && topK > 0 && topK < V),
        topP: Number(!isGreedy && topP < 1),
        minP: Number(!isGreedy && minP > 0),
      },
      uniforms: {
        cold: { type: "float32", value: isGreedy ? 0 : 1 / temperature },
        most: { type: "float32", value: topK },
        share: { type: "float32", value: topP },
        bound: { type: "float32", value: isGreedy ? 0 : leastBelow(filters) },
      },
      wgsl: (constants) => (constants["greedy"] ? greedySource(constants) : sampledSource(constants)),
    };
  },
  cases: [
    { B: 3, V: 1, filters: free },
    { B: 5, V: 29, filters: greedy },
    { B: 9, V: 100, filters: free },
    { B: 9, V: 129, filters: { ...free, temperature: 0.7, topK: 7 } },
    { B: 9, V: 129, filters: { ...free, topK: 500 } },
    { B: 9, V: 200, filters: { ...free, temperature: 1.3, topP: 0.8 } },
    { B: 9, V: 70, filters: { ...free, minP: 0.1 } },
    { B: 17, V: 513, filters: { temperature: 0.9, topK: 40, topP: 0.9, minP: 0.05 } },
    { B: 2, V: 50_000, filters: greedy },
    { B: 2, V: 50_000, filters: { temperature: 0.8, topK: 200, topP: 0.95, minP: 0.01 } },
  ].map(({ B, V, filters }) => ({ shapes: { logits: [B, V], draws: [B] }, attrs: filters })),
});

type Constants = Record<string, number>;

/** The row's largest logit and its id, in `topKey` and `topId` of every lane. */
const topSource = ({ lanes }: Constants) => `
  const lanes = ${lanes}u;
  var<private> lane: u32;
  var<private> row: u32;
  var<private> topKey: u32;
  var<private> topId: u32;
  var<workgroup> keys: array<u32, lanes>;
  var<workgroup> ids: array<u32, lanes>;

  fn length() -> u32 { return u32(uniforms.logitsShape[1]); }

  // Unsigned numbers in the order of the floats: both zeros are one, and what is no number comes below all.
  fn keyAt(i: u32) -> u32 {
    let bits = bitcast<u32>(logits[row * length() + i]);
    let size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) { return 0u; }
    if (size == 0u) { return 0x80000000u; }
    return select(bits | 0x80000000u, ~bits, bits > 0x7fffffffu);
  }

  fn findTop() {
    var key = 0u;
    var id = 0xffffffffu;
    for (var i = lane; i < length(); i += lanes) {
      let k = keyAt(i);
      if (k > key || id == 0xffffffffu) { key = k; id = i; }
    }
    keys[lane] = key;
    ids[lane] = id;
    workgroupBarrier();
    for (var width = lanes / 2u; width > 0u; width /= 2u) {
      if (lane < width) {
        let k = keys[lane + width];
        let j = ids[lane + width];
        if (k > keys[lane] || (k == keys[lane] && j < ids[lane])) { keys[lane] = k; ids[lane] = j; }
      }
      workgroupBarrier();
    }
    topKey = keys[0];
    topId = ids[0];
    workgroupBarrier();
  }`;

const greedySource = (constants: Constants) => `
  ${topSource(constants)}
  fn main() {
    lane = localId.x;
    row = ${clampedGroup("uniforms.outShape[0]")};
    findTop();
    if (lane == 0u) { result[row] = i32(topId); }
  }`;

const sampledSource = (constants: Constants) => `
  ${topSource(constants)}
  var<private> top: f32;
  // A token is in while its key is above the border, or on it with an id up to the last.
  var<private> border: u32;
  var<private> lastId: u32;
  var<workgroup> lower: array<vec4<f32>, lanes>;
  var<workgroup> upper: array<vec4<f32>, lanes>;

  fn valueOf(key: u32) -> f32 { return bitcast<f32>(select(~key, key & 0x7fffffffu, key > 0x7fffffffu)); }

  fn chanceOf(key: u32) -> f32 {
    let exponent = (valueOf(key) - top) * uniforms.cold;
    return select(0.0, exp(exponent), key > 0x007fffffu && exponent >= ${leastExponent}.0); // that key is −Infinity's
  }

  fn isIn(key: u32, id: u32) -> bool { return key > border || (key == border && id <= lastId); }

  // Every lane's own ids, one after another: for what goes by the order of the ids.
  fn firstOwn() -> u32 { return min(lane * ((length() + lanes - 1u) / lanes), length()); }
  fn pastOwn() -> u32 { return min((lane + 1u) * ((length() + lanes - 1u) / lanes), length()); }

  // The sum over the lanes before this one, and over all. One order of adding: no lane's part overlaps the next one's.
  fn sums(mine: f32) -> vec2<f32> {
    lower[lane].x = mine;
    workgroupBarrier();
    var before = 0.0;
    var all = 0.0;
    for (var j = 0u; j < lanes; j++) {
      if (j == lane) { before = all; }
      all += lower[j].x;
    }
    workgroupBarrier();
    return vec2<f32>(before, all);
  }

  fn largest(mine: u32) -> u32 {
    ids[lane] = mine;
    workgroupBarrier();
    var most = 0u;
    for (var j = 0u; j < lanes; j++) { most = max(most, ids[j]); }
    workgroupBarrier();
    return most;
  }

  // Moves the border to the smallest key such that what lies above it weighs less than is wanted: every token weighs
  // one, or its chance, and then a share of the whole is wanted. Three bits are settled in each round, the first two.
  fn narrow(byCount: bool, wanted: f32) {
    var found = 0u;
    var above = 0.0;
    var reach = wanted;
    for (var round = 0u; round < 11u; round++) {
      let shift = 30u - 3u * round;
      var a = vec4<f32>();
      var b = vec4<f32>();
      for (var i = lane; i < length(); i += lanes) {
        let key = keyAt(i);
        if (((key >> shift) >> 3u) != found || !isIn(key, i)) { continue; }
        var weight = 1.0;
        if (!byCount) { weight = chanceOf(key); }
        let digit = vec4<u32>((key >> shift) & 7u);
        a += select(vec4<f32>(), vec4<f32>(weight), digit == vec4<u32>(0u, 1u, 2u, 3u));
        b += select(vec4<f32>(), vec4<f32>(weight), digit == vec4<u32>(4u, 5u, 6u, 7u));
      }
      lower[lane] = a;
      upper[lane] = b;
      workgroupBarrier();
      for (var width = lanes / 2u; width > 0u; width /= 2u) {
        if (lane < width) {
          lower[lane] += lower[lane + width];
          upper[lane] += upper[lane + width];
        }
        workgroupBarrier();
      }
      a = lower[0];
      b = upper[0];
      workgroupBarrier();
      if (round == 0u && !byCount) { reach = max(wanted * (dot(a, vec4<f32>(1.0)) + dot(b, vec4<f32>(1.0))), 1e-30); }
      var digit = 7u;
      for (; digit > 0u; digit--) {
        var weight = 0.0;
        if (digit < 4u) { weight = a[digit]; } else { weight = b[digit - 4u]; }
        if (above + weight >= reach) { break; }
        above += weight;
      }
      found = found * 8u + digit;
    }
    // Of those on the border so many are in, the lowest ids first: while those before them weigh less than is wanted.
    var weight = 1.0;
    if (!byCount) { weight = chanceOf(found); }
    var places = f32(length());
    if (weight > 0.0) {
      places = max(floor((reach - above) / weight) - 1.0, 0.0); // the division may round either way
      for (var i = 0u; i < 3u; i++) { if (above + places * weight < reach) { places += 1.0; } }
    }
    var equals = 0.0;
    for (var i = firstOwn(); i < pastOwn(); i++) {
      let key = keyAt(i);
      if (key == found && isIn(key, i)) { equals += 1.0; }
    }
    let before = sums(equals).x;
    var last = 0u;
    if (equals > 0.0 && before < places) {
      var rank = before;
      for (var i = firstOwn(); i < pastOwn() && rank < places; i++) {
        let key = keyAt(i);
        if (key == found && isIn(key, i)) { last = i; rank += 1.0; }
      }
    }
    lastId = largest(last);
    border = found;
  }

  fn keptChance(i: u32) -> f32 {
    let key = keyAt(i);
    if (!isIn(key, i)${constants["minP"] ? " || valueOf(key) - top < uniforms.bound" : ""}) { return 0.0; }
    return chanceOf(key);
  }

  fn main() {
    lane = localId.x;
    row = ${clampedGroup("uniforms.outShape[0]")};
    border = 0u;
    lastId = 0xffffffffu;
    findTop();
    top = valueOf(topKey);
    ${constants["topK"] ? "narrow(true, uniforms.most);" : ""}
    ${constants["topP"] ? "narrow(false, uniforms.share);" : ""}
    var mine = 0.0;
    for (var i = firstOwn(); i < pastOwn(); i++) { mine += keptChance(i); }
    let sum = sums(mine);
    let goal = clamp(draws[row], 0.0, 0.99999994) * sum.y;
    // The last lane that begins at or before the goal: rounding can then not lead past them all.
    let owner = largest(select(0u, lane + 1u, mine > 0.0 && sum.x <= goal));
    if (owner == lane + 1u) {
      var reached = sum.x;
      var token = 0u;
      for (var i = firstOwn(); i < pastOwn() && reached <= goal; i++) {
        let chance = keptChance(i);
        if (chance > 0.0) { token = i; reached += chance; }
      }
      result[row] = i32(token);
    }
    if (owner == 0u && lane == 0u) { result[row] = i32(topId); }
  }`;

const ahead = defineKernel({
  name: "StepAhead",
  inputs: ["starts", "seeds"],
  outputs: 2,
  reference: ({ starts, seeds }: { starts: tf.Tensor1D; seeds: tf.Tensor1D }, { step }: { step: number }) => {
    const [from, seeded] = [numbersOf(starts), numbersOf(seeds)];
    const draws = Float32Array.from(seeded, (seed) => {
      const { next } = newRandom((seed + Math.imul(step, 0x6d2b79f5)) >>> 0);
      return Math.floor(next() * 2 ** 24) / 2 ** 24;
    });
    return [
      tf.tensor1d(
        Int32Array.from(from, (start) => start + step),
        "int32",
      ),
      tf.tensor1d(draws),
    ];
  },
  gpu: ({ starts }, { step }) => ({
    ...perElement(starts.shape),
    dtype: "int32",
    more: { draws: { shape: starts.shape } },
    uniforms: { step: { type: "uint32", value: step } },
    wgsl: () => `
      fn main() {
        let i = ${element};
        if (i >= u32(uniforms.outShape[0])) { return; }
        let a = u32(seeds[i]) + (uniforms.step + 1u) * 0x6d2b79f5u;
        var t = (a ^ (a >> 15u)) * (a | 1u);
        t ^= t + (t ^ (t >> 7u)) * (t | 61u);
        t ^= t >> 14u;
        result[i] = starts[i] + i32(uniforms.step);
        draws[i] = f32(t >> 8u) * ${2 ** -24};
      }`,
  }),
  cases: [
    { shapes: { starts: [3], seeds: [3] }, attrs: { step: 0 }, whole: { starts: [40], seeds: [2 ** 31] } },
    { shapes: { starts: [70], seeds: [70] }, attrs: { step: 999 }, whole: { starts: [400], seeds: [2 ** 31] } },
  ],
});

export const kernels = [sample, ahead];

/**
 * The next token of every row of logits [B, V], by a draw each of [B] (uniform in [0, 1)) → [B] int32. At temperature 0
 * the likeliest. Stays on the device: nothing is read back.
 */
export function sampleTokens(logits: tf.Tensor2D, draws: tf.Tensor1D, filters: Filters): tf.Tensor1D {
  const { temperature, topK, topP, minP } = filters;
  return sample({ logits, draws }, { temperature, topK, topP, minP }) as tf.Tensor1D;
}

/**
 * Each row's position at a step, starts[b] + step, and its draw then: the generator of core/random at that number of
 * draws from the row's seed, to 24 bits, so that every backend has the very same float.
 */
export function stepAhead(starts: tf.Tensor1D, seeds: tf.Tensor1D, step: number) {
  const [positions, draws] = ahead.all({ starts, seeds }, { step });
  if (!positions || !draws) throw new TypeError("StepAhead has two outputs");
  return { positions: positions as tf.Tensor1D, draws: draws as tf.Tensor1D };
}
