/** @file The engine: every call of the protocol, answered. */

import type { Calls, Events } from "./bridge/protocol";
import { serve } from "./bridge/rpc";
import type { TrainedId } from "./core/adapterRecord";
import { bytesSource } from "./core/byteSource";
import { StudioError, toWire } from "./core/errors";
import type { ModelId, RunId } from "./core/ids";
import type { RunEvent } from "./core/metrics";
import { gsm8kTemplate, type Recipe } from "./core/recipe";
import { newRun, type Run } from "./core/run";
import { say } from "./core/say";
import { bytes } from "./core/units";
import { addAdapters, importAdapter, readTrained, type Trained } from "./jobs/adapterLibrary";
import { type Controls, newControls } from "./jobs/controls";
import { newEngineSession, type Session } from "./jobs/engineSession";
import { exportDataset } from "./jobs/exportDataset";
import { describeExports, exportTrained, proveTrained } from "./jobs/exportTrained";
import { answer } from "./jobs/generate";
import { importDataset } from "./jobs/importDataset";
import { inspectFile } from "./jobs/inspectFile";
import { stoppingAt } from "./jobs/loadModel";
import { markFinal } from "./jobs/markFinal";
import { measureSpeed } from "./jobs/measureSpeed";
import { newModelLibrary } from "./jobs/modelLibrary";
import { planRecipe } from "./jobs/planRecipe";
import { previewRow } from "./jobs/previewRow";
import { previewPrompt, readAttention } from "./jobs/readPrompt";
import { newRecipeSource } from "./jobs/recipeSource";
import { newRewardSamples } from "./jobs/rewardSamples";
import { tryRewards } from "./jobs/rewards";
import { runTraining } from "./jobs/runTraining";
import { saveFeedback } from "./jobs/saveFeedback";
import { newStepTimes } from "./jobs/stepTimes";
import { newUntilLost } from "./jobs/untilLost";
import { weightBytes } from "./jobs/weightFormats";
import { disposeAdapter, loadAdapter } from "./model/adapter";
import { deleteAdapter, renameAdapter } from "./storage/adapters";
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

/** What ships with the studio. */
const embeddedFiles = [
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];
const library = newModelLibrary({
  embedded: {
    name: "embedded",
    list: () => Promise.resolve(embeddedFiles),
    open: async (file) => {
      const bytes = embeddedFiles.includes(file) ? await readAsset(`embedded/${file}`) : null;
      return bytes && bytesSource(bytes, file);
    },
  },
});

