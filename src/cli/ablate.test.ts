/** @file `ablate` as it is typed: real processes, a small random model, killed and gone on with. */

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newMethod } from "../core/adaptation";
import { newRecipe } from "../core/recipe";
import { newTinyModel } from "../jobs/tinyModel";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 }); // each command starts a process; seconds, where nothing else runs

let folder: string;
const at = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "anneal-ablate-"));
  await mkdir(at("model"));
  const model = newTinyModel();
  for (const file of ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]) {
    const source = await model.open(file);
    if (source) await writeFile(at(`model/${file}`), await source.read(0, source.size));
  }
  const rows = Array.from({ length: 30 }, (_, i) => ({
    question: `${i} + 2?`,
    answer: `<<${i}+2=${i + 2}>>\n#### ${i + 2}`,
  }));
  await writeFile(at("rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  await writeFile(
    at("heldout.jsonl"),
    rows
      .slice(0, 8)
      .map((row) => JSON.stringify(row))
      .join("\n"),
  );
  const recipe = newRecipe({ model: at("model") });
  recipe.data = { ...recipe.data, source: at("rows.jsonl"), evaluationSource: at("heldout.jsonl") };
  recipe.adaptation = [newMethod("lora", { rank: 2, alpha: 4 })];
  recipe.batching = { ...recipe.batching, rows: 4, contextLength: 96 };
  recipe.schedule = { kind: "cosine", steps: 6, warmupSteps: 1 };
  recipe.evaluation = { every: 3, rows: 2, lossRows: 4, maxTokens: 3, samples: 1, patience: 0 };
  recipe.checkpoints.every = 2;
  await writeFile(at("recipe.json"), JSON.stringify(recipe));
});
afterAll(() => rm(folder, { recursive: true }));

type Line = Record<string, unknown> & { event: string };
type Ended = { code: number | null; lines: Line[]; err: string };

/** `onLine` may stop the process. */
function ablate(
  out: string,
  args: string[],
  onLine?: (line: Line, stop: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const words = ["scripts/anneal.mjs", "ablate", ...args, "--backend", "wasm", "--out", at(out), "--json"];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    let err = "";
    let read = 0;
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const whole = text.split("\n").slice(0, -1);
      for (const line of whole.slice(read)) onLine?.(JSON.parse(line) as Line, (signal) => child.kill(signal));
      read = whole.length;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const lines = text.split("\n").filter((line) => line !== "");
      resolve({ code, err, lines: lines.map((line) => JSON.parse(line) as Line) });
    });
  });
}

type Results = {
  cells: { variant: string; seed: number; status: string; folder: string; error: { code: string } | null }[];
  rows: { variant: string; seeds: number[]; problems: number | null; values: Record<string, unknown> }[];
};
const resultsOf = async (out: string) => JSON.parse(await readFile(at(`${out}/results.json`), "utf8")) as Results;
/** What must be equal however often it was cut off: all but times and memory. */
const figures = ({ rows }: Results) =>
  rows.map(({ variant, seeds, values: { accuracy, loss } }) => ({ variant, seeds, accuracy, loss }));
const begun = (lines: Line[]) =>
  lines.flatMap((line) =>
    line.event === "cell" && line["status"] === "running" ? [`${String(line["variant"])} ${String(line["seed"])}`] : [],
  );

const asked = ["--methods", "lora:2,bias", "--seeds", "1,2", "--final-rows", "8"];

