/**
 * @file One compute dispatch on tfjs' WebGPU backend, made by ourselves on the backend's own encoder: several outputs,
 * writing in place, cached pipelines and bind groups, uniforms written once a submit. tfjs' own way gives one output,
 * makes a bind group and a uniform buffer each time, and hides extra workgroups above 65,535.
 */

import { StudioError } from "../core/errors";
import { adapterKey, enabledFeatures } from "./adapter";
import { sizeOf } from "./shape";
import type { tf } from "./tf";

type Triple = [x: number, y: number, z: number];
type Uniform = { type: "float32" | "int32" | "uint32"; value: number };

export type Dispatch = {
  /** Names the pipeline, and the kernel in errors. */
  name: string;
  workgroups: Triple;
  workgroupSize: Triple;
  constants: Record<string, number>;
  uniforms: Record<string, Uniform>;
  /** Defines `fn main()`, which may read `workgroupId`, `localId` and `numWorkgroups`. */
  wgsl: (constants: Record<string, number>) => string;
  inputs: { name: string; tensor: tf.TensorInfo; inPlace: boolean }[];
  outputs: { name: string; shape: number[]; dtype: "float32" | "int32" }[];
};

/** A part of the buffer of another tensor, `owner` (gpuView.ts). tfjs' own programs can bind it as it is. */
export type Place = { buffer: GPUBuffer; offset: number; size: number; owner: object };

/** What tfjs declares private of its backend; engine.md says what each is for. */
export type Backend = {
  device: GPUDevice;
  tensorMap: {
    get: (id: object) => { resource: GPUBuffer | Place | null; values: unknown; dtype: tf.DataType };
    set: (id: object, entry: object) => void;
  };
  write: (values: null, shape: number[], dtype: tf.DataType) => object;
  getBufferData: (buffer: GPUBuffer) => Promise<ArrayBuffer>;
  makeTensorInfo: (shape: number[], dtype: tf.DataType) => tf.TensorInfo;
  uploadToGPU: (id: object) => void;
  bufferManager: BufferManager;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  ensureCommandEncoderReady: () => void;
  endComputePassEncoder: () => void;
  dispatchCountInPass: number;
  submitQueue: () => void;
};

type BufferManager = {
  acquireBuffer: (size: number, usage: number, mapped?: boolean, reuse?: boolean) => GPUBuffer;
  freeBuffers: Map<string, GPUBuffer[]>;
  numFreeBuffers: number;
  numBytesAllocated: number;
};

/** Bytes of one dispatch's uniforms, at an alignment that every adapter takes as an offset. */
const slotBytes = 256;
const pageSlots = 256;
/** Dispatches a submit. Each submit costs the CPU and the GPU's process; a graphics card waits for the first. */
const submitEvery = 512;
const mostBindGroups = 8192;

/** A freed buffer that nobody has taken for so many submits is given back to the device. */
const idleSubmits = 64;

const trims = new WeakMap<object, (idle: number) => void>();

/** Gives all freed buffers of a WebGPU backend back to the device. */
export function trimBuffers(backend: unknown): void {
  const { commandEncoder, endComputePassEncoder, submitQueue } = backend as Backend;
  if (commandEncoder) {
    endComputePassEncoder.call(backend);
    submitQueue.call(backend); // a buffer that recorded commands read must outlive their submit
  }
  trims.get(backend as object)?.(0);
}

/** tfjs keeps every freed buffer, by its exact size, for ever: lengths that do not come again would fill the memory. */
function newTrimmer(manager: BufferManager, forget: () => void): (idle: number) => void {
  const freeSince = new WeakMap<GPUBuffer, number>();
  let submits = 0;
  const acquire = manager.acquireBuffer.bind(manager);
  manager.acquireBuffer = (...wanted) => {
    const buffer = acquire(...wanted);
    freeSince.delete(buffer);
    return buffer;
  };
  return (idle) => {
    submits++;
    let destroyed = 0;
    for (const [key, buffers] of manager.freeBuffers) {
      const kept = buffers.filter((buffer) => {
        const since = freeSince.get(buffer) ?? submits;
        freeSince.set(buffer, since);
        if (submits - since < idle) return true;
        manager.numBytesAllocated -= buffer.size;
        buffer.destroy();
        return false;
      });
      destroyed += buffers.length - kept.length;
      manager.freeBuffers.set(key, kept);
    }
    manager.numFreeBuffers -= destroyed;
    if (destroyed > 0) forget();
  };
}

type Pipeline = { id: number; pipeline: GPUComputePipeline; layout: GPUBindGroupLayout };
type Page = { buffer: GPUBuffer; bytes: ArrayBuffer };

export type Dispatcher = (call: Dispatch) => tf.TensorInfo[];

const dispatchers = new WeakMap<object, Dispatcher>();

