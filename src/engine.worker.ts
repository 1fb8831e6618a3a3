/** @file The engine: every call of the protocol, answered. */

import type { Calls, Events } from "./bridge/protocol";
import { serve, withTransfer } from "./bridge/rpc";
import { StudioError, toWire } from "./core/errors";
import { embeddedModel, type RunId } from "./core/ids";
import type { RunEvent } from "./core/metrics";
import { countParameters, type Model } from "./core/model";
import { gsm8kTemplate, type Recipe } from "./core/recipe";
import { newRun, type Run } from "./core/run";
import { say } from "./core/say";
import { bytes } from "./core/units";
import { newZip } from "./formats/zip";
import { type Controls, newControls } from "./jobs/controls";
import { newEngineSession } from "./jobs/engineSession";
import { exportAdapter } from "./jobs/exportAdapter";
import { answer } from "./jobs/generate";
import { importDataset } from "./jobs/importDataset";
import { inspectFile } from "./jobs/inspectFile";
import { type ModelFiles, readModelConfig, readTokenizer } from "./jobs/loadModel";
import { loadRunAdapter } from "./jobs/loadRunAdapter";
import { measureSpeed } from "./jobs/measureSpeed";
import { planRecipe } from "./jobs/planRecipe";
import { previewRow } from "./jobs/previewRow";
import { newRecipeSource } from "./jobs/recipeSource";
import { runTraining } from "./jobs/runTraining";
import { newStepTimes } from "./jobs/stepTimes";
import { newUntilLost } from "./jobs/untilLost";
import { disposeAdapter } from "./model/lora";
import { newBrowserRunStore } from "./storage/browserRunStore";
import { deleteDataset } from "./storage/datasets";
import { holdRun } from "./storage/locks";
import { deleteRun, getRun, listRuns } from "./storage/runs";
import { sweepStorage } from "./storage/sweepStorage";
import { readTuning, writeTuning } from "./storage/tunings";

const store = newBrowserRunStore();

async function readAsset(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const response = await fetch(`${import.meta.env.BASE_URL}${path}`).catch((cause: unknown) => {
    throw new StudioError("file.unreadable", say`${path} cannot be fetched`, { cause });
  });
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
}

function filesOf(model: string): ModelFiles {
  if (model !== "embedded") throw new StudioError("model.missing", say`There is no model ${model}`);
  return { name: model, read: (file) => readAsset(`embedded/${file}`) };
}

const session = newEngineSession({
  filesOf,
  onLost: (error) => {
    emit("device.lost", toWire(error));
  },
  tunings: { read: readTuning, write: writeTuning },
});
const source = newRecipeSource(readAsset);
const times = newStepTimes();
/** What an earlier crash left is put right before anything else is read or written. */
let swept: Promise<void> | null = null;
/** The run that has the engine: one at a time. */
let active: { run: RunId; controls: Controls } | null = null;

/** The tokenizer and numbers of a recipe's model, without its weights. */
let light: { name: string; loading: Promise<Awaited<ReturnType<typeof loadLight>>> } | null = null;
async function loadLight(name: string) {
  const files = filesOf(name);
  const config = await readModelConfig(files);
  return { config, tokenizer: await readTokenizer(files, config) };
}
function lightModel(name: string) {
  if (light?.name !== name) light = { name, loading: loadLight(name) };
  const mine = light;
  mine.loading.catch(() => {
    if (light === mine) light = null;
  });
  return mine.loading;
}

function controlsOf(run: RunId): Controls {
  if (active?.run !== run) throw new StudioError("run.missing", say`This engine is not training that run`);
  return active.controls;
}

/** Trains the run as its only writer. Answers when it has ended. */
async function train(id: RunId, find: () => Promise<Run>, signal: AbortSignal): Promise<Run> {
  if (active) throw new StudioError("run.active");
  const controls = newControls();
  active = { run: id, controls };
  const stop = () => {
    controls.stop(true);
  };
  signal.addEventListener("abort", stop);
  try {
    return await holdRun(id, async () => {
      const { device, turns } = await session.current();
      const run = await find();
      return runTraining({
        run,
        store,
        backend: device.backend,
        loadModel: async () => session.model(await session.current(), run.recipe.model),
        loadSource: () => source.load(run.recipe, controls.signal),
        available: availableMemory(),
        controls,
        turns,
        lost: device.lost,
        emit: (event) => {
          tell(run, event, device.backend);
        },
      });
    });
  } finally {
    signal.removeEventListener("abort", stop);
    active = null;
  }
}

function tell(run: Run, event: RunEvent, backend: string): void {
  if (event.event === "step") times.note(run.recipe, backend, event.metrics);
  emit("run.event", { run: run.id, ...event });
}

/** Bytes that the engine can count on. Browsers tell at most 8 GiB of memory, and nothing of a graphics card's own. */
function availableMemory(): number {
  const host = ((navigator as { deviceMemory?: number }).deviceMemory ?? 4) * 2 ** 30;
  const limit = session.memory()?.device.backend === "webgpu" ? host : 2 ** 31;
  return Math.min(limit, host / 2);
}

