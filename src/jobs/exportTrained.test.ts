/** @file Every form that is offered is written and proved; a file that is not what was trained does not pass. */

import "fake-indexeddb/auto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import type { TrainedId } from "../core/adapterRecord";
import { StudioError } from "../core/errors";
import { boundOf, type ExportFormat, type ExportOffer, formatKey } from "../core/exportFormat";
import type { ModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import { newRecipe, type Recipe } from "../core/recipe";
import { newRun } from "../core/run";
import { newTurns } from "../core/turns";
import { parseSafetensors } from "../formats/safetensors";
import { openDevice } from "../kernels/device";
import { newNodeBigFiles } from "../storage/node/nodeBigFiles";
import { newNodeFiles } from "../storage/node/nodeFiles";
import { newNodeRunStore } from "../storage/node/nodeRunStore";
import { newAdapterFiles } from "./adapterFiles";
import { importAdapter } from "./adapterLibrary";
import { newCheckpoint } from "./checkpoint";
import { describeExports, type ExportHost, exportTrained, proveTrained } from "./exportTrained";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import { newModelLibrary } from "./modelLibrary";
import type { Source } from "./prepareData";
import { newTinyModel } from "./tinyModel";
import { newTrainingState } from "./trainingState";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const examples = Array.from({ length: 12 }, (_, i) => ({ prompt: `${i}+1`, completion: `#### ${i + 1}` }));
const rows: Source = { examples, heldout: examples.slice(0, 4) };

let root: string;
let base: LoadedModel;
let config: ModelConfig;
let host: ExportHost;
beforeAll(async () => {
  await openDevice("wasm");
  root = await mkdtemp(path.join(tmpdir(), "anneal-export-"));
  const bigFiles = newNodeBigFiles(root);
  const embedded = newTinyModel();
  base = await loadModel(embedded);
  ({ config } = base);
  const load = ({ data }: Recipe) =>
    data.source === "embedded" ? Promise.resolve(rows) : Promise.reject(new StudioError("dataset.missing"));
  host = {
    store: newNodeRunStore(path.join(root, "run")),
    library: newModelLibrary({ embedded, files: bigFiles }),
    source: { load },
    readAsset: async (file) => new Uint8Array(await readFile(path.join("public", file))),
    files: newNodeFiles(root),
    bigFiles,
  };
});
afterAll(async () => {
  unloadModel(base);
  await rm(root, { recursive: true });
});

const lora = newMethod("lora", { rank: 2, alpha: 4, targetModules: ["q_proj", "down_proj"] });

function newNumbers(adaptation: Adaptation) {
  const random = newRandom(5);
  const shapes = [...adaptationTensors(config, adaptation)];
  return new Map(
    shapes.map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, values: Float32Array.from({ length: size }, () => 0.3 * random.normal()) }] as const;
    }),
  );
}

async function newTrainedRun(adaptation: Adaptation, changes: Partial<Recipe> = {}, name = "mine"): Promise<TrainedId> {
  const template = { prompt: "{prompt}", completion: " {completion}" };
  const recipe = { ...newRecipe(), name: "r", model: "embedded", template, adaptation, ...changes };
  const run = { ...newRun(recipe, name), status: "done" as const, step: 4, checkpoint: 4 };
  const checkpoint = newCheckpoint({
    reference: null,
    state: newTrainingState(),
    adapter: newNumbers(adaptation),
    optimizer: new Map(),
    best: null,
  });
  await host.store.saveCheckpoint(run, [], checkpoint);
  return run.id;
}

const told = (signal = new AbortController().signal) => ({ signal, onProgress: () => undefined });
const make = (id: TrainedId, format: ExportFormat) => exportTrained(id, format, host, told());
const prove = (id: TrainedId, format: ExportFormat, file: string) =>
  proveTrained({ id, format, file }, host, {
    loadBase: () => Promise.resolve(base),
    turns: newTurns(),
    signal: new AbortController().signal,
  });
const cannot = ({ choices }: ExportOffer) => choices.filter(({ reason }) => reason !== null).map(({ kind }) => kind);

test.each([
  ["LoRA", [lora], ["loar"]],
  ["LoAR and LoRA", [newMethod("loar"), lora], ["peft", "merged", "gguf", "gguf-adapter"]],
  ["the last blocks", [newMethod("last")], ["peft", "gguf-adapter", "loar"]],
  ["bottlenecks", [newMethod("bottleneck")], ["peft", "merged", "gguf", "gguf-adapter", "loar"]],
] as const)("%s: each form on offer is as large as was said, and proved", async (_, methods, unable) => {
  const id = await newTrainedRun([...methods]);
  const offer = await describeExports(id, host);
  expect(cannot(offer)).toEqual(expect.arrayContaining([...unable]));
  expect(cannot(offer)).not.toContain("anneal");
  for (const { reason, instead } of offer.choices) {
    if (reason !== null) expect(cannot(offer)).not.toContain(instead);
  }
  expect(offer.sizes.map(({ format }) => format.kind)).not.toEqual([]);
  for (const { format, bytes } of offer.sizes) {
    const made = await make(id, format);
    const files = unzipSync(new Uint8Array(await readFile(path.join(root, made.file))));
    expect(
      Object.values(files).reduce((sum, { length }) => sum + length, 0),
      formatKey(format),
    ).toBe(bytes);
    const proof = await prove(id, format, made.file);
    expect(proof, formatKey(format)).toMatchObject({ prompts: 4, isGood: true, bound: boundOf(format) });
    expect(proof.places).toBeGreaterThan(20);
  }
});

