/** @file Unit tests: Node, real parts, beside the code. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.ts", "bench/**/*.test.ts", "pretrain/**/*.test.ts"],
    exclude: ["**/*.gpu.test.ts", "**/node_modules/**"],
    server: { deps: { inline: [/@tensorflow/] } }, // its ES modules, of which kernels/tf.ts chooses the parts
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    reporters: process.env["ANNEAL_REPORT"] ? ["default", "json"] : ["default"],
    outputFile: { json: process.env["ANNEAL_REPORT"] ?? "" },
  },
});
