/** @file What ships in public/embedded is what its manifest says, and the recipe the base was made for is the default. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { methodOf } from "../src/core/adaptation";
import { newRecipe } from "../src/core/recipe";

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "../public/embedded");
const read = (file: string) => readFileSync(path.join(folder, file));
const sha256 = (file: string) => createHash("sha256").update(read(file)).digest("hex");

const manifest = JSON.parse(read("manifest.json").toString("utf8")) as {
  model: { files: { name: string; bytes: number; sha256: string }[] };
  data: { file: string; rows: number; bytes: number; sha256: string }[];
  recipe: Record<string, number>;
};

test("the model's files are those of the manifest", () => {
  for (const file of manifest.model.files) {
    expect(read(file.name), file.name).toHaveLength(file.bytes);
    expect(sha256(file.name), file.name).toBe(file.sha256);
  }
});

test("so is the data, row for row", () => {
  for (const { file, rows, bytes, sha256: hash } of manifest.data) {
    expect(read(file), file).toHaveLength(bytes);
    expect(read(file).toString("utf8").trimEnd().split("\n"), file).toHaveLength(rows);
    expect(sha256(file), file).toBe(hash);
  }
});

test("the default recipe is the one the base was tried with", () => {
  const { adaptation, optimizer, batching, schedule } = newRecipe();
  const lora = methodOf(adaptation, "lora");
  expect(manifest.recipe).toEqual({
    learningRate: optimizer.learningRate,
    rank: lora?.rank,
    alpha: lora?.alpha,
    steps: schedule.steps,
    rowsPerStep: batching.rows * batching.accumulation,
    warmup: schedule.warmupSteps,
  });
});