async function plan(recipe: Recipe, signal: AbortSignal) {
  const { device } = await session.current();
  const [loaded, model, { readable: runs }] = await Promise.all([
    source.load(recipe, signal),
    lightModel(recipe.model),
    listRuns(),
  ]);
  return planRecipe({
    recipe,
    config: model.config,
    source: loaded,
    lengths: await source.lengths(recipe, loaded, model.tokenizer, signal),
    available: availableMemory(),
    secondsAStep: (tokens) => times.secondsAStep(recipe, device.backend, tokens, runs),
  });
}

async function measure(recipe: Recipe, signal: AbortSignal): Promise<boolean> {
  const now = await session.current();
  if (active || now.device.software) return false;
  const { meanTokens, memory } = await plan(recipe, signal);
  if (memory.verdict === "too large" || meanTokens === 0) return false;
  const model = await session.model(now, recipe.model);
  const { turns } = now;
  const { recompute } = memory;
  const speed = await measureSpeed({ recipe, model, length: Math.ceil(meanTokens), recompute, turns, signal });
  times.noteSpeed(recipe, now.device.backend, speed);
  return true;
}

async function listModels(): Promise<Model[]> {
  const { config } = await lightModel("embedded");
  const parameters = countParameters(config);
  // the file holds f16
  return [{ id: embeddedModel, name: "Anneal base", config, parameters, bytes: bytes(2 * parameters), licence: "MIT" }];
}

async function chat(args: Calls["chat.ask"]["args"], signal: AbortSignal): Promise<Calls["chat.ask"]["result"]> {
  const begun = performance.now();
  const now = await session.current();
  const run = args.run === null ? null : await getRun(args.run);
  const model = await session.model(now, run?.recipe.model ?? args.model);
  const adapter = run ? await loadRunAdapter(run, store, model.config) : null;
  const untilLost = newUntilLost(now.device.lost);
  try {
    const pieces = answer({
      model,
      adapter,
      prompt: args.prompt,
      template: args.template ?? run?.recipe.template.prompt ?? gsm8kTemplate.prompt,
      maxTokens: args.maxTokens,
      sampling: args.sampling,
      turns: now.turns,
      signal,
    });
    let next = await untilLost.wait(pieces.next());
    for (; !next.done; next = await untilLost.wait(pieces.next())) {
      emit("chat.text", { id: args.id, text: next.value });
    }
    return { ...next.value, seconds: (performance.now() - begun) / 1000 };
  } finally {
    if (adapter) disposeAdapter(adapter);
  }
}

const emit = serve<Calls, Events>(self, {
  "engine.open": async ({ choice }) => {
    swept ??= sweepStorage();
    swept.catch(() => {
      swept = null; // a full or closed database is no reason not to compute; the next opening tries again
    });
    await swept.catch(() => undefined);
    if (active && session.isOther(choice)) throw new StudioError("run.active");
    return session.open(choice);
  },
  "model.list": listModels,
  "dataset.inspect": ({ file, mapping }) => inspectFile(file, mapping),
  "dataset.import": ({ file, name, mapping, onBad, progress }, signal) =>
    importDataset({
      file,
      name,
      mapping,
      onBad,
      signal,
      onProgress: (told) => {
        emit("dataset.progress", { progress, ...told });
      },
    }),
  "dataset.delete": async ({ dataset }) => {
    await deleteDataset(dataset);
    source.forget();
  },
  "recipe.preview": async ({ recipe, row }, signal) => {
    const model = await lightModel(recipe.model);
    return previewRow(await source.row(recipe, row, signal), recipe, model);
  },
  "recipe.plan": ({ recipe }, signal) => plan(recipe, signal),
  "recipe.measure": ({ recipe }, signal) => measure(recipe, signal),
  "run.start": ({ recipe, name }, signal) => {
    const run = newRun(recipe, name);
    return train(run.id, () => Promise.resolve(run), signal);
  },
  "run.resume": ({ run }, signal) => train(run, () => getRun(run), signal),
  "run.pause": ({ run }) => {
    controlsOf(run).pause();
    return Promise.resolve();
  },
  "run.continue": ({ run }) => {
    controlsOf(run).continue();
    return Promise.resolve();
  },
  "run.stop": ({ run, keep }) => {
    controlsOf(run).stop(keep);
    return Promise.resolve();
  },
  "run.delete": ({ run }) => deleteRun(run),
  "chat.ask": chat,
  "adapter.export": async ({ run: id }) => {
    const run = await getRun(id);
    const { config } = await lightModel(run.recipe.model);
    const zip = await newZip(await exportAdapter(run, store, config));
    const name = run.name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replaceAll(/^-+|-+$/g, "") || "adapter";
    return withTransfer({ name: `${name}.zip`, zip }, [zip.buffer]);
  },
});

setInterval(() => {
  const memory = session.memory();
  if (!memory) return;
  const { bytes: used, tensors } = memory;
  emit("engine.memory", { used: bytes(used), available: bytes(availableMemory()), tensors });
}, 1000);
