/** @file GPU tests: kernels in a real Chromium, on WebGPU (software adapter) and threaded WASM. */
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { chromiumArguments, findChromium } from "./scripts/chromium.mjs";
import { isolationHeaders } from "./scripts/headers.mjs";

const executablePath = findChromium();
// Without it a kernel that leaves its buffers is quietly kept inside; with it the tests see it (src/kernels/guards.ts).
const unchecked = "--enable-dawn-features=disable_robustness";

export default defineConfig({
  server: { headers: isolationHeaders },
  worker: { format: "es" },
  // Bundled before the first test: finding them during one would reload the page under it.
  optimizeDeps: {
    include: [
      "@tensorflow/tfjs-core",
      "@tensorflow/tfjs-core/dist/register_all_gradients",
      "@tensorflow/tfjs-backend-cpu",
      "@tensorflow/tfjs-backend-webgpu",
    ],
  },
  test: {
    include: ["src/**/*.gpu.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    reporters: process.env["ANNEAL_REPORT"] ? ["default", "json"] : ["default"],
    outputFile: { json: process.env["ANNEAL_REPORT"] ?? "" },
    browser: {
      enabled: true,
      connectTimeout: 240_000, // a busy machine takes its time to start a browser
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { ...(executablePath ? { executablePath } : {}), args: [...chromiumArguments, unchecked] },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
});
