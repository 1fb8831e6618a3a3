/** @file One hash over files and folders, so that nothing is built twice. Needs no package. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { root } from "./install.mjs";

function* listFiles(place) {
  if (!existsSync(place)) return;
  if (statSync(place).isDirectory()) {
    for (const name of readdirSync(place).sort()) yield* listFiles(path.join(place, name));
  } else if (!/\.test\.tsx?$/.test(place)) yield place;
}

/** @param {string[]} places files and folders from the repository's root; tests do not count */
export function sourceHash(places) {
  const hash = createHash("sha256");
  for (const place of places) {
    for (const file of listFiles(path.join(root, place))) {
      hash.update(path.relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
    }
  }
  return hash.digest("hex");
}
