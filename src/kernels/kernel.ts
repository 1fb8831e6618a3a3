/**
 * @file What a kernel is.
 *
 * A kernel has one meaning (`reference`), written in plain tfjs ops; fast paths written in WGSL (`gpu`) and in SIMD
 * WebAssembly (`wasm`); and one derivative (`gradient`). The meaning runs where there is no fast path, and is what the
 * tests compare against: its autodiff is the oracle of the derivative.
 */

import { dispatcherOf } from "./dispatch";
import { tf } from "./tf";
import { asWasm, sameData, type WasmCall } from "./wasmBackend";

type Inputs = Record<string, tf.Tensor>;
export type Attrs = Record<string, number>;
type Triple = [x: number, y: number, z: number];

/** An output's shape; numbers are floats where not said. */
export type Output = { shape: number[]; dtype?: "float32" | "int32" };

export type Program = {
  outputShape: number[];
  dtype?: "float32" | "int32";
  /** Outputs beside the first, by their names in the source. */
  more?: Record<string, Output>;
  /** So many of the first inputs are written over, and are the outputs. The caller gives them up. */
  inPlace?: number;
  workgroups: Triple;
  workgroupSize?: Triple;
  /** All that the source depends on. It is the whole cache key, so two sources can never share one. */
  constants?: Record<string, number>;
  /** Numbers that change from call to call without a new pipeline, read as `uniforms.NAME`. */
  uniforms?: Record<string, { type: "float32" | "int32" | "uint32"; value: number }>;
  /** Defines `fn main()`. Inputs are arrays under their own names, the first output is `result`. */
  wgsl: (constants: Record<string, number>) => string;
};

export type Case<I extends Inputs, A extends Attrs> = {
  shapes: { [K in keyof I]: number[] };
  attrs: A;
  /** Inputs that are not drawn from a normal distribution: whole numbers below a bound, or values in order. */
  whole?: { [K in keyof I]?: number[] };
  /** Inputs given as packed weights, by the number of their format; their shape here is [out, in]. */
  packed?: { [K in keyof I]?: number };
};

/** Every output's gradient, and the outputs themselves where the kernel has them saved. */
type Outputs = { dys: tf.Tensor[]; ys: tf.Tensor[] };

export type Kernel<I extends Inputs, A extends Attrs> = {
  name: string;
  /** Input names, in binding order. */
  inputs: readonly (keyof I & string)[];
  reference: (inputs: I, attrs: A) => tf.Tensor | tf.Tensor[];
  /** Outputs, the last `sideOutputs` of which only the derivative reads: no gradient comes back through them. */
  outputs?: number;
  sideOutputs?: number;
  /** Inputs that follow from the others: the caller has them at hand, and the meaning does not need them. */
  derive?: (inputs: I, attrs: A) => Partial<I>;
  /** The GPU path. Left out where tfjs' own ops will do. */
  gpu?: (inputs: I, attrs: A) => Program;
  /** The CPU path: which compiled function fills the output. Left out where tfjs' own ops are fast enough. */
  wasm?: (inputs: I, attrs: A) => WasmCall;
  /** Made of other kernels, on every backend, where no single program does it. Runs off the tape. */
  compose?: (inputs: I, attrs: A) => tf.Tensor | tf.Tensor[];
  /** One thunk per input that can be trained: tfjs never calls that of a frozen weight. */
  gradient?: (dy: tf.Tensor, inputs: I, attrs: A, all: Outputs) => { [K in keyof I]?: () => tf.Tensor };
  /** The inputs that `gradient` reads, which the tape keeps; all of them where not said. */
  saves?: readonly (keyof I & string)[];
  /** Whether `gradient` reads the outputs too, so that the tape keeps them. */
  savesOutput?: boolean;
  /** Shapes worth checking, smallest first. The tests and the benchmark take them from here. */
  cases: Case<I, A>[];
};

/** Registers a kernel with tfjs and returns the function that runs it; its `all` gives every output, not the first alone. */
export function defineKernel<I extends Inputs, A extends Attrs>(kernel: Kernel<I, A>) {
  const { name, inputs: names, gradient, gpu, wasm, compose = kernel.reference, outputs = 1 } = kernel;

  const composed = ({ inputs, attrs }: { inputs: object; attrs?: object }) =>
    tf.tidy(() => compose(inputs as I, attrs as A));
  tf.registerKernel({ kernelName: name, backendName: "cpu", kernelFunc: composed });
  tf.registerKernel({
    kernelName: name,
    backendName: "wasm",
    kernelFunc: wasm
      ? ({ inputs, attrs, backend }) =>
          asWasm(backend).call(wasm(inputs as unknown as I, attrs as A), tensorsOf(inputs, names))
      : composed,
  });
  tf.registerKernel({
    kernelName: name,
    backendName: "webgpu",
    kernelFunc: gpu
      ? ({ inputs, attrs, backend }) =>
          runOnGpu(gpu(inputs as unknown as I, attrs as A), name, names, tensorsOf(inputs, names), backend)
      : composed,
  });

  if (gradient) {
    const saves = kernel.saves ?? names;
    tf.registerGradient({
      kernelName: name,
      inputsToSave: [...saves],
      outputsToSave: Array.from({ length: outputs }, () => kernel.savesOutput === true),
      gradFunc: (dy, saved, attrs) => {
        const inputs = Object.fromEntries(saves.map((key, i) => [key, saved[i]])) as I;
        const dys = Array.isArray(dy) ? dy : [dy];
        const [first] = dys;
        if (!first) throw new TypeError(`${name} has no output`);
        const ys = saved.slice(saves.length);
        return gradient(first, inputs, attrs as A, { dys, ys }) as Record<string, () => tf.Tensor>;
      },
    });
  }

  const all = (inputs: I, attrs: A): tf.Tensor[] =>
    [tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attrs)].flat();
  const run = (inputs: I, attrs: A): tf.Tensor => {
    const [first, ...rest] = all(inputs, attrs);
    if (!first) throw new TypeError(`${name} has no output`);
    tf.dispose(rest);
    return first;
  };
  return Object.assign(run, { all, kernel });
}

function tensorsOf(inputs: tf.NamedTensorInfoMap, names: readonly string[]): tf.TensorInfo[] {
  return names.map((key) => {
    const tensor = inputs[key];
    if (!tensor) throw new TypeError(`Missing input ${key}`);
    return tensor;
  });
}

function runOnGpu(
  { outputShape, dtype, more = {}, workgroups, workgroupSize = [64, 1, 1], ...rest }: Program,
  name: string,
  inputNames: readonly string[],
  tensors: tf.TensorInfo[],
  backend: unknown,
): tf.TensorInfo[] {
  const { constants = {}, uniforms = {}, wgsl, inPlace = 0 } = rest;
  const inputs = tensors.map((tensor, i) => ({ name: inputNames[i] ?? "", tensor, inPlace: i < inPlace }));
  const fresh = [
    { name: "result", shape: outputShape, dtype: dtype ?? ("float32" as const) },
    ...Object.entries(more).map(([name, { shape, dtype = "float32" }]) => ({ name, shape, dtype })),
  ];
  const made = dispatcherOf(backend)({
    name,
    workgroups,
    workgroupSize,
    constants,
    uniforms,
    wgsl,
    inputs,
    outputs: inPlace > 0 ? [] : fresh,
  });
  const written = tensors.slice(0, inPlace).map(sameData);
  for (const { dataId } of written) (backend as { incRef: (id: object) => void }).incRef(dataId);
  return [...written, ...made];
}