const session = newEngineSession({
  filesOf: library.filesOf,
  onLoading: (model, done, total) => {
    emit("model.loading", { model, done, total });
  },
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

function controlsOf(run: RunId): Controls {
  if (active?.run !== run) throw new StudioError("run.missing", say`This engine is not training that run`);
  return active.controls;
}

/** Trains the run as its only writer. Answers when it has ended. */
async function train(id: RunId, find: () => Promise<Run>, signal: AbortSignal, mended?: Recipe): Promise<Run> {
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
        ...(mended ? { mended } : {}),
        store,
        backend: device.backend,
        loadModel: async () => session.model(await session.current(), run.recipe.model, run.recipe.precision),
        loadSource: () => source.load(run.recipe, controls.signal),
        loadAdapter: (name) => readTrained(name as TrainedId, store),
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

/** What was planned last. */
let planned: { recipe: string; stepSeconds: number | null } | null = null;

/** A run begins with what its plan said of its steps. */
function newPlannedRun(recipe: Recipe, name: string): Run {
  const run = newRun(recipe, name);
  const stepSeconds = planned?.recipe === JSON.stringify(recipe) ? planned.stepSeconds : null;
  return stepSeconds === null ? run : { ...run, stepSeconds };
}

async function plan(recipe: Recipe, signal: AbortSignal) {
  const { device } = await session.current();
  const [loaded, model, { readable: runs }] = await Promise.all([
    source.load(recipe, signal),
    library.know(recipe.model),
    listRuns(),
  ]);
  const { config } = model.open;
  const size = weightBytes(config, await model.open.weights(), recipe.precision);
  const found = planRecipe({
    recipe,
    model: { config, weightBytes: size },
    source: loaded,
    lengths: await source.lengths(recipe, loaded, model.tokenizer, signal),
    available: availableMemory(),
    speeds: times.speeds(recipe, device.backend, runs),
  });
  planned = { recipe: JSON.stringify(recipe), stepSeconds: found.stepSeconds };
  return found;
}

async function measure(recipe: Recipe, signal: AbortSignal): Promise<boolean> {
  const now = await session.current();
  if (active || now.device.software) return false;
  const { meanTokens, memory } = await plan(recipe, signal);
  if (memory.verdict === "too large" || meanTokens === 0) return false;
  const model = await session.model(now, recipe.model, recipe.precision);
  const { turns } = now;
  const { recompute } = memory;
  const speed = await measureSpeed({ recipe, model, length: Math.ceil(meanTokens), recompute, turns, signal });
  times.noteSpeed(recipe, now.device.backend, speed);
  return true;
}

/** A model that a run or a chat has on the device stays. */
async function checkIdle(id: ModelId): Promise<void> {
  if (active && (await getRun(active.run).catch(() => null))?.recipe.model === id) throw new StudioError("model.busy");
}

const tellProgress = (progress: string) => (told: { file: string; done: number; total: number }) => {
  emit("model.progress", { progress, ...told });
};

/** The base on the device, and what was trained on it. The caller disposes of the adapter. */
async function loadTrained(now: Session, id: TrainedId) {
  const trained = await readTrained(id, store);
  const base = await session.model(now, trained.model, id.startsWith("adapter:") ? "any" : trained.precision);
  return { trained, base, adapter: loadAdapter(base.llama, trained.adaptation, trained.tensors) };
}

async function chat(args: Calls["chat.ask"]["args"], signal: AbortSignal): Promise<Calls["chat.ask"]["result"]> {
  const begun = performance.now();
  const now = await session.current();
  const tuned = args.run === null ? null : await loadTrained(now, args.run);
  const base = tuned?.base ?? (await session.model(now, args.model, "any"));
  const untilLost = newUntilLost(now.device.lost);
  try {
    const pieces = answer({
      model: tuned ? stoppingAt(base, tuned.trained.template) : base,
      adapter: tuned?.adapter ?? null,
      prompt: args.prompt,
      template: args.template ?? tuned?.trained.template.prompt ?? gsm8kTemplate.prompt,
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
    if (tuned) disposeAdapter(tuned.adapter);
  }
}

const exportHost = { store, library, source, readAsset };

async function prove(args: Calls["trained.prove"]["args"], signal: AbortSignal) {
  if (active) throw new StudioError("run.active", say`An export is not proved beside it`);
  const now = await session.current();
  const untilLost = newUntilLost(now.device.lost);
  const loadBase = ({ model, precision }: Trained) => session.model(now, model, precision);
  return untilLost.wait(proveTrained(args, exportHost, { loadBase, turns: now.turns, signal }));
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
  "model.list": () => library.list(),
  "model.import": ({ files, name, progress }, signal) =>
    library.importFiles(files, name, { signal, onProgress: tellProgress(progress) }),
  "model.download": ({ progress, ...wish }, signal) =>
    library.download(wish, { signal, onProgress: tellProgress(progress) }),
  "model.resume": ({ model, files, progress }, signal) =>
    library.resume(model, files, { signal, onProgress: tellProgress(progress) }),
  "model.rename": ({ model, name }) => library.rename(model, name),
  "model.delete": async ({ model }) => {
    await checkIdle(model);
    await library.delete(model);
  },
  "model.verify": ({ model, progress }, signal) =>
    library.verify(model, { signal, onProgress: tellProgress(progress) }),
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
  "dataset.markFinal": async ({ recipe, row, token }) => {
    const { open, tokenizer } = await library.know(recipe.model);
    const marked = await markFinal({ recipe, row, token }, { config: open.config, tokenizer });
    source.forget();
    return marked;
  },
  "dataset.export": ({ dataset }, signal) => exportDataset(dataset, readAsset, signal),
  "feedback.save": async (feedback) => {
    const kept = await saveFeedback(feedback);
    source.forget();
    return kept;
  },
  "recipe.preview": async ({ recipe, row }, signal) => {
    const { open, tokenizer } = await library.know(recipe.model);
    return previewRow(await source.row(recipe, row, signal), recipe, { config: open.config, tokenizer });
  },
  "recipe.plan": ({ recipe }, signal) => plan(recipe, signal),
  "reward.samples": async ({ recipe, written }, signal) => {
    const { tokenizer } = await library.know(recipe.model);
    return newRewardSamples({ row: await source.row(recipe, 0, signal), recipe, written, tokenizer });
  },
  "reward.try": (asked, signal) => tryRewards(asked, signal),
  "recipe.measure": ({ recipe }, signal) => measure(recipe, signal),
  "run.start": ({ recipe, name }, signal) => {
    const run = newPlannedRun(recipe, name);
    return train(run.id, () => Promise.resolve(run), signal);
  },
  "run.resume": ({ run, mended }, signal) => train(run, () => getRun(run), signal, mended),
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
  "prompt.preview": async ({ run, prompt }) => {
    const trained = await readTrained(run, store);
    return previewPrompt(prompt, trained, (await library.know(trained.model)).tokenizer);
  },
  "prompt.attention": async ({ run, ...asked }) => {
    const now = await session.current();
    const { trained, base, adapter } = await loadTrained(now, run);
    try {
      return await readAttention(asked, trained, { model: base, adapter, turns: now.turns });
    } finally {
      disposeAdapter(adapter);
    }
  },
  "adapter.import": async ({ files, name, model }) => {
    const { open, facts } = await library.know(model);
    return importAdapter(files, { name, model, config: open.config, template: facts.template });
  },
  "adapter.add": ({ parts, name }) =>
    addAdapters(parts, name, async (model) => (await library.know(model)).open.config, store),
  "adapter.rename": ({ adapter, name }) => renameAdapter(adapter, name),
  "adapter.delete": ({ adapter }) => deleteAdapter(adapter),
  "trained.choices": ({ id }) => describeExports(id, exportHost),
  "trained.export": ({ id, format, progress }, signal) =>
    exportTrained(id, format, exportHost, { signal, onProgress: tellProgress(progress) }),
  "trained.prove": prove,
});

setInterval(() => {
  const memory = session.memory();
  if (!memory) return;
  const { bytes: used, tensors } = memory;
  emit("engine.memory", { used: bytes(used), available: bytes(availableMemory()), tensors });
}, 1000);
