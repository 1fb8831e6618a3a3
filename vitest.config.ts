/** @file Unit tests: Node, real parts, beside the code. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: ".cache/vitest",
  test: {
    include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.ts", "bench/**/*.test.ts", "pretrain/**/*.test.ts"],
    exclude: ["**/*.gpu.test.ts", "**/node_modules/**"],
    // TensorFlow.js' ES modules, thousands of files, as one file each.
    deps: {
      optimizer: {
        ssr: {
          enabled: true,
          include: [
            "@tensorflow/tfjs-core",
            "@tensorflow/tfjs-core/dist/register_all_gradients",
            "@tensorflow/tfjs-backend-cpu",
            "@tensorflow/tfjs-backend-webgpu",
          ],
        },
      },
    },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: process.env["ANNEAL_REPORT"] ? ["default", "json"] : ["default"],
    outputFile: { json: process.env["ANNEAL_REPORT"] ?? "" },
  },
});
