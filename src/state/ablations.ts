/** @file The ablations the page shows, and the queue that this tab works through, one ordinary run after the other. */

import { create } from "zustand";
import { type Ablation, type AblationId, type Cell, newAblation, withCell } from "../core/ablation";
import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";
import { ablationLock, changeAblation, deleteAblation, listAblations, saveAblation } from "../storage/ablations";
import { isHeld, lettingGo, takeLock } from "../storage/locks";
import { activeCell, type Runs } from "./ablationsQueue";
import { type QueueHost, workQueue } from "./ablationsWork";
import { openEngine } from "./engine";
import { continueRun, loadRuns, pauseRun, resumeRun, startRun, stopRun, takeReloaded, useRuns } from "./runs";
import { isActive } from "./runsMirror";

type State =
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  | {
      status: "ready";
      /** Newest first. */
      ablations: readonly Ablation[];
      unreadable: number;
      /** Whose queues this tab works through, and whose another does. */
      here: ReadonlySet<AblationId>;
      elsewhere: ReadonlySet<AblationId>;
      /** Seconds that whole cells took in this tab. */
      taken: Readonly<Record<AblationId, readonly number[]>>;
      /** What ended the work on a queue, or the last thing asked of it, with an error. */
      failures: Readonly<Record<AblationId, unknown>>;
    };

export type ReadyAblations = Extract<State, { status: "ready" }>;

export const useAblations = create<State>(() => ({ status: "loading" }));

function change(by: (state: ReadyAblations) => Partial<ReadyAblations>) {
  const state = useAblations.getState();
  if (state.status === "ready") useAblations.setState({ ...state, ...by(state) }, true);
}

const put = (ablations: readonly Ablation[], ablation: Ablation) =>
  [ablation, ...ablations.filter(({ id }) => id !== ablation.id)].sort((a, b) => b.createdAt - a.createdAt);

function show(ablation: Ablation) {
  change(({ ablations }) => ({ ablations: put(ablations, ablation) }));
}

function fail(id: AblationId, error: unknown) {
  change(({ failures }) => ({ failures: { ...failures, [id]: error } }));
}

export function dismissAblationFailure(id: AblationId) {
  change(({ failures }) => ({ failures: { ...failures, [id]: undefined } }));
}

let rereading: ReturnType<typeof setTimeout> | undefined;

/** Reads the records; while another tab works through one, again every three seconds. */
export async function loadAblations(): Promise<void> {
  clearTimeout(rereading);
  try {
    const { readable, unreadable } = await listAblations();
    const old = useAblations.getState();
    const known = old.status === "ready" ? old : { here: new Set<AblationId>(), taken: {}, failures: {} };
    const elsewhere = new Set<AblationId>();
    for (const { id, queue } of readable) {
      if (queue === "going" && !known.here.has(id) && (await isHeld(ablationLock(id)))) elsewhere.add(id);
    }
    const { here, taken, failures } = known;
    const ablations = readable.toReversed();
    useAblations.setState({ status: "ready", ablations, unreadable, here, elsewhere, taken, failures }, true);
    if (elsewhere.size > 0) rereading = setTimeout(() => void Promise.all([loadAblations(), loadRuns()]), 3000);
  } catch (error) {
    useAblations.setState({ status: "failed", error }, true);
  }
}

async function store(id: AblationId, by: (ablation: Ablation) => Ablation): Promise<Ablation> {
  const ablation = await changeAblation(id, by);
  show(ablation);
  return ablation;
}

/** Stores a new ablation and begins with it. Throws `ablation.invalid`, `storage.full` or `storage.failed`. */
export async function createAblation(wish: Parameters<typeof newAblation>[0]): Promise<AblationId> {
  if (useAblations.getState().status !== "ready") await loadAblations();
  const ablation = newAblation(wish);
  await saveAblation(ablation);
  show(ablation);
  void workThrough(ablation.id);
  return ablation.id;
}

/** Shows what went wrong with the ablation instead of throwing it. */
async function asked(id: AblationId, work: () => Promise<void>): Promise<void> {
  dismissAblationFailure(id);
  try {
    await work();
  } catch (error) {
    fail(id, error);
  }
}

/** Goes on after a pause, a stop, a reload or an error. */
export const goOn = (id: AblationId) =>
  asked(id, async () => {
    const ablation = await store(id, (old) => ({ ...old, queue: "going" }));
    const paused = activeHere(ablation);
    if (paused) await continueRun(paused);
    void workThrough(id);
  });

/** The run under way pauses too. */
export const pauseAblation = (id: AblationId) =>
  asked(id, async () => {
    const active = activeHere(await store(id, (old) => ({ ...old, queue: "paused" })));
    if (active) await pauseRun(active);
  });

