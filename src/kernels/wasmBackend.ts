/**
 * @file The CPU path: a tfjs backend whose tensors live in WebAssembly memory, where our own SIMD kernels work on them
 * in place, by several threads where the host lets memory be shared. What has no such kernel runs as tfjs' plain
 * JavaScript on views of the same memory.
 */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { byRuns } from "./boxKernels";
import { type Heap, newHeap } from "./heap";
import { sizeOf } from "./shape";
import { MathBackendCPU, tf } from "./tf";
import { compileKernels, type FunctionName, functions } from "./wasm/module";
import { controlBytes, countThreads, newThreads, type Threads } from "./wasm/threads";

/** Which compiled function makes a tensor, in how many independent pieces of work, and from what numbers. */
export type WasmCall = {
  fn: FunctionName;
  outputShape: number[];
  dtype?: "float32" | "int32";
  /** Shapes of outputs beside the first. */
  more?: number[][];
  /** Pieces of work: each is done by one thread, in any order, and the result never depends on who did it. */
  work: number;
  /** After the addresses of the outputs and the inputs. */
  args: (number | { float: number })[];
  /** So many of the first inputs are written over, and are the outputs. */
  inPlace?: number;
  /** Bytes of working memory a thread needs. */
  scratch?: number;
  /** Arithmetic operations, about; eight for each number of the output where not said. Little work wakes no thread. */
  cost?: number;
};

/** Below this, waking a thread costs more than it helps. */
const threadedCost = 300_000;

type Values = Float32Array | Int32Array | Uint8Array;
type Entry = {
  dtype: tf.DataType;
  refCount: number;
  values: Values;
  address: number;
  bytes: number;
  /** In another tensor's memory, which is that one's to free. */
  isView?: boolean;
};

/** tfjs asks for a class here; all state of ours is in the records it is made of. */
export class WasmBackend extends MathBackendCPU {
  private scratch = { address: 0, bytes: 0 };
  constructor(
    private readonly heap: Heap,
    private readonly pool: Threads,
    readonly relaxed: boolean,
  ) {
    super();
  }

  get threads(): number {
    return this.pool.count;
  }

  /** Bytes in use, and bytes taken from the host. */
  heapBytes(): { used: number; reserved: number } {
    return { used: this.heap.used(), reserved: this.heap.reserved() };
  }

  /** The most bytes that were used since this was last asked with `restart`. */
  heapPeak(restart = false): number {
    const peak = this.heap.peak();
    if (restart) this.heap.restartPeak();
    return peak;
  }

  override write(values: tf.BackendValues | null, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues | null, shape: number[], dtype: tf.DataType, refs: number) {
    if (dtype === "string" || dtype === "complex64") {
      super.move(dataId, values as tf.BackendValues, shape, dtype, refs);
      return;
    }
    const entry = this.reserve(sizeOf(shape), dtype, refs);
    if (values) entry.values.set(values as Values);
    this.data.set(dataId, entry);
  }

  private reserve(size: number, dtype: tf.DataType, refCount: number): Entry {
    const bytes = size * (dtype === "bool" ? 1 : 4);
    return this.entryAt(this.heap.allocate(bytes), size, dtype, refCount, bytes);
  }

  private entryAt(address: number, size: number, dtype: tf.DataType, refCount: number, bytes: number): Entry {
    const { memory } = this.heap;
    // Looked up each time: growth replaces the buffer where it is not shared.
    const view = () => {
      if (dtype === "bool") return new Uint8Array(memory.buffer, address, size);
      if (dtype === "int32") return new Int32Array(memory.buffer, address, size);
      return new Float32Array(memory.buffer, address, size);
    };
    return {
      dtype,
      refCount,
      address,
      bytes,
      get values() {
        return view();
      },
    };
  }

  /**
   * The data of a tensor that lies in the memory of `whole`, from its number `offset` on: no copy, and every number
   * written to one is there in the other. `whole` must outlive it.
   */
  view(whole: tf.TensorInfo, offset: number, shape: number[]): object {
    const { address, dtype, bytes } = this.entry(whole.dataId);
    const size = sizeOf(shape);
    if (dtype !== "float32" || offset < 0 || 4 * (offset + size) > bytes) {
      throw new StudioError("bug", say`A view reaches beyond its tensor`);
    }
    const dataId = {};
    this.data.set(
      dataId,
      Object.assign(this.entryAt(address + 4 * offset, size, dtype, 1, 4 * size), { isView: true }),
    );
    return dataId;
  }

