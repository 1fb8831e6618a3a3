/** @file The only file that names TensorFlow.js, so that its parts are chosen, and can be replaced, in one place. */

import * as tfjs from "@tensorflow/tfjs-core";

export { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
export type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
export * as tf from "@tensorflow/tfjs-core";

/** What `work` makes is not recorded for the derivative: that of the kernel around it covers it. */
export function offTape<T>(work: () => T): T {
  const { state } = tfjs.engine() as unknown as { state: { kernelDepth: number } };
  state.kernelDepth++; // the tape records what is called from outside kernels
  try {
    return work();
  } finally {
    state.kernelDepth--;
  }
}

/** The WebGPU backend is fetched only where a device is opened on it. */
export const loadWebGPU = () => import("@tensorflow/tfjs-backend-webgpu");

/** The derivatives of all stock ops, which only the tests, as they compare, ask for. */
export const loadStockGradients = () => import("@tensorflow/tfjs-core/dist/register_all_gradients");
