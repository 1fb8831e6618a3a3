/** @file Low-rank adaptation (Hu et al. 2021): small trained matrices beside frozen linears, as PEFT names them. */

import { type Lora, loraScale, methodTensors } from "../../core/adaptation";
import { linearPath, type StackName, stackNames, stackRows, stackShape, stacksOf } from "../../core/adapter";
import type { ModelConfig } from "../../core/model";
import { newRandom, seedFor } from "../../core/random";
import { rowSquares } from "../../kernels/adaptedNorms";
import type { Pairs } from "../../kernels/lora";
import type { tf } from "../../kernels/tf";
import type { Layer } from "../llama";
import { type MethodModule, type NumbersOf, stackPath, type Tensors, uniform } from "./method";

/** What of a stack's pairs belongs to which of its linear layers. */
type Place = {
  layer: number;
  stack: StackName;
  /** On the device: `layers.0.qkv`. */
  path: string;
  in_: number;
  /** The largest of its layers' ranks: smaller pairs are filled up with zeros, which stay so, as each is the other's only way to a gradient. */
  rank: number;
  /** Rows of w, and of b, of all its layers; those not adapted have pairs of zeros. */
  rows: number[];
  /** What B · A is multiplied by, by layer. */
  scales: number[];
  layers: { path: string; m: number; from: number; out: number; rank: number }[];
};

export type LoraStack = {
  pairs: Pairs;
  rows: number[];
  scale: number | readonly number[];
  /** DoRA: ‖W‖² of each row, and the trained lengths of each part's rows; null where a part is not adapted. */
  dora: { squares: tf.Tensor1D; magnitudes: (tf.Tensor1D | null)[] } | null;
};

export type LoraPart = { dropout: number; stacks: Map<string, LoraStack> };

function placesOf(config: ModelConfig, lora: Lora): Place[] {
  return Array.from({ length: config.layers }, (_, layer) =>
    stackNames.map((stack): Place => {
      const rows = stackRows(config, stack);
      const names = stacksOf(config)[stack];
      const layers = names.map((name, m) => ({
        path: linearPath(layer, name),
        m,
        from: rows.slice(0, m).reduce((a, b) => a + b, 0),
        out: rows[m] ?? 0,
        rank: loraScale(lora, name).rank,
      }));
      const adapted = layers.filter(({ m }) => lora.targetModules.includes(names[m] ?? "q_proj"));
      return {
        layer,
        stack,
        path: stackPath(layer, stack),
        in_: stackShape(config, stack)[1],
        rank: Math.max(0, ...adapted.map(({ rank }) => rank)),
        rows,
        scales: names.map((name) => loraScale(lora, name).scale),
        layers: adapted,
      };
    }),
  )
    .flat()
    .filter(({ layers }) => layers.length > 0);
}

/** [rows, from] as [rows, to]: the columns that both have. */
function withColumns(values: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return values;
  const rows = values.length / from;
  const out = new Float32Array(rows * to);
  for (let r = 0; r < rows; r++) out.set(values.subarray(r * from, r * from + Math.min(from, to)), r * to);
  return out;
}

const magnitudeName = (path: string, m: number) => `${path}.magnitude.${m}`;

function join(config: ModelConfig, lora: Lora, numbersOf: NumbersOf): Tensors {
  const places = placesOf(config, lora);
  const tensors: Tensors = new Map();
  const numbers = (name: string) => numbersOf(name) ?? new Float32Array(0);
  for (const { path, rank, in_, rows, layers } of places) {
    const a = new Float32Array(rows.length * rank * in_);
    for (const layer of layers) a.set(numbers(`${layer.path}.lora_A.weight`), layer.m * rank * in_);
    tensors.set(`${path}.a`, { shape: [rows.length * rank, in_], values: a });
    if (!lora.dora) continue;
    for (const { m, path: module, out } of layers) {
      const values = numbers(`${module}.lora_magnitude_vector`);
      tensors.set(magnitudeName(path, m), { shape: [out], values });
    }
  }
  // All b last, and together: LoRA+ has a learning rate of its own for them.
  for (const { path, rank, rows, layers } of places) {
    const out = rows.reduce((a, b) => a + b, 0);
    const b = new Float32Array(out * rank);
    for (const layer of layers) {
      b.set(withColumns(numbers(`${layer.path}.lora_B.weight`), layer.rank, rank), layer.from * rank);
    }
    tensors.set(`${path}.b`, { shape: [out, rank], values: b });
  }
  return tensors;
}

