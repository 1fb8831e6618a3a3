/**
 * @file Runs the benchmark in Chromium, cross-origin isolated, in a worker:
 * node bench/browser.mjs wasm|webgpu [STEPS] [check]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright";
import { rolldown } from "rolldown";
import { root } from "../scripts/bundle.mjs";
import { chromiumArguments, findChromium } from "../scripts/chromium.mjs";
import { isolationHeaders } from "../scripts/headers.mjs";

const [, , backend = "wasm", steps = "8", check] = process.argv;
const folder = await mkdtemp(path.join(tmpdir(), "bench-"));
const build = await rolldown({
  input: path.join(root, "bench/page.ts"),
  platform: "browser",
  logLevel: "silent",
});
await build.write({ file: path.join(folder, "worker.js"), format: "esm", codeSplitting: false });
await build.close();

const server = createServer(async (request, response) => {
  const isScript = request.url === "/worker.js";
  response.writeHead(200, { ...isolationHeaders, "Content-Type": isScript ? "text/javascript" : "text/html" });
  response.end(isScript ? await readFile(path.join(folder, "worker.js")) : "<!doctype html><title>bench</title>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const executablePath = findChromium();
const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: chromiumArguments });
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  await page.exposeFunction("report", (message) => console.log(JSON.stringify(message, null, 1)));
  await page.goto(`http://127.0.0.1:${server.address().port}/`, { timeout: 120_000 });
  await page.evaluate(
    (work) =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js", { type: "module" });
        worker.onmessage = ({ data }) => {
          if (data.done) resolve();
          else if (data.failed) reject(new Error(data.failed));
          else globalThis.report(data);
        };
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(work);
      }),
    { backend, steps: Number(steps), check: check === "check" },
  );
} finally {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true });
}
