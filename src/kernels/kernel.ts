/**
 * @file What a kernel is.
 *
 * A kernel has one meaning (`reference`), written in plain tfjs ops; fast paths written in WGSL (`gpu`) and in SIMD
 * WebAssembly (`wasm`); and one derivative (`gradient`). The meaning runs where there is no fast path, and is what the
 * tests compare against: its autodiff is the oracle of the derivative.
 */

import { dispatcherOf } from "./dispatch";
import { tf } from "./tf";
import { asWasm, type WasmCall } from "./wasmBackend";

type Inputs = Record<string, tf.Tensor>;
export type Attrs = Record<string, number>;
type Triple = [x: number, y: number, z: number];

export type Program = {
  outputShape: number[];
  workgroups: Triple;
  workgroupSize?: Triple;
  /** All that the source depends on. It is the whole cache key, so two sources can never share one. */
  constants?: Record<string, number>;
  /** Numbers that change from call to call without a new pipeline, read as `uniforms.NAME`. */
  uniforms?: Record<string, { type: "float32" | "int32" | "uint32"; value: number }>;
  /** Defines `fn main()`. Inputs are arrays under their own names, the output is `result`. */
  wgsl: (constants: Record<string, number>) => string;
};

export type Case<I extends Inputs, A extends Attrs> = {
  shapes: { [K in keyof I]: number[] };
  attrs: A;
  /** Inputs that are not drawn from a normal distribution: whole numbers below a bound, or values in order. */
  whole?: { [K in keyof I]?: number[] };
};

export type Kernel<I extends Inputs, A extends Attrs> = {
  name: string;
  /** Input names, in binding order. */
  inputs: readonly (keyof I & string)[];
  reference: (inputs: I, attrs: A) => tf.Tensor;
  /** Inputs that follow from the others: the caller has them at hand, and the meaning does not need them. */
  derive?: (inputs: I, attrs: A) => Partial<I>;
  /** The GPU path. Left out where tfjs' own ops will do. */
  gpu?: (inputs: I, attrs: A) => Program;
  /** The CPU path: which compiled function fills the output. Left out where tfjs' own ops are fast enough. */
  wasm?: (inputs: I, attrs: A) => WasmCall;
  /** Made of other kernels, on every backend, where no single program does it. Runs off the tape. */
  compose?: (inputs: I, attrs: A) => tf.Tensor;
  /** One thunk per input that can be trained: tfjs never calls that of a frozen weight. */
  gradient?: (dy: tf.Tensor, inputs: I, attrs: A, y: tf.Tensor) => { [K in keyof I]?: () => tf.Tensor };
  /** Whether `gradient` reads the output too, so that the tape keeps it. */
  savesOutput?: boolean;
  /** Shapes worth checking, smallest first. The tests and the benchmark take them from here. */
  cases: Case<I, A>[];
};

/** Registers a kernel with tfjs and returns the function that runs it. */
export function defineKernel<I extends Inputs, A extends Attrs>(kernel: Kernel<I, A>) {
  const { name, inputs: names, gradient, gpu, wasm, compose = kernel.reference } = kernel;

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
    tf.registerGradient({
      kernelName: name,
      inputsToSave: [...names],
      outputsToSave: [kernel.savesOutput === true],
      gradFunc: (dy, saved, attrs) => {
        const inputs = Object.fromEntries(names.map((key, i) => [key, saved[i]])) as I;
        const y = saved[names.length] ?? (dy as tf.Tensor);
        return gradient(dy as tf.Tensor, inputs, attrs as A, y) as Record<string, () => tf.Tensor>;
      },
    });
  }

  const run = (inputs: I, attrs: A): tf.Tensor => tf.engine().runKernel(name, inputs, attrs);
  return Object.assign(run, { kernel });
}

function tensorsOf(inputs: tf.NamedTensorInfoMap, names: readonly string[]): tf.TensorInfo[] {
  return names.map((key) => {
    const tensor = inputs[key];
    if (!tensor) throw new TypeError(`Missing input ${key}`);
    return tensor;
  });
}

function runOnGpu(
  { outputShape, workgroups, workgroupSize = [64, 1, 1], constants = {}, uniforms = {}, wgsl }: Program,
  name: string,
  inputNames: readonly string[],
  tensors: tf.TensorInfo[],
  backend: unknown,
) {
  const inputs = tensors.map((tensor, i) => ({ name: inputNames[i] ?? "", tensor, inPlace: false }));
  const outputs = [{ name: "result", shape: outputShape }];
  const [output] = dispatcherOf(backend)({
    name,
    workgroups,
    workgroupSize,
    constants,
    uniforms,
    wgsl,
    inputs,
    outputs,
  });
  if (!output) throw new TypeError(`${name} has no output`);
  return output;
}
