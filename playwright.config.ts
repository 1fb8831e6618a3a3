/** @file End-to-end tests: the built studio in a real Chromium. */
import { defineConfig } from "@playwright/test";
import { chromiumArguments, findChromium } from "./scripts/chromium.mjs";

const port = Number(process.env["ANNEAL_E2E_PORT"] ?? 4179);
const executablePath = findChromium();
const report = process.env["ANNEAL_REPORT"];

export default defineConfig({
  testDir: "e2e",
  testMatch: process.env["ANNEAL_SHOTS"] ? "**/*.shots.ts" : "**/*.spec.ts",
  outputDir: "test-results",
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // Training takes both cores of a small machine: one page at a time.
  workers: 1,
  forbidOnly: Boolean(process.env["CI"]),
  reporter: report ? [["list"], ["json", { outputFile: report }]] : [["list"]],
  use: {
    baseURL: `http://localhost:${port}`,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    reducedMotion: "reduce",
    trace: "retain-on-failure",
    launchOptions: { ...(executablePath ? { executablePath } : {}), args: chromiumArguments },
  },
  webServer: {
    command: `npx vite preview --port ${port} --strictPort`,
    url: `http://localhost:${port}`,
    reuseExistingServer: !process.env["CI"],
    timeout: 60_000,
  },
});
