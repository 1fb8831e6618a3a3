/** @file Training the base's own weights, all of them, the last blocks', or the biases: copies that take the base's place in the decoder. */

import { type MethodKind, type MethodOf, methodTensors } from "../../core/adaptation";
import { linearPath, linearShape, type StackName, stackNames, stacksOf } from "../../core/adapter";
import { architectures, type NormPlace } from "../../core/architectures";
import type { ModelConfig } from "../../core/model";
import { unpackWeight } from "../../core/packing";
import { normPlaces, tensorNames } from "../../core/tensorNames";
import { transposed } from "../../core/transposed";
import type { tf } from "../../kernels/tf";
import type { Weight } from "../../kernels/weight";
import type { Layer, Llama, Norm } from "../llama";
import type { MethodModule, NumbersOf, Tensors } from "./method";

/** A tensor on the device, and the files' tensors that it is made of, one after the other. */
type Place = {
  /** On the device: `layers.0.qkv.weight`. */
  name: string;
  shape: number[];
  /** Files' names with their sizes; a null stands for zeros, as a layer without a bias has in a stack of some with. */
  from: { name: string | null; size: number }[];
  /** Rows and columns change places, as Conv1D keeps them. */
  isTransposed: boolean;
  /** The device's number less the file's: Gemma's norms are kept as 1 + w. */
  offset: number;
};

/** The device's tensors that hold those named. */
function placesOf(config: ModelConfig, trained: ReadonlyMap<string, number[]>): Place[] {
  const { norm, isTransposed } = architectures[config.architecture];
  const { hiddenSize: C, headDim: D, vocabSize: V } = config;
  const names = tensorNames(config);
  const offset = norm === "rmsPlusOne" ? 1 : 0;
  const places: Place[] = [];
  const add = (name: string, shape: number[], from: Place["from"], rest: Partial<Place> = {}) => {
    if (from.some((each) => each.name !== null && trained.has(each.name)))
      places.push({ name, shape, from, isTransposed: false, offset: 0, ...rest });
  };
  const addNorm = (name: string, fileName: string) => {
    add(`${name}.weight`, [C], [{ name: `${fileName}.weight`, size: C }], { offset });
    add(`${name}.bias`, [C], [{ name: `${fileName}.bias`, size: C }]);
  };
  add("embedding", [V, C], [{ name: names.embedding, size: V * C }]);
  if (names.positions)
    add("positions", [config.maxPositions, C], [{ name: names.positions, size: config.maxPositions * C }]);
  for (let i = 0; i < config.layers; i++) {
    for (const place of normPlaces) {
      const fileName = names.normOf(i, place);
      if (fileName) addNorm(`layers.${i}.norms.${place}`, fileName);
    }
    if (config.hasHeadNorms) {
      add(
        `layers.${i}.headNorms`,
        [2, D],
        names.headNormsOf(i).map((name) => ({ name, size: D })),
        { offset },
      );
    }
    for (const stack of stackNames) {
      const linears = stacksOf(config)[stack].map((name) => ({
        path: linearPath(i, name),
        shape: linearShape(config, name),
      }));
      const rows = linears.reduce((sum, { shape: [out] }) => sum + out, 0);
      const width = linears[0]?.shape[1] ?? 0;
      add(
        `layers.${i}.${stack}.weight`,
        [rows, width],
        linears.map(({ path, shape: [out, in_] }) => ({ name: `${path}.weight`, size: out * in_ })),
        { isTransposed },
      );
      add(
        `layers.${i}.${stack}.bias`,
        [rows],
        linears.map(({ path, shape: [out] }) => ({
          name: trained.has(`${path}.bias`) ? `${path}.bias` : null,
          size: out,
        })),
      );
    }
  }
  addNorm("norm", names.norm);
  if (!config.tieWordEmbeddings) add("head", [V, C], [{ name: names.head, size: V * C }]);
  return places;
}

function join(places: readonly Place[], numbersOf: NumbersOf): Tensors {
  return new Map(
    places.map(({ name, shape, from, isTransposed, offset }) => {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      let at = 0;
      for (const each of from) {
        const numbers = each.name === null ? null : numbersOf(each.name);
        if (numbers) values.set(isTransposed ? transposed(numbers, shape[1] ?? 1) : numbers, at);
        at += each.size;
      }
      return [name, { shape, values: offset === 0 ? values : values.map((x) => x + offset) }];
    }),
  );
}

function split(places: readonly Place[], shapes: ReadonlyMap<string, number[]>, numbersOf: NumbersOf): Tensors {
  const found: Tensors = new Map();
  for (const { name, shape, from, isTransposed, offset } of places) {
    const numbers = numbersOf(name) ?? new Float32Array(0);
    let at = 0;
    for (const each of from) {
      const own = numbers.slice(at, at + each.size);
      at += each.size;
      if (each.name === null) continue;
      const values = isTransposed ? transposed(own, own.length / (shape[1] ?? 1)) : own;
      const fileShape = shapes.get(each.name) ?? [];
      found.set(each.name, { shape: fileShape, values: offset === 0 ? values : values.map((x) => x - offset) });
    }
  }
  return new Map(
    [...shapes.keys()].flatMap((name) => (found.has(name) ? [[name, found.get(name)]] : [])) as [string, never][],
  );
}

