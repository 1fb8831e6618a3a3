/** @file Where the shared data is, and what becomes of a test where it is not. */

import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "@playwright/test";

const shared = path.resolve(process.env["ANNEAL_SHARED"] ?? "../shared");

/** A path in the shared data. Without it the test is skipped, and failed where CI is set. */
export function sharedFile(name: string): string {
  const file = path.join(shared, name);
  if (!existsSync(file)) {
    if (process.env["CI"]) throw new Error(`${file} is missing`);
    test.skip(true, `${file} is missing`);
  }
  return file;
}
