/** @file The only file that names TensorFlow.js, so that its parts are chosen, and can be replaced, in one place. */

export { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
export type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
export * as tf from "@tensorflow/tfjs-core";

/** The WebGPU backend is fetched only where a device is opened on it. */
export const loadWebGPU = () => import("@tensorflow/tfjs-backend-webgpu");

/** The derivatives of stock ops: our kernels bring their own, so that only the tests, which compare, ask for them. */
export const loadStockGradients = () => import("@tensorflow/tfjs-core/dist/register_all_gradients");