test("killed and stopped in the middle, it goes on to the same table; what is done is not run again", async () => {
  const start = [at("recipe.json"), ...asked];
  const whole = await ablate("whole", start);
  expect(whole).toMatchObject({ code: 0, err: "" });
  expect(begun(whole.lines)).toEqual(["lora:2 1", "bias 1", "lora:2 2", "bias 2"]);
  expect(whole.lines.at(-1)).toMatchObject({ event: "done", rows: [{ variant: "lora:2", problems: 8 }, {}] });
  expect(await readFile(at("whole/results.md"), "utf8")).toContain("| lora:2 | 2 | 8 |");
  expect((await readFile(at("whole/results.csv"), "utf8")).split("\n")).toHaveLength(4);

  const isAt = (line: Line, variant: string, step: number) =>
    line.event === "eval" && line["variant"] === variant && line["seed"] === 1 && line["step"] === step;
  const killed = await ablate("cut", start, (line, stop) => {
    if (isAt(line, "lora:2", 3)) stop("SIGKILL");
  });
  expect(killed.code).toBeNull();
  await stat(at("cut/lock"));
  const stopped = await ablate("cut", [], (line, stop) => {
    if (isAt(line, "bias", 3)) stop("SIGINT");
  });
  expect(stopped.code).toBe(130);
  expect(begun(stopped.lines)).toEqual(["lora:2 1", "bias 1"]);
  const rest = await ablate("cut", start);
  expect(rest.code).toBe(0);
  expect(begun(rest.lines)).toEqual(["bias 1", "lora:2 2", "bias 2"]);
  expect(figures(await resultsOf("cut"))).toEqual(figures(await resultsOf("whole")));

  const again = await ablate("cut", start);
  expect([again.code, begun(again.lines)]).toEqual([0, []]);
  const more = await ablate("cut", [at("recipe.json"), "--methods", "base", "--seeds", "1,3", "--final-rows", "8"]);
  expect(more.code).toBe(0);
  expect(begun(more.lines)).toEqual(["base 1", "base 2", "lora:2 3", "bias 3", "base 3"]);
  const { rows } = await resultsOf("cut");
  expect(rows.map(({ variant, seeds }) => [variant, seeds])).toEqual([
    ["lora:2", [1, 2, 3]],
    ["bias", [1, 2, 3]],
    ["base", [1, 2, 3]],
  ]);
  const other = await ablate("cut", [at("recipe.json"), ...asked, "--steps", "5"]);
  expect(other.lines).toMatchObject([{ event: "error", code: "ablation.invalid" }]);
});

test("a run that fails is told and leaves the others; the command says so", async () => {
  const variants = [
    { name: "ten layers", changes: { adaptation: [newMethod("last", { layers: 10 })] } },
    { name: "short", changes: { schedule: { steps: 2, warmupSteps: 0 } } },
  ];
  await writeFile(at("variants.json"), JSON.stringify(variants));
  const { code, lines } = await ablate("failing", [at("recipe.json"), "--variants", at("variants.json")]);
  expect(code).toBe(1);
  expect(lines.find((line) => line["status"] === "failed")).toMatchObject({
    variant: "ten layers",
    error: { code: "adapter.invalid" },
  });
  expect((await resultsOf("failing")).cells).toMatchObject([
    { variant: "ten layers", status: "failed", folder: "runs/ten-layers-1", error: { code: "adapter.invalid" } },
    { variant: "short", status: "done", folder: "runs/short-1", error: null },
  ]);
});

test("two processes do not work in one folder", async () => {
  await mkdir(at("held"));
  await writeFile(at("held/lock"), String(process.pid)); // this test's process lives
  const { code, lines } = await ablate("held", [at("recipe.json"), ...asked]);
  expect(code).toBe(1);
  expect(lines).toMatchObject([{ event: "error", code: "run.active" }]);
  expect(await readFile(at("held/lock"), "utf8")).toBe(String(process.pid));
});

test.each([
  [[], "cli.usage", "RECIPE.json"],
  [["quickstart"], "cli.usage", "--methods"],
  [["quickstart", "--methods", "rola"], "ablation.invalid", "rola"],
  [["quickstart", "--methods", "lora", "--seeds", "1,x"], "ablation.invalid", "seeds"],
  [["quickstart", "--methods", "lora", "--seed", "1"], "cli.usage", "--seed"],
  [["quickstart", "--variants", "nowhere.json"], "file.unreadable", "nowhere.json"],
  [["quickstart", "--methods", "lora:2,lora:2"], "ablation.invalid", "lora:2"],
])("ablate %j fails with %s", async (args, code, named) => {
  const { code: exit, lines } = await ablate("wrong", args);
  expect(exit).toBe(1);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ event: "error", code, message: expect.stringContaining(named) as string });
});
