/** @file The models of this browser: the embedded one, and those imported, whose files lie in its storage. */

import { type ByteSource, blobSource } from "../core/byteSource";
import { StudioError, toWire } from "../core/errors";
import { embeddedModel, type ModelId, newId } from "../core/ids";
import type { Model, ModelFacts, ModelFile, ModelOrigin, ModelRecord } from "../core/modelRecord";
import { say } from "../core/say";
import { bytes, millis } from "../core/units";
import type { Tokenizer } from "../data/tokenizer";
import { type BigFiles, opfsBigFiles } from "../storage/bigFiles";
import { isHeld } from "../storage/locks";
import {
  deleteModel,
  getModelRecord,
  holdModel,
  listModelRecords,
  modelFilePath,
  modelLock,
  saveModelRecord,
} from "../storage/models";
import { describeModel } from "./describeModel";
import { openRepository, rangeSource } from "./hubRepository";
import { type ImportProgress, importModel, isFileName, storedBytes, verifyModel } from "./importModel";
import { type ModelFiles, type OpenModel, openModel, openTokenizer, recogniseModel } from "./openModel";

/** A model known without its weights on the device. */
export type KnownModel = { open: OpenModel; tokenizer: Tokenizer; facts: ModelFacts };

type Told = { signal: AbortSignal; onProgress: (progress: ImportProgress) => void };

const embeddedName = "Anneal base";

export type ModelLibrary = ReturnType<typeof newModelLibrary>;

export function newModelLibrary(host: { embedded: ModelFiles; files?: BigFiles }) {
  const { embedded, files = opfsBigFiles } = host;
  /** Opened models by their name in recipes; one that fails is opened anew the next time. */
  const known = new Map<string, Promise<KnownModel>>();

  const filesOf = async (name: string): Promise<ModelFiles> => {
    if (name === "embedded") return embedded;
    const record = await getModelRecord(name as ModelId);
    if (record.status !== "ready") throw new StudioError("model.missing", say`${record.name} is not here whole yet`);
    return storedFiles(record);
  };
  const storedFiles = (record: ModelRecord): ModelFiles => ({
    name: record.id,
    list: () => Promise.resolve(record.files.map(({ name }) => name)),
    open: (file) => files.open(modelFilePath(record.id, file)),
  });

  const know = (name: string): Promise<KnownModel> => {
    const found = known.get(name);
    if (found) return found;
    const opening = filesOf(name).then(async (its) => {
      const open = await openModel(its);
      return { open, tokenizer: openTokenizer(open), facts: await describeModel(open) };
    });
    known.set(name, opening);
    opening.catch(() => known.delete(name));
    return opening;
  };

  const view = async (record: ModelRecord): Promise<Model> => {
    const { id, name, origin, status } = record;
    const total = record.files.reduce((sum, file) => sum + file.bytes, 0);
    const stored = status === "ready" ? total : await storedBytes(record, files);
    const common = { id, name, origin, files: record.files, bytes: bytes(total), stored: bytes(stored) };
    if (status === "importing") {
      const isGoingOn = await isHeld(modelLock(id));
      return { ...common, status: isGoingOn ? "importing" : "cut off", facts: null, problem: null };
    }
    try {
      return { ...common, status: "ready", facts: (await know(id)).facts, problem: null };
    } catch (error) {
      return { ...common, status: "unusable", facts: null, problem: toWire(error) };
    }
  };

  const bring = async (
    record: ModelRecord,
    source: (name: string) => Promise<ByteSource>,
    { signal, onProgress }: Told,
  ): Promise<Model> => {
    const check = async () => {
      const open = await openModel({
        name: record.name,
        list: () => Promise.resolve(record.files.map(({ name }) => name)),
        open: async (file) => (record.files.some(({ name }) => name === file) ? source(file) : null),
      });
      openTokenizer(open);
      await open.weights(); // its header
    };
    const isNew = record.files.every(({ hash }) => hash === null) && record.origin.kind === "files";
    try {
      return await view(await importModel({ record, files, source, check, signal, onProgress }));
    } catch (error) {
      // what was never a model is not kept; what was cut off is
      if (isNew && error instanceof StudioError && unusable.has(error.code)) await deleteModel(record.id, files);
      throw error;
    }
  };

  return {
    know,
    filesOf,

    list: async (): Promise<Model[]> => {
      const { facts } = await know("embedded");
      const { readable } = await listModelRecords();
      const size = bytes(2 * facts.parameters); // the file holds f16
      const first: Model = {
        id: embeddedModel,
        name: embeddedName,
        origin: { kind: "embedded" },
        status: "ready",
        files: [],
        bytes: size,
        stored: size,
        facts: { ...facts, licence: "MIT" },
        problem: null,
      };
      return [first, ...(await Promise.all(readable.map(view)))];
    },

    /** Brings in files that were dropped or picked. Throws what they are not. */
    importFiles: async (dropped: readonly File[], name: string, told: Told): Promise<Model> => {
      const useful = chooseDropped(dropped);
      const record = newRecord(
        name,
        { kind: "files" },
        useful.map((file) => ({ name: file.name, bytes: file.size, hash: null })),
      );
      return bring(record, sourceAmong(useful), told);
    },

    download: async (
      wish: { host: string; repository: string; revision: string; file: string | null },
      told: Told,
    ): Promise<Model> => {
      const { host: from, repository, revision, files: list } = await openRepository(wish, told.signal);
      const origin: ModelOrigin = { kind: "hub", host: from, repository, revision };
      const [, shortName = repository] = repository.split("/");
      const record = newRecord(wish.file?.replace(/\.gguf$/, "") ?? shortName, origin, list);
      return bring(record, hubSources(record, told.signal), told);
    },

    /** Goes on with an import that was cut off; `dropped` are the same files again where they came from a drop. */
    resume: async (id: ModelId, dropped: readonly File[], told: Told): Promise<Model> => {
      const record = await getModelRecord(id);
      if (record.origin.kind === "hub") return bring(record, hubSources(record, told.signal), told);
      for (const { name, bytes: size } of record.files) {
        const file = dropped.find((candidate) => candidate.name === name);
        if (file?.size !== size)
          throw new StudioError("model.format", say`${name} of ${size} bytes is not among the files`);
      }
      return bring(record, sourceAmong(dropped), told);
    },

    rename: (id: ModelId, name: string): Promise<void> =>
      holdModel(id, async () => saveModelRecord({ ...(await getModelRecord(id)), name })),

    delete: async (id: ModelId): Promise<void> => {
      await deleteModel(id, files);
      known.delete(id);
    },

    /** Names of the files that are no longer as they came. */
    verify: async (id: ModelId, { signal, onProgress }: Told): Promise<string[]> =>
      verifyModel(await getModelRecord(id), files, signal, onProgress),
  };
}

