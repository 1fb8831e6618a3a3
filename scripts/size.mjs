/** @file The size budget: what a first visit downloads before anything shows, gzipped. The rest is reported. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "./install.mjs";

const budgets = { "initial JavaScript": 250_000, "initial CSS": 40_000 };

const dist = path.join(root, "dist");
const gzipped = (file) => gzipSync(readFileSync(path.join(dist, file)), { level: 9 }).length;

/** The entry, the page it opens first, and all they import statically. */
function listInitial(manifest) {
  const seen = new Set();
  const visit = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    for (const next of manifest[key].imports ?? []) visit(next);
  };
  visit("index.html");
  visit("src/features/studio/StudioPage.tsx");
  return [...seen].map((key) => manifest[key]);
}

const manifest = JSON.parse(readFileSync(path.join(dist, ".vite", "manifest.json"), "utf8"));
const initial = listInitial(manifest);
const scripts = initial.map(({ file }) => file).filter((file) => file.endsWith(".js"));
const styles = initial.flatMap(({ css }) => css ?? []);
const total = (files) => [...new Set(files)].reduce((sum, file) => sum + gzipped(file), 0);
const sizes = { "initial JavaScript": total(scripts), "initial CSS": total(styles) };

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} kB`;
let failed = false;
for (const [name, budget] of Object.entries(budgets)) {
  const isOver = sizes[name] > budget;
  failed ||= isOver;
  console.log(`${isOver ? "✗" : "✓"} ${name.padEnd(20)} ${kilobytes(sizes[name])} of ${kilobytes(budget).trim()}`);
}
const assets = path.join(dist, "assets");
const later = (existsSync(assets) ? readdirSync(assets) : [])
  .map((name) => `assets/${name}`)
  .filter((file) => /\.(js|wasm|css)$/.test(file) && !scripts.includes(file) && !styles.includes(file))
  .map((file) => ({ file, bytes: gzipped(file) }))
  .sort((a, b) => b.bytes - a.bytes);
console.log("  loaded when needed:");
for (const { file, bytes } of later.filter(({ bytes }) => bytes > 2000)) console.log(`  ${kilobytes(bytes)}  ${file}`);
process.exit(failed ? 1 : 0);