test("a file that was changed, is of another run or was replaced does not pass", async () => {
  const id = await newTrainedRun([lora]);
  const format = { kind: "peft" } as const;
  const { file } = await make(id, format);
  const place = path.join(root, file);
  const zip = new Uint8Array(await readFile(place));
  const entry = unzipSync(zip)["adapter_model.safetensors"] ?? new Uint8Array();
  const [name] = [...parseSafetensors(entry).tensors.keys()];
  expect(name).toContain("lora");
  const at = Buffer.from(zip).indexOf(Buffer.from(entry.subarray(-64)));
  const changed = zip.slice();
  new DataView(changed.buffer).setFloat32(at + 60, 50, true);
  await writeFile(place, changed);
  expect(await prove(id, format, file)).toMatchObject({ isGood: false });

  new DataView(changed.buffer).setFloat32(at + 60, Number.NaN, true);
  await writeFile(place, changed);
  const proof = await prove(id, format, file);
  expect(proof.isGood).toBe(false);
  expect(proof.largestDifference).toBeNaN();

  await writeFile(place, zip.subarray(0, zip.length - 30));
  await expect(prove(id, format, file)).rejects.toMatchObject({ code: "file.unreadable" });
  await make(id, format);
  await expect(prove(id, format, file)).rejects.toMatchObject({ code: "storage.failed" });
  await expect(prove(id, format, "run/run.json")).rejects.toMatchObject({ code: "storage.failed" });
});

test("a stopped export leaves nothing; what a form cannot carry is refused by name", async () => {
  const id = await newTrainedRun([newMethod("loar")]);
  const controller = new AbortController();
  controller.abort(new StudioError("task.aborted"));
  const stopped = exportTrained(id, { kind: "anneal" }, host, told(controller.signal));
  await expect(stopped).rejects.toMatchObject({ code: "task.aborted" });
  expect(await host.bigFiles?.listFolders("files")).toEqual([]);
  await expect(make(id, { kind: "merged", dtype: "float32" })).rejects.toMatchObject({ code: "adapter.invalid" });
});

test("a run's name is made one that files can have; where its data set is gone the embedded problems prove it", async () => {
  const data = { ...newRecipe().data, source: "dataset:gone" };
  const id = await newTrainedRun([lora], { data }, "../../ρ = 0.5 / ¼?.exe ");
  const made = await make(id, { kind: "peft" });
  expect(made.name).toMatch(/^ρ-0\.5-.*\.zip$/);
  expect(made.name).not.toContain("/");
  expect(await prove(id, { kind: "peft" }, made.file)).toMatchObject({ isGood: true, prompts: 4 });
});

test("an adapter of the library is exported with how it is asked, and says nothing of a training", async () => {
  const template = { prompt: "Q: {prompt} A:", completion: " {completion}" };
  const folder = newAdapterFiles({ config, adaptation: [lora], tensors: newNumbers([lora]), baseName: "b", card: "" });
  const record = await importAdapter(
    folder.map(({ path, bytes }) => new File([bytes], path)),
    { name: "from\nelsewhere", model: "embedded", config, template },
    host.files,
  );
  const made = await make(record.id, { kind: "peft" });
  const files = unzipSync(new Uint8Array(await readFile(path.join(root, made.file))));
  const text = (name: string) => new TextDecoder().decode(files[name]);
  expect(JSON.parse(text("recipe.json"))).toMatchObject({ template, adaptation: [lora] });
  expect(text("README.md")).toContain("# from elsewhere\n");
  expect(text("README.md")).toContain("how it was trained is not recorded");
  expect(text("README.md")).not.toContain("learning rate");
  expect(await prove(record.id, { kind: "peft" }, made.file)).toMatchObject({ isGood: true });
});

test("without a checkpoint, and where it is gone", async () => {
  const run = newRun({ ...newRecipe(), model: "embedded" }, "new");
  await host.store.save(run, []);
  await expect(describeExports(run.id, host)).rejects.toMatchObject({ code: "adapter.invalid" });
  await expect(describeExports("run:none", host)).rejects.toMatchObject({ code: "run.missing" });
  await expect(describeExports("adapter:none", host)).rejects.toMatchObject({ code: "adapter.missing" });
});
