/** @file Every form in which a run can leave is proved, a spoiled one is found out, and what a form cannot carry is said before. */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import type { ExportFormat, ExportProof } from "../core/exportFormat";
import { newRandom } from "../core/random";
import { newRecipe, type Recipe } from "../core/recipe";
import { textOf } from "../core/say";
import { openDevice } from "../kernels/device";
import { tf } from "../kernels/tf";
import type { AdapterFiles } from "./adapterFiles";
import { exportChoices, newExport } from "./exportFormats";
import { filesInMemory, type ModelFiles, openModel, openTokenizer } from "./openModel";
import { newProofPrompts, type ProofPrompt, proveExport } from "./proveExport";
import { newTinyModel } from "./tinyModel";

/** The tiny model, its words cut as GPT-2's, which llama.cpp has a name for. */
async function newBase(): Promise<ModelFiles> {
  const tiny = newTinyModel();
  const files: { path: string; bytes: Uint8Array }[] = [];
  for (const path of await tiny.list()) {
    const source = await tiny.open(path);
    const bytes = source ? await source.read(0, source.size) : new Uint8Array();
    const text = () => new TextDecoder().decode(bytes).replace('"use_regex": false', '"use_regex": true');
    files.push({ path, bytes: path === "tokenizer.json" ? new TextEncoder().encode(text()) : bytes });
  }
  return filesInMemory("tiny", files);
}

const base = await newBase();
const { signal } = new AbortController();
const examples = ["2 + 3", "three apples and 4 pears", "if a, then b"].map((prompt) => ({
  prompt,
  completion: "#### 5",
  answer: "5",
}));

async function newNumbers(adaptation: Adaptation, scale = 0.2): Promise<AdapterFiles> {
  const { config, weights } = await openModel(base);
  const file = await weights();
  const random = newRandom(4);
  const tensors: AdapterFiles["tensors"] = new Map();
  for (const [name, shape] of adaptationTensors(config, adaptation)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const start = file.tensors.has(name) ? await file.readRows(name, 0, shape[0] ?? 0) : new Float32Array(size);
    const at = name.endsWith("ia3_l") || name.endsWith("magnitude_vector") ? 1 : 0;
    tensors.set(name, { shape, values: start.map((value) => value + at + scale * random.normal()) });
  }
  return { adaptation, tensors };
}