/** Where a tensor's numbers lie on the device, uploaded if need be. */
export function placeOf(backend: Backend, { dataId }: tf.TensorInfo): { buffer: GPUBuffer } | Place {
  backend.uploadToGPU(dataId);
  const { resource } = backend.tensorMap.get(dataId);
  if (!resource) throw new StudioError("bug");
  return "owner" in resource ? resource : { buffer: resource };
}

/** The dispatcher of a WebGPU backend, made with its first kernel. */
export function dispatcherOf(backend: unknown): Dispatcher {
  const known = dispatchers.get(backend as object);
  if (known) return known;
  const made = newDispatcher(backend as Backend);
  dispatchers.set(backend as object, made);
  return made;
}

function newDispatcher(backend: Backend): Dispatcher {
  const { device } = backend;
  const pipelines = new Map<string, Pipeline>();
  const bindGroups = new Map<string, GPUBindGroup>();
  const bufferIds = new WeakMap<GPUBuffer, number>();
  const pages: Page[] = [];
  let buffers = 0;
  let slots = 0; // used since the last submit

  /** Bound for a tensor without numbers: no buffer may be empty. */
  const nothing = device.createBuffer({ label: "nothing", size: 4, usage: GPUBufferUsage.STORAGE });
  const submit = backend.submitQueue.bind(backend);
  const trim = newTrimmer(backend.bufferManager, () => bindGroups.clear());
  trims.set(backend, trim);
  backend.submitQueue = () => {
    // In the queue's order these writes come before the commands that read them, and after those of the last submit.
    pages.forEach(({ buffer, bytes }, i) => {
      const used = Math.min(pageSlots, slots - i * pageSlots);
      if (used > 0) device.queue.writeBuffer(buffer, 0, bytes, 0, used * slotBytes);
    });
    slots = 0;
    submit();
    trim(idleSubmits);
  };

  const takeSlot = (): { page: Page; pageAt: number; offset: number } => {
    const pageAt = Math.floor(slots / pageSlots);
    const page = (pages[pageAt] ??= {
      buffer: device.createBuffer({
        label: "uniforms",
        size: pageSlots * slotBytes,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      }),
      bytes: new ArrayBuffer(pageSlots * slotBytes),
    });
    const offset = (slots % pageSlots) * slotBytes;
    slots++;
    return { page, pageAt, offset };
  };

  const idOf = (buffer: GPUBuffer): number => {
    const known = bufferIds.get(buffer);
    if (known !== undefined) return known;
    buffers++;
    bufferIds.set(buffer, buffers);
    return buffers;
  };

  const pipelineOf = (call: Dispatch): Pipeline => {
    const inPlace = call.inputs.map(({ inPlace }) => (inPlace ? 1 : 0)).join("");
    const types = call.inputs.map(({ tensor }) => backend.tensorMap.get(tensor.dataId).dtype).join();
    const key = `${call.name} ${JSON.stringify(call.constants)} ${inPlace} ${types} ${call.workgroupSize.join()} ${adapterKey()}`;
    const known = pipelines.get(key);
    if (known) return known;
    const made = { id: pipelines.size, ...compile(device, call, types.split(",")) };
    pipelines.set(key, made);
    return made;
  };

  const placeKey = (place: { buffer: GPUBuffer } | Place) =>
    "owner" in place ? `${idOf(place.buffer)}:${place.offset}:${place.size}` : idOf(place.buffer);

  const bindGroupOf = (
    { id, layout }: Pipeline,
    label: string,
    { page, pageAt }: { page: Page; pageAt: number },
    bound: ({ buffer: GPUBuffer } | Place)[],
  ) => {
    const key = `${id} ${pageAt} ${bound.map(placeKey).join(" ")}`;
    const known = bindGroups.get(key);
    if (known) return known;
    if (bindGroups.size >= mostBindGroups) bindGroups.clear();
    const made = device.createBindGroup({
      label,
      layout,
      entries: [
        { binding: 0, resource: { buffer: page.buffer, size: slotBytes } },
        ...bound.map((resource, i) => ({ binding: i + 1, resource })),
      ],
    });
    bindGroups.set(key, made);
    return made;
  };

  return (call) => {
    const outputs = call.outputs.map(({ shape, dtype }) => backend.makeTensorInfo(shape, dtype));
    if (outputs.some(({ shape }) => sizeOf(shape) === 0)) {
      for (const { dataId, dtype } of outputs) {
        backend.tensorMap.get(dataId).values = dtype === "int32" ? new Int32Array(0) : new Float32Array(0);
      }
      return outputs;
    }
    checkLimits(device, call);
    const tensors = [...outputs, ...call.inputs.map(({ tensor }) => tensor)];
    const bound = tensors.map((tensor) =>
      sizeOf(tensor.shape) === 0 ? { buffer: nothing } : placeOf(backend, tensor),
    );
    const pipeline = pipelineOf(call);
    const slot = takeSlot();
    const { page, offset } = slot;
    fillUniforms(new DataView(page.bytes, offset, slotBytes), call);
    // tfjs would hold back what is disposed of until the submit. There is no need: commands run in order, and whatever
    // takes a freed buffer next is recorded after what read it last. So a step needs no more memory than its peak.
    // What was read of it before it was written over is no longer so.
    for (const { tensor, inPlace } of call.inputs) if (inPlace) backend.tensorMap.get(tensor.dataId).values = null;
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= backend.commandEncoder?.beginComputePass() ?? null;
    const pass = backend.computePassEncoder;
    if (!pass) throw new StudioError("bug");
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, bindGroupOf(pipeline, call.name, slot, bound), [offset]);
    pass.dispatchWorkgroups(...call.workgroups);
    backend.dispatchCountInPass++;
    if (backend.dispatchCountInPass >= submitEvery) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
    return outputs;
  };
}

