/** @file Adapters come in whole or not at all, whatever lies in the folder or zip, and add up to what they are together. */

import "fake-indexeddb/auto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Zippable, zipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Adaptation, adaptationTensors, newMethod } from "../core/adaptation";
import type { TrainedId } from "../core/adapterRecord";
import type { ModelConfig } from "../core/model";
import { newRandom } from "../core/random";
import { gsm8kTemplate, newRecipe, type Recipe } from "../core/recipe";
import { newRun } from "../core/run";
import { newGgufAdapter } from "../formats/ggufAdapter";
import { parseSafetensors, writeSafetensors } from "../formats/safetensors";
import { deleteAdapter, listAdapters, readAdapterBytes, renameAdapter, sweepAdapters } from "../storage/adapters";
import { newNodeFiles } from "../storage/node/nodeFiles";
import { newNodeRunStore } from "../storage/node/nodeRunStore";
import { type AdapterFiles, newAdapterFiles } from "./adapterFiles";
import { addAdapters, importAdapter, readTrained } from "./adapterLibrary";
import { modulesOfLora } from "./loraModules";
import { openModel } from "./openModel";
import { newTinyModel } from "./tinyModel";

let root: string;
let files: ReturnType<typeof newNodeFiles>;
let config: ModelConfig;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "anneal-adapters-"));
  files = newNodeFiles(root);
  ({ config } = await openModel(newTinyModel()));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  for (const { id } of (await listAdapters()).readable) await deleteAdapter(id, files);
});

const lora = newMethod("lora", { rank: 2, alpha: 4, targetModules: ["q_proj", "down_proj"] });

function newNumbers(adaptation: Adaptation, seed = 1): AdapterFiles {
  const random = newRandom(seed);
  const tensors: AdapterFiles["tensors"] = new Map();
  for (const [name, shape] of adaptationTensors(config, adaptation)) {
    const size = shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { shape, values: Float32Array.from({ length: size }, () => random.normal()) });
  }
  return { adaptation, tensors };
}

const folderOf = (adapter: AdapterFiles) =>
  Object.fromEntries(
    newAdapterFiles({ config, ...adapter, baseName: "tiny", card: "# card" }).map(({ path, bytes }) => [path, bytes]),
  );
const asFile = (name: string, bytes: Uint8Array) => new File([new Uint8Array(bytes)], name);
const asFiles = (folder: Record<string, Uint8Array>) =>
  Object.entries(folder).map(([name, bytes]) => asFile(name, bytes));
const zipOf = (folder: Zippable, level: 0 | 9 = 0) => asFile("adapter.zip", zipSync(folder, { level }));
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const bring = (given: readonly File[], changes: { config?: ModelConfig; template?: Recipe["template"] } = {}) =>
  importAdapter(given, { name: "mine", model: "embedded", config, template: null, ...changes }, files);

/** Nothing is stored of it. */
async function expectRefused(given: readonly File[], detail: RegExp, code = "adapter.invalid") {
  await expect(bring(given)).rejects.toMatchObject({ code, message: expect.stringMatching(detail) as unknown });
  expect((await listAdapters()).readable).toEqual([]);
  expect(await files.listFiles("adapters")).toEqual([]);
}