async function bytesOf(pieces: AsyncGenerator<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

const readAsset = (file: string) =>
  Promise.resolve(new Uint8Array(readFileSync(new URL(`../../public/${file}`, import.meta.url))));

async function exported(format: ExportFormat, adapter: AdapterFiles, recipe: Recipe) {
  const open = await openModel(base);
  const made = await newExport(format, { open, adapter, recipe, baseName: "b", name: "n", card: "", readAsset });
  const files: { path: string; bytes: Uint8Array<ArrayBuffer> }[] = [];
  for (const { path, size, bytes } of made.files) {
    const whole = await bytesOf(bytes());
    expect(whole.length, path).toBe(size);
    files.push({ path, bytes: whole });
  }
  return files;
}

const promptsOf = async (recipe: Recipe): Promise<ProofPrompt[]> =>
  newProofPrompts({ examples, heldout: examples }, recipe, openTokenizer(await openModel(base)));

async function prove(
  format: ExportFormat,
  adaptation: Adaptation,
  precision?: Recipe["precision"],
): Promise<ExportProof> {
  const recipe = newRecipe({ adaptation, ...(precision ? { precision } : {}) });
  const adapter = await newNumbers(adaptation);
  const files = await exported(format, adapter, recipe);
  return proveExport({
    format,
    exported: filesInMemory("exported", files),
    base,
    precision,
    adapter,
    prompts: await promptsOf(recipe),
    signal,
  });
}

beforeAll(async () => {
  await openDevice("wasm");
});

describe("proved", () => {
  const lora = newMethod("lora", { rank: 2, alpha: 3, rankPattern: { q_proj: 3 }, alphaPattern: { v_proj: 1 } });
  const loar = newMethod("loar");
  test.each<[string, ExportFormat, Adaptation]>([
    ["LoRA as PEFT", { kind: "peft" }, [lora]],
    ["a prefix as PEFT", { kind: "peft" }, [newMethod("prefix", { virtualTokens: 3 })]],
    ["LoAR and bottlenecks in the studio's folder", { kind: "anneal" }, [loar, newMethod("bottleneck")]],
    ["biases merged", { kind: "merged", dtype: "float32" }, [newMethod("bias")]],
    ["DoRA and IA3 merged, in f16", { kind: "merged", dtype: "float16" }, [{ ...lora, dora: true }, newMethod("ia3")]],
    ["LoRA in GGUF", { kind: "gguf", type: "F32" }, [lora]],
    ["everything in GGUF, Q8_0", { kind: "gguf", type: "Q8_0" }, [newMethod("full")]],
    ["LoRA for llama.cpp", { kind: "gguf-adapter" }, [{ ...lora, rslora: true }]],
    ["LoAR for transformers", { kind: "loar" }, [loar]],
    ["LoAR and LoRA for transformers", { kind: "loar" }, [loar, lora]],
  ])("%s", async (_, format, adaptation) => {
    const { numTensors } = tf.memory();
    const proof = await prove(format, adaptation);
    expect(proof).toMatchObject({ isGood: true, prompts: 3 });
    expect(proof.places).toBeGreaterThan(60);
    expect(proof.relative).toBeLessThanOrEqual(proof.bound.relative);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test("what was trained on a packed base, merged into what the packing left of it", async () => {
    const proof = await prove({ kind: "merged", dtype: "float32" }, [lora], "q4");
    expect(proof.isGood).toBe(true);
    expect(proof.relative).toBeLessThan(1e-5);
  });
});

test("an export of other numbers is found out", async () => {
  const adaptation: Adaptation = [newMethod("lora", { rank: 2 })];
  const recipe = newRecipe({ adaptation });
  const adapter = await newNumbers(adaptation);
  const prompts = await promptsOf(recipe);
  for (const format of [{ kind: "peft" }, { kind: "merged", dtype: "float32" }] as const) {
    const files = await exported(format, await newNumbers(adaptation, 0.21), recipe);
    const given = { format, base, precision: undefined, adapter, prompts, signal };
    const proof = await proveExport({ ...given, exported: filesInMemory("exported", files) });
    expect(proof.isGood).toBe(false);
    expect(proof.relative).toBeGreaterThan(1e-3);
    expect(proof.largestDifference).toBeGreaterThan(0);
    const missing = filesInMemory(
      "exported",
      files.filter(({ path }) => !path.endsWith(".safetensors")),
    );
    await expect(proveExport({ ...given, exported: missing })).rejects.toThrow(/missing|no model.safetensors/);
    await expect(proveExport({ ...given, exported: missing, prompts: [] })).rejects.toThrow("no held-out row");
  }
});

describe("what a form cannot carry", () => {
  const choicesOf = async (...adaptation: Adaptation) => {
    const open = await openModel(base);
    return exportChoices(adaptation, open, newRecipe().template).map(({ kind, reason, instead }) => [
      kind,
      reason && textOf(reason),
      instead,
    ]);
  };
  const offered = async (...adaptation: Adaptation) =>
    (await choicesOf(...adaptation)).filter(([, reason]) => reason === null).map(([kind]) => kind);

  test("is offered to nobody", async () => {
    const lora = newMethod("lora");
    expect(await offered(lora)).toEqual(["peft", "anneal", "merged", "gguf", "gguf-adapter"]);
    expect(await offered({ ...lora, dora: true })).toEqual(["peft", "anneal", "merged", "gguf"]);
    expect(await offered(newMethod("ia3"))).toEqual(["peft", "anneal", "merged", "gguf"]);
    expect(await offered(newMethod("prefix"))).toEqual(["peft", "anneal"]);
    expect(await offered(newMethod("bottleneck"))).toEqual(["anneal"]);
    expect(await offered(newMethod("full"))).toEqual(["anneal", "merged", "gguf"]);
    expect(await offered(newMethod("loar"), lora)).toEqual(["anneal", "loar"]);
    expect(await offered(newMethod("loar"), newMethod("ia3"))).toEqual(["anneal"]);
  });

  test("is a base's tokenizer too, where llama.cpp has no name for it", async () => {
    const gguf = exportChoices([newMethod("lora")], await openModel(newTinyModel()), newRecipe().template)[3];
    expect(gguf).toMatchObject({ kind: "gguf", instead: "merged" });
    expect(gguf?.reason && textOf(gguf.reason)).toMatch(/llama.cpp has no name for this way of cutting words/);
  });

  test("says why and what there is instead", async () => {
    const all = new Map((await choicesOf(newMethod("loar"))).map(([kind, ...rest]) => [kind, rest]));
    expect(all.get("peft")).toEqual(["PEFT has no form for LoAR", "loar"]);
    expect(all.get("merged")?.[0]).toMatch(/gates depend on each text/);
    expect(all.get("gguf-adapter")).toEqual(["llama.cpp's adapters are LoRA alone, and this is LoAR", "loar"]);
    const dora = await choicesOf(newMethod("lora", { dora: true }));
    expect(dora.at(4)).toEqual(["gguf-adapter", expect.stringMatching(/DoRA has trained lengths/), "gguf"]);
    const adaptation: Adaptation = [newMethod("prefix")];
    await expect(
      exported({ kind: "merged", dtype: "float32" }, await newNumbers(adaptation), newRecipe({ adaptation })),
    ).rejects.toThrow(/keys and values before every text.*Take peft instead/);
  });
});