function split(config: ModelConfig, lora: Lora, numbersOf: NumbersOf): Tensors {
  const tensors: Tensors = new Map();
  const numbers = (name: string) => numbersOf(name) ?? new Float32Array(0);
  for (const { path, rank, in_, layers } of placesOf(config, lora)) {
    const [a, b] = [numbers(`${path}.a`), numbers(`${path}.b`)];
    for (const layer of layers) {
      const fromA = layer.m * rank * in_;
      const rowsOfB = b.slice(layer.from * rank, (layer.from + layer.out) * rank);
      tensors.set(`${layer.path}.lora_A.weight`, {
        shape: [layer.rank, in_],
        values: a.slice(fromA, fromA + layer.rank * in_),
      });
      tensors.set(`${layer.path}.lora_B.weight`, {
        shape: [layer.out, layer.rank],
        values: withColumns(rowsOfB, rank, layer.rank),
      });
      if (!lora.dora) continue;
      tensors.set(`${layer.path}.lora_magnitude_vector`, {
        shape: [layer.out],
        values: numbers(magnitudeName(path, layer.m)).slice(),
      });
    }
  }
  return tensors;
}

const squaresOf = (layers: readonly Layer[], { layer, stack }: Place): tf.Tensor1D =>
  rowSquares((layers[layer] as Layer).stacks[stack]);

export const loraModule: MethodModule<"lora", LoraPart> = {
  /**
   * Changes nothing yet: A as PEFT draws it, kaiming_uniform_(a = √5), that is uniform within ±1/√in; B zero; DoRA's
   * lengths those of W's rows.
   */
  draw: async ({ config, layers }, lora, seed) => {
    const tensors: Tensors = new Map();
    for (const [name, shape] of methodTensors(config, lora)) {
      const [first = 0, second = 1] = shape;
      if (name.endsWith(".lora_A.weight")) {
        const random = newRandom(seedFor(seed, name.slice(0, -".lora_A.weight".length)));
        tensors.set(name, { shape, values: uniform(first * second, 1 / Math.sqrt(second), () => random.next()) });
      } else {
        tensors.set(name, { shape, values: new Float32Array(first * second) });
      }
    }
    if (!lora.dora) return tensors;
    for (const place of placesOf(config, lora)) {
      const squares = squaresOf(layers, place);
      const lengths = Float32Array.from((await squares.data()) as Float32Array, Math.sqrt);
      squares.dispose();
      for (const { path, from, out } of place.layers) {
        tensors.get(`${path}.lora_magnitude_vector`)?.values.set(lengths.subarray(from, from + out));
      }
    }
    return tensors;
  },
  join,
  split,
  attach: ({ config, layers }, lora, part) => {
    const stacks = placesOf(config, lora).map((place): [string, LoraStack] => {
      const { path, rows, scales } = place;
      const isEven = scales.every((scale) => scale === scales[0]);
      const magnitudeOf = (m: number) =>
        place.layers.some((each) => each.m === m) ? (part(magnitudeName(path, m)) as tf.Tensor1D) : null;
      return [
        path,
        {
          pairs: { a: part(`${path}.a`) as tf.Tensor2D, b: part(`${path}.b`) as tf.Tensor2D },
          rows,
          scale: isEven ? (scales[0] ?? 1) : scales,
          dora: lora.dora
            ? { squares: squaresOf(layers, place), magnitudes: rows.map((_, m) => magnitudeOf(m)) }
            : null,
        },
      ];
    });
    return { dropout: lora.dropout, stacks: new Map(stacks) };
  },
  dispose: ({ stacks }) => {
    for (const { dora } of stacks.values()) dora?.squares.dispose();
  },
};
