/** @file Models come in whole or not at all, go on where they were cut off, and are what they were. */

import "fake-indexeddb/auto";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newRandom } from "../core/random";
import { openDevice } from "../kernels/device";
import type { BigFiles } from "../storage/bigFiles";
import { modelFilePath, modelFolder, sweepModels } from "../storage/models";
import { newNodeBigFiles } from "../storage/node/nodeBigFiles";
import { loadModel, unloadModel } from "./loadModel";
import { newModelLibrary } from "./modelLibrary";
import { newTinyModel } from "./tinyModel";

vi.setConfig({ testTimeout: 60_000 });

let root: string;
let files: BigFiles;
let parts: { name: string; bytes: Uint8Array<ArrayBuffer> }[];
const library = () => newModelLibrary({ embedded: newTinyModel(), files });
const told = (signal = new AbortController().signal) => ({ signal, onProgress: () => undefined });
const asFiles = () => parts.map(({ name, bytes }) => new File([bytes], name));

beforeAll(async () => {
  await openDevice("wasm");
  root = await mkdtemp(path.join(tmpdir(), "anneal-models-"));
  files = newNodeBigFiles(root);
  const tiny = newTinyModel(7);
  parts = [];
  for (const name of await tiny.list()) {
    const source = await tiny.open(name);
    if (source) parts.push({ name, bytes: await source.read(0, source.size) });
  }
});
afterAll(() => rm(root, { recursive: true }));

test("a folder comes in, is listed, opens as what it was, is renamed, verified and deleted", async () => {
  const mine = library();
  const model = await mine.importFiles(asFiles(), "tiny", told());
  expect(model).toMatchObject({ name: "tiny", status: "ready", problem: null, origin: { kind: "files" } });
  expect(model.facts).toMatchObject({ container: "safetensors", parameters: 8032, template: null });
  const loaded = await loadModel(await mine.filesOf(model.id));
  expect(loaded.config.hiddenSize).toBe(16);
  unloadModel(loaded);

  await mine.rename(model.id, "mine");
  expect((await mine.list()).map(({ name }) => name)).toEqual(["Anneal base", "mine"]);
  expect(await mine.verify(model.id, told())).toEqual([]);
  await writeFile(path.join(root, modelFilePath(model.id, "config.json")), "{}");
  expect(await mine.verify(model.id, told())).toEqual(["config.json"]);

  await mine.delete(model.id);
  expect(await mine.list()).toHaveLength(1);
  expect(await files.listFolders("models")).toEqual([]);
  await expect(mine.filesOf(model.id)).rejects.toMatchObject({ code: "model.missing" });
});

test("what is no model is refused by name and leaves nothing", async () => {
  const mine = library();
  const without = (name: string) => asFiles().filter((file) => file.name !== name);
  const other = (name: string, bytes: BlobPart) => [...without(name), new File([bytes], name)];
  const cases: [File[], string, RegExp][] = [
    [[], "model.format", /no file/],
    [[new File(["x"], "notes.txt")], "model.format", /notes\.txt/],
    [without("config.json"), "model.format", /config\.json is missing/],
    [without("tokenizer.json"), "model.format", /tokenizer\.json is missing/],
    [without("model.safetensors"), "model.format", /no model\.safetensors/],
    [[...asFiles(), new File(["{}"], "config.json")], "model.format", /two files config\.json/],
    [other("config.json", "{"), "model.config", /config\.json is not JSON/],
    [other("config.json", `{"model_type":"mamba"}`), "model.config", /mamba/],
    [other("model.safetensors", new Uint8Array(40)), "model.tensor", /safetensors/],
    [other("tokenizer.json", "[]"), "tokenizer.invalid", /tokenizer\.json/],
    [[new File(["GGUFGGUFGGUFGGUFGGUFGGUFGGUF"], "x.gguf")], "model.tensor", /GGUF/],
    [[new File(["x"], "a.gguf"), new File(["x"], "b.gguf")], "model.format", /choose one/],
    [[new File(["x"], "pytorch_model.bin"), new File(["{}"], "config.json")], "model.format", /pytorch_model/],
  ];
  for (const [dropped, code, words] of cases) {
    await expect(mine.importFiles(dropped, "x", told()), String(words)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words) as string,
    });
    expect(await mine.list(), String(words)).toHaveLength(1);
    expect(await files.listFolders("models")).toEqual([]);
  }
});

/** Everything after so many bytes written fails, as a closing tab does. */
function dyingAfter(bytes: number): BigFiles {
  let left = bytes;
  return {
    ...files,
    grow: async (name, restart) => {
      const file = await files.grow(name, restart);
      return {
        ...file,
        append: async (part) => {
          const taken = part.subarray(0, left);
          left -= taken.length;
          await file.append(taken);
          if (taken.length < part.length) throw new DOMException("The tab is gone", "AbortError");
        },
      };
    },
  };
}

test("cut off anywhere, an import goes on from what is there to the same files", async () => {
  const random = newRandom(3);
  const total = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  for (let round = 0; round < 40; round++) {
    const broken = newModelLibrary({ embedded: newTinyModel(), files: dyingAfter(random.below(total)) });
    await expect(broken.importFiles(asFiles(), "cut", told())).rejects.toThrow();
    const mine = library();
    const [, cut] = await mine.list();
    expect(cut).toMatchObject({ name: "cut", status: "cut off", facts: null });
    if (!cut) return;
    expect(cut.stored).toBeLessThan(total);
    await expect(mine.filesOf(cut.id)).rejects.toMatchObject({ code: "model.missing" });
    await sweepModels(files); // a new start keeps what can go on
    await expect(mine.resume(cut.id, [], told())).rejects.toMatchObject({ code: "model.format" });
    const model = await mine.resume(cut.id, asFiles(), told());
    expect(model.status).toBe("ready");
    for (const { name, bytes } of parts) {
      expect(await readFile(path.join(root, modelFilePath(cut.id, name)))).toEqual(Buffer.from(bytes));
    }
    await mine.delete(cut.id);
  }
});