/** The run under way stops with a checkpoint: it goes on from there when the queue does. */
export const stopAblation = (id: AblationId) =>
  asked(id, async () => {
    const active = activeHere(await store(id, (old) => ({ ...old, queue: "stopped" })));
    if (active) await stopRun(active, true);
  });

/** A cell that is left out is not run and does not count; its run stays. */
export const leaveOut = (id: AblationId, cell: Pick<Cell, "variant" | "seed">, isLeftOut: boolean) =>
  asked(id, async () => {
    await store(id, (old) => withCell(old, cell, { isLeftOut }));
  });

/** The cell gets another run, from the beginning. */
export const runAgain = (id: AblationId, cell: Pick<Cell, "variant" | "seed">) =>
  asked(id, async () => {
    await store(id, (old) => ({ ...withCell(old, cell, { run: null, isLeftOut: false }), queue: "going" }));
    void workThrough(id);
  });

export const removeAblation = (id: AblationId) =>
  asked(id, async () => {
    const release = await takeLock(ablationLock(id));
    if (!release) throw new StudioError("run.locked");
    try {
      await deleteAblation(id);
    } finally {
      release();
    }
    change(({ ablations }) => ({ ablations: ablations.filter((ablation) => ablation.id !== id) }));
  });

function knownRuns(): Runs {
  const state = useRuns.getState();
  return new Map(state.status === "ready" ? state.runs.map((run) => [run.id, run]) : []);
}

/** The run of this ablation that this tab is training or has paused. */
function activeHere(ablation: Ablation): RunId | null {
  const state = useRuns.getState();
  const run = activeCell(ablation, knownRuns())?.run ?? null;
  return run !== null && state.status === "ready" && state.here.has(run) ? run : null;
}

/** Resolves when what the runs' store says satisfies `test`. */
function untilRuns(test: (runs: Runs, here: ReadonlySet<RunId>) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const state = useRuns.getState();
      if (state.status !== "ready" || !test(knownRuns(), state.here)) return;
      stop();
      resolve();
    };
    const stop = useRuns.subscribe(look);
    look();
  });
}

/** What this tab was working through when it was last left, so that a reload goes on with it. */
const reloadKey = "anneal.comparing";

/** After a reload: goes on with what this tab was working through. */
export async function goOnAfterReload(): Promise<void> {
  const id = sessionStorage.getItem(reloadKey) as AblationId | null;
  if (id === null) return;
  if (useAblations.getState().status !== "ready") await loadAblations();
  const state = useAblations.getState();
  if (state.status === "ready" && state.ablations.some((one) => one.id === id && one.queue === "going")) {
    await workThrough(id);
  } else sessionStorage.removeItem(reloadKey);
}

/** Works through the queue as the one tab that does. */
async function workThrough(id: AblationId): Promise<void> {
  const state = useAblations.getState();
  if (state.status === "ready" && state.here.has(id)) return;
  change(({ here }) => ({ here: new Set([...here, id]) }));
  const leave = () => {
    change(({ here }) => ({ here: new Set([...here].filter((one) => one !== id)) }));
  };
  const release = await takeLock(ablationLock(id), lettingGo).catch(() => null);
  if (!release) {
    leave();
    await loadAblations();
    return;
  }
  sessionStorage.setItem(reloadKey, id);
  try {
    await openEngine(); // it puts right what a crash left of runs
    await loadRuns();
    await workQueue(newHost(id));
  } catch (error) {
    fail(id, error);
    await store(id, (old) => ({ ...old, queue: "paused" })).catch(() => undefined); // the first error is the one to show
  } finally {
    release();
    sessionStorage.removeItem(reloadKey);
    leave();
  }
}

const newHost = (id: AblationId): QueueHost => ({
  change: (by) => store(id, by),
  runs: knownRuns,
  untilIdle: () => untilRuns((_, here) => here.size === 0),
  untilEnded: (run) =>
    untilRuns((runs, here) => {
      const found = runs.get(run);
      return !here.has(run) && !(found && isActive(found));
    }),
  plan: async (recipe) => {
    const { trainedParameters, parameters, memory, fileBytes } = await (await openEngine()).call("recipe.plan", {
      recipe,
    });
    return { trained: trainedParameters, parameters, memory: memory.needed, file: fileBytes };
  },
  start: (recipe) => startRun(recipe, recipe.name),
  resume: (run) => {
    takeReloaded(run); // the run's own page need not go on with it as well
    void resumeRun(run);
  },
  rest: (run, how) => (how === "paused" ? pauseRun(run) : stopRun(run, true)),
  failure: (run) => {
    const state = useRuns.getState();
    return state.status === "ready" ? state.failures[run] : undefined;
  },
  onTaken: (seconds) => {
    change(({ taken }) => ({ taken: { ...taken, [id]: [...(taken[id] ?? []), seconds] } }));
  },
});
