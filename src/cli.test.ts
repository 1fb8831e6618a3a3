/** @file The command line as it is typed: real processes, a small random model. */

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newMethod } from "./core/adaptation";
import { newRecipe } from "./core/recipe";
import { newTinyModel } from "./jobs/tinyModel";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 }); // each command starts a process; seconds, where nothing else runs

let folder: string;
const at = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "anneal-cli-"));
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
  const recipe = newRecipe({ model: at("model") });
  recipe.data = { ...recipe.data, source: at("rows.jsonl"), evaluationShare: 0.2 };
  recipe.adaptation = [newMethod("lora", { rank: 2 })];
  recipe.batching = { ...recipe.batching, rows: 4, contextLength: 96 };
  recipe.schedule = { kind: "cosine", steps: 8, warmupSteps: 2 };
  recipe.evaluation = { every: 4, rows: 2, lossRows: 4, maxTokens: 3, samples: 1, patience: 0 };
  recipe.checkpoints.every = 2;
  await writeFile(at("recipe.json"), JSON.stringify(recipe));
});
afterAll(() => rm(folder, { recursive: true }));

type Line = Record<string, unknown> & { event: string };
type Ended = { code: number | null; lines: Line[]; out: string; err: string };

/** `onLine` may stop the process. */
function anneal(args: string[], onLine?: (line: Line, stop: (signal: NodeJS.Signals) => void) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["scripts/anneal.mjs", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    let read = 0;
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (!onLine) return;
      const whole = out.split("\n").slice(0, -1);
      for (const line of whole.slice(read)) onLine(JSON.parse(line) as Line, (signal) => child.kill(signal));
      read = whole.length;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const lines = args.includes("--json") ? out.split("\n").filter((line) => line !== "") : [];
      resolve({ code, out, err, lines: lines.map((line) => JSON.parse(line) as Line) });
    });
  });
}

const curve = (lines: Line[]) =>
  lines.flatMap((line) => (line.event === "step" ? [[line["step"], line["train/loss"], line["train/grad_norm"]]] : []));

test("a run, cut off by Ctrl-C or killed, goes on to the same end; its adapter can be used", async () => {
  const whole = await anneal(["train", at("recipe.json"), "--backend", "wasm", "--out", at("whole"), "--json"]);
  expect(whole).toMatchObject({ code: 0 });
  expect(whole.lines.map((line) => line.event)).toEqual([
    "eval",
    "step",
    "step",
    "step",
    "step",
    "eval",
    "step",
    "step",
    "step",
    "step",
    "eval",
    "done",
  ]);
  expect(whole.lines[0]).toMatchObject({ step: 0, "gsm8k/strict": 0, "gsm8k/flexible": 0, "gsm8k/stderr": 0 });
  expect(whole.lines.at(-1)).toMatchObject({ seconds: expect.any(Number) as number });
  expect((await readdir(at("whole"))).sort()).toEqual([
    "adapter",
    "checkpoint-8.bin",
    "metrics.jsonl",
    "recipe.json",
    "run.json",
    "samples.jsonl",
  ]);

  const stopAt = (step: number, signal: NodeJS.Signals) => (line: Line, stop: (s: NodeJS.Signals) => void) => {
    if (line.event === "step" && line["step"] === step) stop(signal);
  };
  const start = ["train", at("recipe.json"), "--backend", "wasm", "--out", at("cut"), "--json"];
  const cut = await anneal(start, stopAt(3, "SIGINT"));
  expect(cut.code).toBe(130);
  const resume = ["train", "--resume", "--backend", "wasm", "--out", at("cut"), "--json"];
  const killed = await anneal(resume, stopAt(6, "SIGKILL"));
  expect(killed.code).toBeNull();
  const rest = await anneal(resume);
  expect(rest.code).toBe(0);
  const stored = async (name: string) =>
    curve(
      (await readFile(at(`${name}/metrics.jsonl`), "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Line),
    );
  expect(await stored("cut")).toEqual(curve(whole.lines));
  const adapterOf = (name: string) => readFile(at(`${name}/adapter/adapter_model.safetensors`));
  expect((await adapterOf("cut")).equals(await adapterOf("whole"))).toBe(true);

  const used = ["--model", at("model"), "--adapter", at("whole/adapter"), "--backend", "wasm", "--json"];
  const scored = await anneal(["evaluate", ...used, "--data", at("rows.jsonl"), "--limit", "3", "--max-tokens", "4"]);
  expect(scored.lines[0]).toMatchObject({ event: "eval", n: 3, "gsm8k/strict": expect.any(Number) as number });
  const merged = await anneal([
    "export",
    "--model",
    at("model"),
    "--adapter",
    at("whole/adapter"),
    "--format",
    "merged",
    "--out",
    at("merged"),
  ]);
  expect(merged).toMatchObject({ code: 0 });
  const ask = ["--prompt", "3 + 2?", "--max-tokens", "8", "--backend", "wasm", "--json"];
  const byAdapter = await anneal(["generate", ...used.slice(0, 4), ...ask]);
  const byMerged = await anneal(["generate", "--model", at("merged"), ...ask]);
  expect(byAdapter.lines[0]).toMatchObject({ event: "done", text: expect.any(String) as string });
  expect(byMerged.lines[0]!["text"]).toBe(byAdapter.lines[0]!["text"]);
});

test("inspect tells what a file is", async () => {
  const { lines } = await anneal(["inspect", at("rows.jsonl"), "--model", at("model"), "--json"]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ event: "inspect", kind: "dataset", format: "gsm8k", rows: 30, badCount: 0 });
  const [first] = lines[0]!["first"] as { tokens: { text: string; trained: boolean }[] }[];
  const trained = first!.tokens.filter((token) => token.trained).map((token) => token.text);
  expect(trained.join("")).toBe(" <<0+2=2>>\n#### 2<eos>");
  const model = await anneal(["inspect", at("model"), "--json"]);
  expect(model.lines[0]).toMatchObject({ kind: "model", parameters: 8032 });
});

test.each([
  [["dance"], "cli.usage", "dance"],
  [["train"], "cli.usage", "quickstart"],
  [["train"], "cli.usage", "loar-quickstart"],
  [["train", "quickstart", "--stpes", "3"], "cli.usage", "stpes"],
  [["train", "nowhere.json"], "file.unreadable", "nowhere.json"],
  [["generate", "--model", "nowhere", "--prompt", "x"], "model.missing", "nowhere"],
  [["generate", "--model", "nowhere", "--prompt", "x", "--min-p", "2"], "cli.usage", "--min-p"],
])("%j fails with %s", async (args, code, named) => {
  const { code: exit, lines } = await anneal([...args, "--json"]);
  expect(exit).toBe(1);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ event: "error", code, message: expect.stringContaining(named) as string });
});
