/** @file A backend as people write it. */

const names: Readonly<Record<string, string>> = { webgpu: "WebGPU", wasm: "WASM", cpu: "CPU" };

export const backendName = (backend: string) => names[backend] ?? backend;
