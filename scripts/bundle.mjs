/** @file Bundles a TypeScript entry for Node, so that the engine runs there unchanged. */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Bundles `entry` (a path from the repository's root) into .cache/ and returns the file's URL.
 * Packages stay outside the bundle, so that their own assets are found; all but TensorFlow.js, whose ES modules Node
 * does not take for such.
 */
export async function bundle(entry) {
  const { rolldown } = await import("rolldown");
  const name = createHash("sha256").update(entry).digest("hex").slice(0, 8);
  const file = path.join(root, ".cache", `${path.basename(entry, path.extname(entry))}-${name}.mjs`);
  await mkdir(path.dirname(file), { recursive: true });
  const build = await rolldown({
    input: path.join(root, entry),
    platform: "node",
    external: (id) => !/^[./\0]|^@tensorflow\//.test(id) && !path.isAbsolute(id),
    logLevel: "silent",
  });
  await build.write({ file, format: "esm", sourcemap: "inline", codeSplitting: false });
  await build.close();
  return pathToFileURL(file).href;
}

/** `node scripts/bundle.mjs ENTRY ARGS…` bundles and runs an entry. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , entry, ...args] = process.argv;
  const url = await bundle(entry);
  process.argv = [process.argv[0], fileURLToPath(url), ...args];
  await import(url);
}