describe("an adapter comes in", () => {
  const kinds: Record<string, Adaptation> = {
    "PEFT's": [lora],
    "the studio's": [newMethod("loar"), lora],
    bottlenecks: [newMethod("bottleneck", { size: 3 })],
  };

  test.each(Object.entries(kinds))("%s: as files, in a zip, in a folder of a deflated zip", async (_, adaptation) => {
    const adapter = newNumbers(adaptation);
    const folder = folderOf(adapter);
    const nested = Object.fromEntries(Object.entries(folder).map(([name, bytes]) => [`deep/mine/${name}`, bytes]));
    for (const given of [asFiles(folder), [zipOf(folder)], [zipOf(nested, 9)]]) {
      const record = await bring(given);
      expect(record).toMatchObject({ name: "mine", model: "embedded", adaptation, template: gsm8kTemplate });
      const { tensors } = parseSafetensors(await readAdapterBytes(record, files));
      expect([...tensors.keys()].sort()).toEqual([...adapter.tensors.keys()].sort());
      for (const [name, { shape, values }] of adapter.tensors)
        expect(tensors.get(name)).toMatchObject({ shape, values });
    }
  });

  test("llama.cpp's GGUF", async () => {
    const adapter = newNumbers([lora]);
    const modules = modulesOfLora(config, lora, adapter.tensors);
    const record = await bring([asFile("mine.gguf", newGgufAdapter({ config, name: "mine", modules }))]);
    expect(record.adaptation).toEqual([lora]);
    const { tensors } = parseSafetensors(await readAdapterBytes(record, files));
    for (const [name, { values }] of adapter.tensors) expect(tensors.get(name)?.values, name).toEqual(values);
  });

  test("LoAR's folder for Python, with the LoRA beside it, and without", async () => {
    const loar = newMethod("loar", { mode: "soft" });
    const [gates, beside] = [newNumbers([loar]), newNumbers([lora], 2)];
    const table = { shape: [4], values: new Float32Array(4) };
    const folder: Record<string, Uint8Array> = {
      "loar.json": json({ version: 1, base: "b", mode: "soft", annotator: loar.annotator, layers: 2, heads: 2 }),
      "loar.safetensors": writeSafetensors(new Map([...gates.tensors, ["table", table]]), {}),
    };
    expect((await bring([zipOf(folder)])).adaptation).toEqual([loar]);
    for (const [name, bytes] of Object.entries(folderOf(beside))) folder[`lora/${name}`] = bytes;
    const record = await bring([zipOf(folder)]);
    expect(record.adaptation).toEqual([loar, lora]);
    const { tensors } = parseSafetensors(await readAdapterBytes(record, files));
    expect(tensors.size).toBe(gates.tensors.size + beside.tensors.size);

    await expectNone([zipOf({ "loar.json": folder["loar.json"] ?? json(0) })], /loar\.safetensors is missing/);
    const wrong = { ...folder, "loar.json": json({ version: 1, mode: "loud", annotator: loar.annotator }) };
    await expectNone([zipOf(wrong)], /loar\.json: mode/);
    await expectNone([zipOf({ ...folder, "loar.json": json({ version: 2 }) })], /version is 2; 1 is known/);
  });

  const expectNone = async (given: File[], detail: RegExp) => {
    const before = (await listAdapters()).readable.length;
    await expect(bring(given)).rejects.toMatchObject({ message: expect.stringMatching(detail) as unknown });
    expect((await listAdapters()).readable).toHaveLength(before);
  };

  test("its recipe tells how it is asked, and another tool's recipe is no matter", async () => {
    const folder = folderOf(newNumbers([lora]));
    const template = { prompt: "Q: {prompt}\nA:", completion: " {completion}" };
    const recipe = json({ ...newRecipe(), template });
    expect((await bring([zipOf({ ...folder, "recipe.json": recipe })])).template).toEqual(template);
    expect((await bring([zipOf({ ...folder, "recipe.json": json({ steps: [] }) })])).template).toEqual(gsm8kTemplate);
    expect((await bring([zipOf(folder)], { template })).template).toEqual(template);
  });

  test("what Finder and a trainer put beside it is left alone", async () => {
    const folder = {
      ...folderOf(newNumbers([lora])),
      "__MACOSX/._adapter_config.json": json(0),
      "checkpoint-10/adapter_config.json": json(0),
      "optimizer.pt": new Uint8Array(10),
    };
    expect((await bring([zipOf(folder)])).adaptation).toEqual([lora]);
  });
});

describe("is refused with what is wrong, and nothing is stored", () => {
  test("what is no adapter", async () => {
    const folder = folderOf(newNumbers([lora]));
    await expectRefused([], /There is no adapter_config\.json/);
    await expectRefused([asFile("notes.zip", json("not a zip"))], /notes\.zip is not a zip/);
    await expectRefused([zipOf({ "readme.txt": json("") })], /There is no adapter_config\.json/);
    await expectRefused([zipOf({ "adapter_model.bin": json("") })], /pickle/);
    await expectRefused(asFiles({ "adapter_config.json": json({}) }), /adapter_model\.safetensors is missing/);
    await expectRefused(asFiles({ ...folder, "adapter_config.json": json([]) }), /adapter_config\.json|object/);
    await expectRefused(asFiles({ ...folder, "adapter_config.json": new Uint8Array([0xff]) }), /not JSON in UTF-8/);
    const config = "adapter_model.safetensors";
    await expectRefused(asFiles({ ...folder, [config]: new Uint8Array(20) }), /./, "model.tensor");
    const cut = zipSync(folder, { level: 0 });
    await expectRefused([asFile("cut.zip", cut.subarray(0, cut.length - 40))], /cut\.zip is not a zip/);
  });

  test("two adapters in one zip", async () => {
    const folder = Object.entries(folderOf(newNumbers([lora])));
    const both = Object.fromEntries(
      folder.flatMap(([name, bytes]) => [
        [`a/${name}`, bytes],
        [`b/${name}`, bytes],
      ]),
    );
    await expectRefused([zipOf(both)], /two adapters, in a\/ and in b\//);
  });

  test("a zip that claims what no zip can hold", async () => {
    const zip = zipSync({ "adapter_config.json": new Uint8Array(5_000_000) }, { level: 9 });
    const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
    const central = view.getUint32(zip.length - 22 + 16, true);
    view.setUint32(central + 24, 0x7fff_0000, true);
    await expectRefused([asFile("bomb.zip", zip)], /bomb\.zip: adapter_config\.json claims 2147418112 bytes/);
  });

  test("an adapter of another base, and one with numbers that are none", async () => {
    await expect(
      bring(asFiles(folderOf(newNumbers([lora]))), { config: { ...config, layers: 3 } }),
    ).rejects.toMatchObject({ code: "adapter.invalid", message: expect.stringMatching(/layers\.2/) as unknown });
    const adapter = newNumbers([lora]);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const [name = "", tensor] = [...adapter.tensors][0] ?? [];
      tensor?.values.fill(bad, 3, 4);
      await expectRefused(asFiles(folderOf(adapter)), new RegExp(`${name}.*infinite or none`));
    }
  });
});