/** The numbers of the base on the device, under the places' names. */
async function readBase(llama: Llama, places: readonly Place[]): Promise<Map<string, Float32Array>> {
  const numbers = new Map<string, Float32Array>();
  for (const { name, shape } of places) {
    const found = baseTensor(llama, name);
    const size = shape.reduce((a, b) => a * b, 1);
    numbers.set(name, found ? await readNumbers(found) : new Float32Array(size));
  }
  return numbers;
}

async function readNumbers(found: Weight | tf.Tensor): Promise<Float32Array> {
  if (!("format" in found)) return Float32Array.from((await found.data()) as Float32Array);
  const { values, format, width } = found;
  const data = await values.data();
  return format === "f32" ? Float32Array.from(data) : unpackWeight(data as Int32Array, width, format);
}

/** What the base has at a place; null where it has nothing yet, as of biases that begin at zero. */
function baseTensor(llama: Llama, name: string): Weight | tf.Tensor | null {
  if (name === "embedding") return llama.embedding;
  if (name === "head") return llama.head;
  if (name === "positions") return llama.positions;
  const [first, second, third, fourth] = name.split(".");
  if (first === "norm") return second === "bias" ? llama.norm.bias : llama.norm.weight;
  const layer = llama.layers[Number(second)] as Layer;
  if (third === "headNorms") return layer.headNorms;
  if (third === "norms") {
    const [, , , place, part] = name.split(".");
    const norm = layer.norms[place as NormPlace];
    return (part === "bias" ? norm?.bias : norm?.weight) ?? null;
  }
  return fourth === "bias" ? layer.biases[third as StackName] : layer.stacks[third as StackName];
}

/** The model with the trained tensors in their places; all others are the base's. */
function withTrained(llama: Llama, trained: ReadonlyMap<string, tf.Tensor>): Llama {
  const weight = (name: string, base: Weight): Weight => {
    const own = trained.get(name) as tf.Tensor2D | undefined;
    return own ? { format: "f32", width: base.width, values: own } : base;
  };
  const norm = (name: string, base: Norm): Norm => ({
    weight: (trained.get(`${name}.weight`) as tf.Tensor1D | undefined) ?? base.weight,
    bias: (trained.get(`${name}.bias`) as tf.Tensor1D | undefined) ?? base.bias,
  });
  const layers = llama.layers.map((layer, i): Layer => {
    const path = `layers.${i}`;
    const at = (place: NormPlace) => {
      const base = layer.norms[place];
      return base && norm(`${path}.norms.${place}`, base);
    };
    const each = <T>(make: (stack: StackName) => T) =>
      Object.fromEntries(stackNames.map((stack) => [stack, make(stack)])) as Record<StackName, T>;
    return {
      norms: {
        input: norm(`${path}.norms.input`, layer.norms.input),
        feedForward: norm(`${path}.norms.feedForward`, layer.norms.feedForward),
        afterAttention: at("afterAttention"),
        afterFeedForward: at("afterFeedForward"),
      },
      headNorms: (trained.get(`${path}.headNorms`) as tf.Tensor2D | undefined) ?? layer.headNorms,
      stacks: each((stack) => weight(`${path}.${stack}.weight`, layer.stacks[stack])),
      biases: each((stack) => (trained.get(`${path}.${stack}.bias`) as tf.Tensor1D | undefined) ?? layer.biases[stack]),
    };
  });
  const embedding = weight("embedding", llama.embedding);
  return {
    ...llama,
    embedding,
    positions: (trained.get("positions") as tf.Tensor2D | undefined) ?? llama.positions,
    layers,
    norm: norm("norm", llama.norm),
    head: llama.head === llama.embedding ? embedding : weight("head", llama.head),
  };
}

type OwnKind = Extract<MethodKind, "full" | "last" | "bias">;

/** Full fine-tuning, the last blocks and the biases differ only in which tensors are trained. */
function newModule<K extends OwnKind>(): MethodModule<K, Llama> {
  const of = (config: ModelConfig, method: MethodOf<OwnKind>) => {
    const shapes = methodTensors(config, method);
    return { shapes, places: placesOf(config, shapes) };
  };
  return {
    draw: async (llama, method) => {
      const { shapes, places } = of(llama.config, method);
      const base = await readBase(llama, places);
      return split(places, shapes, (name) => base.get(name));
    },
    join: (config, method, numbersOf) => join(of(config, method).places, numbersOf),
    split: (config, method, numbersOf) => {
      const { shapes, places } = of(config, method);
      return split(places, shapes, numbersOf);
    },
    attach: (llama, method, part) =>
      withTrained(llama, new Map(of(llama.config, method).places.map(({ name }) => [name, part(name)]))),
  };
}

export const fullModule = newModule<"full">();
export const lastModule = newModule<"last">();
export const biasModule = newModule<"bias">();