/** What says that the files are no model, rather than that they could not be brought. */
const unusable: ReadonlySet<string> = new Set(["model.format", "model.config", "model.tensor", "tokenizer.invalid"]);

function newRecord(name: string, origin: ModelOrigin, files: ModelFile[]): ModelRecord {
  const createdAt = millis(Date.now());
  return { id: newId("model"), version: 1, name, createdAt, status: "importing", origin, files };
}

/** Of a dropped folder, the files a model is read from. Throws `model.format`. */
function chooseDropped(dropped: readonly File[]): File[] {
  const named = dropped.filter(({ name }) => isFileName(name));
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) !== i);
  if (twice) throw new StudioError("model.format", say`There are two files ${twice.name}: drop one model's folder`);
  const { container, weights } = recogniseModel(named.map(({ name }) => name));
  if (container === "gguf") return named.filter(({ name }) => name === weights);
  if (container === "llama2c") return named.filter(({ name }) => name.endsWith(".bin"));
  return named.filter(({ name }) => /\.(json|safetensors|jinja|txt)$/.test(name) || name === "README.md");
}

function sourceAmong(list: readonly File[]): (name: string) => Promise<ByteSource> {
  return (name) => {
    const file = list.find((candidate) => candidate.name === name);
    if (!file) return Promise.reject(new StudioError("model.format", say`${name} is not among the files`));
    return Promise.resolve(blobSource(file, name));
  };
}

function hubSources({ origin, files }: ModelRecord, signal: AbortSignal): (name: string) => Promise<ByteSource> {
  return (name) => {
    const file = files.find((candidate) => candidate.name === name);
    if (origin.kind !== "hub" || !file)
      return Promise.reject(new StudioError("model.missing", say`${name} has no place to come from`));
    return Promise.resolve(rangeSource(origin, file, signal));
  };
}