  private entry(dataId: object): Entry {
    const entry = this.data.get(dataId) as unknown as Partial<Entry> | undefined;
    if (entry?.address === undefined)
      throw new StudioError("bug", say`A kernel was given a tensor that is not numeric`);
    return entry as Entry;
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  /** A copy: the memory itself is used again. */
  override readSync(dataId: object): tf.BackendValues {
    const entry = this.data.get(dataId) as unknown as Partial<Entry>;
    return entry.address === undefined ? super.readSync(dataId) : (entry as Entry).values.slice();
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.data.has(dataId) ? (this.data.get(dataId) as unknown as Partial<Entry>) : undefined;
    const isFreed = super.disposeData(dataId, force);
    if (isFreed && entry?.address !== undefined && !entry.isView) this.heap.free(entry.address, entry.bytes ?? 0);
    return isFreed;
  }

  override memory() {
    return { unreliable: false, reasons: [] };
  }

  override dispose(): void {
    this.pool.stop();
  }

  /** Runs one of our kernels. Its arguments are the addresses of the outputs, those of the inputs, then the numbers. */
  call(request: WasmCall, inputs: tf.TensorInfo[]): tf.TensorInfo[] {
    const { fn, outputShape, dtype = "float32", more = [], work, args, inPlace = 0, scratch = 0, cost } = request;
    const outputs =
      inPlace > 0
        ? inputs.slice(0, inPlace).map(sameData)
        : [outputShape, ...more].map((shape) => this.made(shape, dtype));
    if (inPlace > 0) for (const { dataId } of outputs) this.incRef(dataId);
    const words = Int32Array.from([
      ...[...outputs, ...inputs].map(({ dataId }) => this.entry(dataId).address),
      ...args.map((value) => (typeof value === "number" ? value : bitsOf(value.float))),
    ]);
    this.reserveScratch(scratch);
    const size = outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (size > 0) {
      const isThreaded = work > 1 && (cost ?? 8 * size) >= threadedCost;
      this.pool.run(functions.indexOf(fn), words, work, isThreaded, this.scratch);
    }
    return outputs;
  }

  private made(shape: number[], dtype: "float32" | "int32"): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, this.reserve(sizeOf(shape), dtype, 1));
    return { dataId, shape, dtype };
  }

  /** Every thread has its own part, as large as any call has asked for. */
  private reserveScratch(bytes: number): void {
    const wanted = Math.ceil(bytes / 64) * 64;
    if (wanted <= this.scratch.bytes) return;
    if (this.scratch.bytes > 0) this.heap.free(this.scratch.address, this.scratch.bytes * this.pool.count);
    this.scratch = { address: this.heap.allocate(wanted * this.pool.count), bytes: wanted };
  }
}

/** The data of a tensor for a new one: given the tensor itself, tfjs would take it for the output, and dispose of it. */
export const sameData = ({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo => ({ dataId, shape, dtype });

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

function bitsOf(value: number): number {
  floats[0] = value;
  return bits[0] ?? 0;
}

/** Compiles the kernels and starts the threads, `most` of them at most. Throws where the host has no SIMD. */
export async function newWasmBackend(most = 8): Promise<WasmBackend> {
  const count = Math.min(countThreads(), most);
  const shared = count > 1;
  const { module, relaxed } = await compileKernels(shared);
  const heap = newHeap(shared);
  const threads = await newThreads(module, heap.memory, heap.allocate(controlBytes), count);
  copyPlainKernels();
  return new WasmBackend(heap, threads, relaxed);
}

/** A kernel registered for this backend is called with this backend. */
export function asWasm(backend: unknown): WasmBackend {
  if (!(backend instanceof WasmBackend)) throw new StudioError("bug", say`A WebAssembly kernel ran on another backend`);
  return backend;
}

/** tfjs' JavaScript kernels serve whatever has none of our own. */
function copyPlainKernels(): void {
  for (const kernel of tf.getKernelsForBackend("cpu")) {
    const ours: unknown = tf.getKernel(kernel.kernelName, "wasm"); // tfjs types it as always there
    if (ours) continue;
    const kernelFunc = kernel.kernelName === "Add" ? fastAdd(kernel) : byRuns(kernel);
    tf.registerKernel({ ...kernel, backendName: "wasm", kernelFunc });
  }
}

/** The tape adds gradients with tfjs' own Add, which takes any shapes: those alike go to our kernel. */
function fastAdd({ kernelFunc }: tf.KernelConfig): tf.KernelFunc {
  return (params) => {
    const { a, b } = params.inputs;
    const isAlike = a?.dtype === "float32" && b?.dtype === "float32" && tf.util.arraysEqual(a.shape, b.shape);
    if (!a || !b || !isAlike) return kernelFunc(params);
    const size = sizeOf(a.shape);
    const call: WasmCall = { fn: "add", outputShape: a.shape, work: Math.ceil(size / 8192), args: [size] };
    const [sum] = asWasm(params.backend).call(call, [a, b]);
    return sum ?? kernelFunc(params);
  };
}

/** Bytes of working memory for a matrix product, and for one with blocks of attention scores of rows this long. */
export const productScratch = 32768;
/** Of one whose weight is packed: eight blocks of it more. */
export const packedScratch = productScratch + 1024;
export function scoresScratch(length: number, blocks: number): number {
  return productScratch + blocks * 48 * length * 4;
}
