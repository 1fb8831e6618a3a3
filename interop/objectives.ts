/** @file The objectives' side of the interop tests: `node scripts/bundle.mjs interop/objectives.ts CASES OUT`. */

import { readFile, writeFile } from "node:fs/promises";
import { caseErrors, type ObjectiveCase } from "../src/objectives/runCase.fixture";

const [casesFile = "", out = ""] = process.argv.slice(2);
const cases = JSON.parse(await readFile(casesFile, "utf8")) as ObjectiveCase[];
// NaN has no JSON, and must not pass for a small error.
const errors = cases.map((each) =>
  Object.fromEntries(
    Object.entries(caseErrors(each)).map(([name, error]) => [name, Number.isNaN(error) ? 1e9 : error]),
  ),
);
await writeFile(out, JSON.stringify(errors));