describe("the library", () => {
  const store = newNodeRunStore(path.join(tmpdir(), "anneal-no-runs"));
  const configOf = () => Promise.resolve(config);

  test("renames, deletes and sweeps; a cut file is named when it is read", async () => {
    const record = await bring(asFiles(folderOf(newNumbers([lora]))));
    await renameAdapter(record.id, "other");
    expect((await readTrained(record.id, store, files)).name).toBe("other");
    await files.writeFile("adapters/orphan.safetensors", new Uint8Array(3));
    await sweepAdapters(files);
    expect(await files.listFiles("adapters")).toEqual([record.file]);
    await files.writeFile(record.file, new Uint8Array(3));
    await expect(readTrained(record.id, store, files)).rejects.toMatchObject({
      code: "storage.failed",
      message: `The file of other is not whole: 3 of ${record.bytes} bytes`,
    });
    await deleteAdapter(record.id, files);
    await expect(readTrained(record.id, store, files)).rejects.toMatchObject({ code: "adapter.missing" });
    expect(await files.listFiles("adapters")).toEqual([]);
  });

  test("two LoRAs add up by their weights, and the sum is a LoRA that comes out and in again", async () => {
    const other = newMethod("lora", { rank: 3, alpha: 3, targetModules: ["down_proj"] });
    const a = await bring(asFiles(folderOf(newNumbers([lora]))));
    const b = await bring(asFiles(folderOf(newNumbers([other], 2))));
    const parts = [
      { id: a.id, weight: 0.5 },
      { id: b.id, weight: -2 },
    ];
    const sum = await addAdapters(parts, "both", configOf, store, files);
    expect(sum).toMatchObject({ name: "both", model: "embedded", origin: { kind: "sum" } });
    expect(sum.adaptation).toMatchObject([{ kind: "lora", rank: 5, alpha: 5, rankPattern: { q_proj: 2 } }]);
    const read = await readTrained(sum.id, store, files);
    const again = await bring([zipOf(folderOf(read))]);
    expect(again.adaptation).toEqual(sum.adaptation);
  });

  test("what does not add up is refused: one alone, another base's, what is not LoRA, DoRA", async () => {
    const a = await bring(asFiles(folderOf(newNumbers([lora]))));
    const dora = await bring(asFiles(folderOf(newNumbers([{ ...lora, dora: true }]))));
    const loar = await bring(asFiles(folderOf(newNumbers([newMethod("loar")]))));
    const far = await importAdapter(
      asFiles(folderOf(newNumbers([lora]))),
      { name: "far", model: "model:far", config, template: null },
      files,
    );
    const add = (...ids: TrainedId[]) =>
      addAdapters(
        ids.map((id) => ({ id, weight: 1 })),
        "sum",
        configOf,
        store,
        files,
      );
    await expect(add(a.id)).rejects.toThrow("Two adapters at least are added");
    await expect(add(a.id, far.id)).rejects.toThrow("far is for another base than mine");
    await expect(add(a.id, loar.id)).rejects.toThrow("mine is loar: only LoRA adapters add up");
    await expect(add(a.id, dora.id)).rejects.toThrow(/DoRA/);
    await expect(add(a.id, "adapter:none")).rejects.toMatchObject({ code: "adapter.missing" });
    await expect(add(a.id, newRun(newRecipe(), "none").id)).rejects.toMatchObject({ code: "run.missing" });
    expect((await listAdapters()).readable).toHaveLength(4);
  });
});

const golden = path.join(process.env["ANNEAL_SHARED"] ?? "../shared", "golden/peft-0.21.0");
describe.skipIf(!existsSync(golden) && !process.env["CI"])("PEFT's own files", () => {
  const fileOf = (folder: string, name: string) => readFileSync(path.join(golden, folder, name));
  const zipped = (folder: string) =>
    zipOf({
      [`${folder}/adapter_config.json`]: fileOf(folder, "adapter_config.json"),
      [`${folder}/adapter_model.safetensors`]: fileOf(folder, "adapter_model.safetensors"),
    });
  const qwen = () => ({ ...config, architecture: "qwen2" as const, hiddenSize: 32, headDim: 8, layers: 2 });

  test("a zip of each comes in for its base", async () => {
    const base = { ...qwen(), heads: 4, keyValueHeads: 2, intermediateSize: 64 };
    for (const [folder, kind] of [
      ["qwen_lora", "lora"],
      ["qwen_rslora_dora", "lora"],
      ["qwen_ia3", "ia3"],
    ] as const) {
      expect((await bring([zipped(folder)], { config: base })).adaptation, folder).toMatchObject([{ kind }]);
    }
  });

  test("for another base it is refused", async () => {
    await expectRefused([zipped("gpt2_lora")], /c_attn|fan_in_fan_out/);
    await expectRefused([zipped("qwen_lora_bias_mts")], /bias|modules_to_save/);
  });
});