function checkLimits({ limits }: GPUDevice, { workgroups, inputs, outputs }: Dispatch): void {
  const shapes = [...outputs.map(({ shape }) => shape), ...inputs.map(({ tensor }) => tensor.shape)];
  const bytes = Math.max(0, ...shapes.map((shape) => 4 * sizeOf(shape)));
  if (bytes > limits.maxStorageBufferBindingSize || bytes > limits.maxBufferSize) throw new StudioError("memory.full");
  if (Math.max(...workgroups) > limits.maxComputeWorkgroupsPerDimension) throw new StudioError("memory.full");
}

const typeOf = (dtype: string) => (dtype === "float32" ? "f32" : "i32");

const wgslTypes = { float32: "f32", int32: "i32", uint32: "u32" } as const;

/** The uniforms' fields in order: every tensor's shape, padded with ones, then the call's own numbers. */
const shapesOf = ({ inputs, outputs }: Dispatch): [name: string, shape: number[]][] => [
  ...inputs.map(({ name, tensor }): [string, number[]] => [`${name}Shape`, tensor.shape]),
  ...outputs.map(({ name, shape }): [string, number[]] => [name === "result" ? "outShape" : `${name}Shape`, shape]),
];

function fillUniforms(view: DataView, call: Dispatch): void {
  let at = 0;
  for (const [, shape] of shapesOf(call)) {
    for (let axis = 0; axis < 4; axis++, at += 4) view.setInt32(at, shape[axis] ?? 1, true);
  }
  for (const { type, value } of Object.values(call.uniforms)) {
    if (type === "float32") view.setFloat32(at, value, true);
    else if (type === "int32") view.setInt32(at, value, true);
    else view.setUint32(at, value, true);
    at += 4;
  }
}

function compile(device: GPUDevice, call: Dispatch, types: string[]): Pick<Pipeline, "pipeline" | "layout"> {
  const { name, inputs, outputs, constants, workgroupSize } = call;
  const storage = [
    ...outputs.map(({ name, dtype }) => ({ name, type: typeOf(dtype), writes: true })),
    ...inputs.map((input, i) => ({
      name: input.name,
      type: typeOf(types[i] ?? ""),
      writes: input.inPlace,
    })),
  ];
  const fields = [
    ...shapesOf(call).map(([field]) => `${field}: vec4<i32>`),
    ...Object.entries(call.uniforms).map(([field, { type }]) => `${field}: ${wgslTypes[type]}`),
  ];
  if (16 * shapesOf(call).length + 4 * Object.keys(call.uniforms).length > slotBytes) throw new StudioError("bug");
  const code = `
    ${enabledFeatures()}
    struct Uniforms { ${fields.join(", ")} };
    @group(0) @binding(0) var<uniform> uniforms: Uniforms;
    ${storage
      .map(
        (each, i) =>
          `@group(0) @binding(${i + 1}) var<storage, ${each.writes ? "read_write" : "read"}> ${each.name}: array<${each.type}>;`,
      )
      .join("\n")}
    ${call.wgsl(constants).replace(
      "fn main()",
      `@compute @workgroup_size(${workgroupSize.join()})
      fn main(@builtin(workgroup_id) workgroupId: vec3<u32>, @builtin(local_invocation_id) localId: vec3<u32>,
        @builtin(num_workgroups) numWorkgroups: vec3<u32>)`,
    )}`;
  const layout = device.createBindGroupLayout({
    label: name,
    entries: [
      { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } },
      ...storage.map(({ writes }, i) => ({
        binding: i + 1,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: writes ? ("storage" as const) : ("read-only-storage" as const) },
      })),
    ],
  });
  const pipeline = device.createComputePipeline({
    label: name,
    layout: device.createPipelineLayout({ label: name, bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ label: name, code }), entryPoint: "main" },
  });
  return { pipeline, layout };
}
