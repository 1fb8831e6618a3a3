/**
 * @file The benchmark in Chromium, cross-origin isolated, each unit in a new worker:
 * npm run bench -- [--json] [--only PREFIX] [--backend wasm|webgpu] [--system anneal|tfjs|jax-js]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { rolldown } from "rolldown";
import { root } from "../scripts/bundle.mjs";
import { chromiumArguments, findChromium } from "../scripts/chromium.mjs";
import { isolationHeaders } from "../scripts/headers.mjs";
import { describeMachine } from "./machine.mjs";
import { formatTable } from "./table.mjs";
import { listUnits } from "./units.mjs";

const unitMinutes = 10;
const types = { ".js": "text/javascript", ".wasm": "application/wasm" };

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    backend: { type: "string" },
    system: { type: "string" },
  },
});
const units = listUnits(options.only, options.backend).filter(
  ({ system }) => !options.system || system === options.system,
);
if (units.length === 0) {
  console.error("No case is so named.");
  process.exit(2);
}

const folder = await mkdtemp(path.join(tmpdir(), "bench-"));
const { server, address } = await serve(await buildWorker(folder));
const executablePath = findChromium();
const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: chromiumArguments });
const rows = [];
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  await page.exposeFunction("report", tell);
  await page.goto(address, { timeout: 120_000 });
  const host = await page.evaluate(async () => ({
    threads: navigator.hardwareConcurrency,
    adapter: await navigator.gpu
      ?.requestAdapter()
      .then((found) => found && `${found.info.vendor} ${found.info.architecture}`),
  }));
  const machine = describeMachine({
    browser: `Chromium ${browser.version()}`,
    ...host,
    adapter: host.adapter || "none",
  });
  if (options.json) console.log(JSON.stringify({ machine }));
  else
    console.log(
      Object.entries(machine)
        .map((entry) => entry.join(" "))
        .join(", "),
    );
  for (const unit of units) {
    const failed = await page.evaluate(runUnit, { unit, minutes: unitMinutes });
    if (failed) tell({ case: unit.name, backend: unit.backend, system: unit.system, failed });
  }
} finally {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true });
}
if (!options.json) console.log(`\n${formatTable(rows)}`);
process.exitCode = rows.some(({ failed }) => failed) ? 1 : 0;

function tell(row) {
  rows.push(row);
  if (options.json) console.log(JSON.stringify(row));
  else console.error(`${row.case} ${row.backend} ${row.system}: ${row.failed ?? `${row.ms} ms`}`);
}

/** In the page. Resolves to what went wrong, or to null. */
function runUnit({ unit, minutes }) {
  return new Promise((resolve) => {
    const worker = new Worker("/worker.js", { type: "module" });
    const end = (failed) => {
      clearTimeout(timer);
      worker.terminate();
      resolve(failed);
    };
    const timer = setTimeout(() => end(`not done in ${minutes} minutes`), minutes * 60_000);
    worker.onmessage = ({ data }) => {
      if (data.figure) globalThis.report(data.figure);
      else end(data.failed ?? null);
    };
    worker.onerror = ({ message }) => end(message);
    worker.postMessage(unit);
  });
}

async function buildWorker(to) {
  const build = await rolldown({ input: path.join(root, "bench/worker.ts"), platform: "browser", logLevel: "silent" });
  await build.write({ dir: to, format: "esm" });
  await build.close();
  return to;
}

/** The worker's files, the compiled parts of tfjs' own CPU backend, and an empty page. */
async function serve(from) {
  const peer = path.join(root, "node_modules/@tensorflow/tfjs-backend-wasm/wasm-out");
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const type = types[path.extname(pathname)] ?? "text/html";
    const file = path.join(type === types[".wasm"] ? peer : from, path.basename(pathname));
    const body = type === "text/html" ? "<!doctype html><title>bench</title>" : await readFile(file).catch(() => null);
    response.writeHead(body === null ? 404 : 200, { ...isolationHeaders, "Content-Type": type });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, address: `http://127.0.0.1:${server.address().port}/` };
}
