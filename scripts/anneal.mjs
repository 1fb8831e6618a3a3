/** @file `npm run --silent anneal -- …`: the engine from the command line, bundled where its sources have changed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { hasPackages, root } from "./install.mjs";
import { sourceHash } from "./sourceHash.mjs";

if (!hasPackages()) {
  console.error("The packages are missing or old: run `npm ci` (or `npm start`) first.");
  process.exit(1);
}

const stamp = path.join(root, ".cache", "cli.json");

/** The bundle's address, made anew only where the sources differ from those it was made of. */
async function findBundle() {
  const hash = sourceHash(["src", "scripts/bundle.mjs", "package-lock.json"]);
  if (existsSync(stamp)) {
    const saved = JSON.parse(readFileSync(stamp, "utf8"));
    if (saved.hash === hash && existsSync(fileURLToPath(saved.url))) return saved.url;
  }
  const { bundle } = await import("./bundle.mjs");
  const url = await bundle("src/cli.ts");
  writeFileSync(stamp, JSON.stringify({ hash, url }));
  return url;
}

const url = await findBundle();
process.argv[1] = fileURLToPath(url);
await import(pathToFileURL(fileURLToPath(url)).href);
