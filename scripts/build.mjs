/** @file Builds the studio into dist/ where its sources have changed since the last build. `--force` builds anyway. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages, root } from "./install.mjs";
import { sourceHash } from "./sourceHash.mjs";

const sources = ["src", "public", "index.html", "vite.config.ts", "scripts/headers.mjs", "package-lock.json"];
const stamp = path.join(root, ".cache", "build");

export async function buildStudio(force = false) {
  const hash = sourceHash(sources);
  const isBuilt = existsSync(path.join(root, "dist", "index.html")) && existsSync(stamp);
  if (!force && isBuilt && readFileSync(stamp, "utf8") === hash) return;
  const started = Date.now();
  console.log("Building the studio …");
  rmSync(stamp, { force: true });
  const { build } = await import("vite");
  await build({ root, logLevel: "warn" });
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
  console.log(`Built in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  installPackages();
  await buildStudio(process.argv.includes("--force"));
}