test("a folder without a record is swept, one with a record stays", async () => {
  const mine = library();
  const model = await mine.importFiles(asFiles(), "kept", told());
  const orphan = await files.grow("models/orphan/weights.gguf");
  await orphan.append(new Uint8Array(10));
  await orphan.close();
  await sweepModels(files);
  expect((await files.listFolders("models")).map((name) => `models/${name}`)).toEqual([modelFolder(model.id)]);
  await mine.delete(model.id);
});

/** Serves a repository as the Hugging Face hub does; `answers` may break off any request for a file. */
async function newHub(breakAfter: () => number): Promise<{ host: string; server: Server; requests: string[] }> {
  const requests: string[] = [];
  const sha = "0123456789abcdef0123456789abcdef01234567";
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    requests.push(`${pathname} ${request.headers.range ?? ""}`.trim());
    if (pathname === "/api/models/owner/tiny/revision/main") {
      const siblings = [
        ...parts.map(({ name, bytes }) => ({
          rfilename: name,
          size: bytes.length,
          ...(name.endsWith(".safetensors")
            ? { lfs: { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length } }
            : {}),
        })),
        { rfilename: "onnx/model.onnx", size: 5 },
        { rfilename: "pytorch_model.bin", size: 5 },
      ];
      response.end(JSON.stringify({ sha, siblings }));
      return;
    }
    const part = parts.find(({ name }) => pathname === `/owner/tiny/resolve/${sha}/${name}`);
    if (!part) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const rest = part.bytes.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": rest.length });
    const limit = breakAfter();
    if (limit >= rest.length) response.end(rest);
    else response.write(rest.subarray(0, limit), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, requests };
}

const wish = (host: string) => ({ host, repository: "owner/tiny", revision: "main", file: null });

test("a repository is downloaded through broken connections, checked by hash, and nothing else of it", async () => {
  const random = newRandom(5);
  const { host, server, requests } = await newHub(() => (random.below(2) === 0 ? random.below(9000) + 1 : 1e9));
  const mine = library();
  const model = await mine.download(wish(host), told());
  expect(model).toMatchObject({ name: "tiny", status: "ready", origin: { kind: "hub", repository: "owner/tiny" } });
  expect(requests.some((request) => request.includes("bytes="))).toBe(true);
  expect(requests.some((request) => /onnx|pytorch/.test(request))).toBe(false);
  for (const { name, bytes } of parts) {
    expect(await readFile(path.join(root, modelFilePath(model.id, name)))).toEqual(Buffer.from(bytes));
  }
  await mine.delete(model.id);
  server.close();
});

test("a download that was stopped goes on without what has come, and one whose bytes are wrong is told", async () => {
  const { host, server, requests } = await newHub(() => 1e9);
  const mine = library();
  const stopping = new AbortController();
  const stopped = mine.download(wish(host), {
    signal: stopping.signal,
    onProgress: ({ file }) => {
      if (file === "tokenizer.json") stopping.abort(new DOMException("stopped", "AbortError"));
    },
  });
  await expect(stopped).rejects.toThrow();
  const [, cut] = await mine.list();
  if (!cut) throw new Error("the record is gone");
  expect(cut.status).toBe("cut off");

  // half of the weights are here
  const weights = path.join(root, modelFilePath(cut.id, "model.safetensors"));
  const whole = parts.find(({ name }) => name === "model.safetensors")?.bytes ?? new Uint8Array();
  await writeFile(weights, whole);
  await truncate(weights, whole.length >> 1);
  requests.length = 0;
  const model = await mine.resume(cut.id, [], told());
  expect(model.status).toBe("ready");
  expect(new Uint8Array(await readFile(weights))).toEqual(whole);
  expect(requests.filter((request) => request.includes("safetensors bytes=")).length).toBeGreaterThan(0);
  await mine.delete(cut.id);

  const honest = whole[whole.length - 1] ?? 0;
  const bent = parts.map((part) => (part.name === "model.safetensors" ? { ...part, bytes: whole.slice() } : part));
  const before = parts;
  const wrong = mine.download(
    { ...wish(host) },
    {
      signal: new AbortController().signal,
      onProgress: ({ file }) => {
        // what the hub announced was the hash of other bytes than it sends from now on
        if (file !== "config.json") return;
        const last = bent.find(({ name }) => name === "model.safetensors");
        if (last) last.bytes[last.bytes.length - 1] = honest ^ 1;
        parts = bent;
      },
    },
  );
  await expect(wrong).rejects.toMatchObject({ code: "model.download" });
  parts = before;
  for (const { id } of (await mine.list()).slice(1)) await mine.delete(id);
  server.close();
});

test("a hub that is not there, has nothing of the kind, or answers nonsense is told", async () => {
  const { host, server } = await newHub(() => 1e9);
  const mine = library();
  for (const [change, words] of [
    [{ repository: "owner/other" }, /no such repository/],
    [{ revision: "v9" }, /no such repository/],
    [{ file: "tiny.Q4_0.gguf" }, /has no tiny/],
    [{ host: "http://127.0.0.1:1" }, /cannot be reached/],
  ] as const) {
    await expect(mine.download({ ...wish(host), ...change }, told()), String(words)).rejects.toMatchObject({
      code: "model.download",
      message: expect.stringMatching(words) as string,
    });
  }
  expect(await mine.list()).toHaveLength(1);
  server.close();
});
