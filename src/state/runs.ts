/** @file The runs the page shows: a mirror of storage, moved on by what the engine tells. */

import { create } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { StudioError } from "../core/errors";
import type { RunId } from "../core/ids";
import type { RunEvent } from "../core/metrics";
import type { Recipe } from "../core/recipe";
import { needsMending, type Run } from "../core/run";
import { say } from "../core/say";
import { holdRun, runLock } from "../storage/locks";
import { getRun, listRuns, saveRun } from "../storage/runs";
import { type Engine, openEngine, useEngine } from "./engine";
import { asFound, followRun, isActive, newRunName } from "./runsMirror";
import { recordEvent, reloadSeries } from "./series";
import { forgetGroups, recordGroups } from "./toldGroups";
import { keepStorage } from "./usage";

export type RunAction = "resuming" | "pausing" | "continuing" | "stopping" | "deleting";

type State =
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  | {
      status: "ready";
      /** Newest first. */
      runs: readonly Run[];
      /** How many are stored in a form that this version does not know. */
      unreadable: number;
      /** Runs that this tab's engine is working on. */
      here: ReadonlySet<RunId>;
      /** What was asked of a run and is not done yet. */
      busy: Readonly<Record<RunId, RunAction>>;
      /** Why the last thing asked of a run failed. */
      failures: Readonly<Record<RunId, unknown>>;
    };

export type ReadyRuns = Extract<State, { status: "ready" }>;

export const useRuns = create<State>(() => ({ status: "loading" }));

/** One run with what the page knows of it; `elsewhere`: another tab trains it and this one reads along. */
export type RunView = { run: Run; where: "here" | "elsewhere" | "nowhere"; busy: RunAction | null; failure: unknown };

export function viewRun(state: ReadyRuns, id: RunId): RunView | null {
  const run = state.runs.find((candidate) => candidate.id === id);
  if (!run) return null;
  const where = state.here.has(id) ? "here" : isActive(run) ? "elsewhere" : "nowhere";
  return { run, where, busy: state.busy[id] ?? null, failure: state.failures[id] ?? null };
}

export function useRunView(id: RunId): RunView | null {
  return useRuns(useShallow((state) => (state.status === "ready" ? viewRun(state, id) : null)));
}

/** The run this tab is training or has paused, for the status line of every page. */
export function useActiveRun(): Run | null {
  return useRuns((state) =>
    state.status === "ready" ? (state.runs.find((run) => state.here.has(run.id) && isActive(run)) ?? null) : null,
  );
}

function change(by: (state: ReadyRuns) => Partial<ReadyRuns>) {
  const state = useRuns.getState();
  if (state.status === "ready") useRuns.setState({ ...state, ...by(state) }, true);
}

const put = (runs: readonly Run[], run: Run) =>
  [run, ...runs.filter(({ id }) => id !== run.id)].sort((a, b) => b.createdAt - a.createdAt);

const without = <T>(record: Readonly<Record<RunId, T>>, id: RunId): Readonly<Record<RunId, T>> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== id));

async function heldRuns(runs: readonly Run[]): Promise<Set<RunId>> {
  const { held } = await navigator.locks.query();
  const names = new Set(held?.map(({ name }) => name));
  return new Set(runs.filter(({ id }) => names.has(runLock(id))).map(({ id }) => id));
}

const second = 1000;
let rereading: ReturnType<typeof setTimeout> | undefined;

/** Reads the records; while another tab trains one of them, again every two seconds. */
export async function loadRuns(): Promise<void> {
  clearTimeout(rereading);
  try {
    const { readable: stored, unreadable } = await listRuns();
    const held = await heldRuns(stored);
    const old = useRuns.getState();
    const known = old.status === "ready" ? old : { here: new Set<RunId>(), busy: {}, failures: {} };
    const mirrored = new Map(old.status === "ready" ? old.runs.map((run) => [run.id, run]) : []);
    const runs = stored.reverse().map((run) => {
      const mine = mirrored.get(run.id);
      return mine && known.here.has(run.id) ? mine : asFound(run, held);
    });
    const { here, busy, failures } = known;
    useRuns.setState({ status: "ready", runs, unreadable, here, busy, failures }, true);
    const elsewhere = runs.filter((run) => isActive(run) && !here.has(run.id));
    for (const run of elsewhere) {
      reloadSeries(run.id);
      forgetGroups(run.id);
    }
    if (elsewhere.length > 0) rereading = setTimeout(() => void loadRuns(), 2 * second);
  } catch (error) {
    useRuns.setState({ status: "failed", error }, true);
  }
}

/** Those who called `startRun` and do not know their run's id yet. */
const starting: ((run: RunId) => void)[] = [];

/**
 * Answers the new run's id when the engine has begun; the run goes on by itself. Without a name it has the recipe's and a
 * number. Throws what kept it from starting.
 */
export async function startRun(recipe: Recipe, name?: string): Promise<RunId> {
  if (useRuns.getState().status !== "ready") await loadRuns();
  const state = useRuns.getState();
  const taken = state.status === "ready" ? state.runs.map(({ name }) => name) : [];
  const engine = await listeningEngine();
  void keepStorage();
  return new Promise((resolve, reject) => {
    let begun: RunId | null = null;
    const begin = (id: RunId) => {
      begun = id;
      resolve(id);
    };
    starting.push(begin);
    engine
      .call("run.start", { recipe, name: name ?? newRunName(recipe.name, taken) })
      .then(
        (run) => {
          ended(run);
          resolve(run.id);
        },
        (error: unknown) => {
          if (begun) fail(begun, error);
          reject(error instanceof Error ? error : new StudioError("bug", say`${String(error)}`));
        },
      )
      .finally(() => {
        const at = starting.indexOf(begin);
        if (at >= 0) starting.splice(at, 1);
      });
  });
}

/** Goes on from the last checkpoint, with its own rewards as `mended` has them. Failures are shown with the run. */
export async function resumeRun(id: RunId, mended?: Recipe): Promise<void> {
  change(({ here }) => ({ here: new Set([...here, id]) }));
  await ask(id, "resuming", async () => {
    const engine = await listeningEngine();
    ended(await engine.call("run.resume", { run: id, ...(mended ? { mended } : {}) }));
  });
}

export const pauseRun = (id: RunId) =>
  ask(id, "pausing", async () => (await listeningEngine()).call("run.pause", { run: id }));

export const continueRun = (id: RunId) =>
  ask(id, "continuing", async () => (await listeningEngine()).call("run.continue", { run: id }));

/** `keep` saves a checkpoint first; without it the steps since the last checkpoint are lost. */
export const stopRun = (id: RunId, keep: boolean) =>
  ask(id, "stopping", async () => (await listeningEngine()).call("run.stop", { run: id, keep }));

export async function deleteRun(id: RunId): Promise<void> {
  await ask(id, "deleting", async () => {
    await (await listeningEngine()).call("run.delete", { run: id });
    change(({ runs }) => ({ runs: runs.filter((run) => run.id !== id) }));
    reloadSeries(id);
    forgetGroups(id);
  });
}

/** Not while the run is under way: its record is the engine's then, and `run.locked` is what comes. */
export async function renameRun(id: RunId, name: string): Promise<void> {
  try {
    const run = await holdRun(id, async () => {
      const renamed = { ...(await getRun(id)), name };
      await saveRun(renamed);
      return renamed;
    });
    change(({ runs }) => ({ runs: put(runs, run) }));
  } catch (error) {
    change(({ failures }) => ({ failures: { ...failures, [id]: error } }));
  }
}

/** A failure that has been read. */
export function dismissFailure(id: RunId) {
  change(({ failures }) => ({ failures: without(failures, id) }));
}

async function ask(id: RunId, action: RunAction, work: () => Promise<void>) {
  change(({ busy, failures }) => ({ busy: { ...busy, [id]: action }, failures: without(failures, id) }));
  try {
    await work();
  } catch (error) {
    if (action === "resuming") fail(id, error);
    else change(({ failures }) => ({ failures: { ...failures, [id]: error } }));
  } finally {
    change(({ busy }) => ({ busy: without(busy, id) }));
  }
}

function ended(run: Run) {
  leaveHere(run.id);
  forgetGroups(run.id);
  change(({ runs }) => ({ runs: put(runs, run) }));
}

/** The engine has let go of the run, and not at its end: what storage says of it is what is left. */
function fail(id: RunId, error: unknown) {
  leaveHere(id);
  forgetGroups(id);
  change(({ failures }) => ({ failures: { ...failures, [id]: error } }));
  void loadRuns();
}

function leaveHere(id: RunId) {
  change(({ here }) => ({ here: new Set([...here].filter((run) => run !== id)) }));
  forgetReload(id);
}

/** Steps come many a second; the records' copy takes them in once a second. */
let lastStep = 0;

function takeEvent(id: RunId, event: RunEvent) {
  recordEvent(id, event);
  if (event.event === "groups") recordGroups(id, event.groups);
  if (event.event === "status" && event.status === "running") rememberReload(id); // a new run is not in the list yet
  const state = useRuns.getState();
  if (state.status !== "ready") return;
  const run = state.runs.find((candidate) => candidate.id === id);
  if (!run) {
    void loadRuns();
    return;
  }
  if (event.event === "progress" || event.event === "samples" || event.event === "alert" || event.event === "groups")
    return;
  if (event.event === "step") {
    const now = performance.now();
    if (now - lastStep < second) return;
    lastStep = now;
  }
  const next = followRun(run, event);
  change(({ runs }) => ({ runs: runs.map((old) => (old.id === id ? next : old)) }));
  if (event.event !== "status") return;
  change(({ busy }) => ({ busy: without(busy, id) }));
  if (next.status !== "running") {
    forgetReload(id);
    return;
  }
  // Going on from a checkpoint, the engine has cut the stored history back to it.
  if (run.status !== "paused" || needsMending(run)) void readAgain(id);
}

async function readAgain(id: RunId) {
  reloadSeries(id);
  forgetGroups(id);
  try {
    const stored = await getRun(id);
    change(({ runs }) => ({ runs: put(runs, stored) }));
  } catch (error) {
    change(({ failures }) => ({ failures: { ...failures, [id]: error } }));
  }
}

/** The run this tab was training when it was last left, so that a reload goes on with it. */
const reloadKey = "anneal.training";
const reloaded = sessionStorage.getItem(reloadKey);
let reloadPending = reloaded !== null;

function rememberReload(id: RunId) {
  sessionStorage.setItem(reloadKey, id);
}

function forgetReload(id: RunId) {
  if (sessionStorage.getItem(reloadKey) === id) sessionStorage.removeItem(reloadKey);
}

/** Whether this tab was training the run when it was reloaded: true once. */
export function takeReloaded(id: RunId): boolean {
  if (!reloadPending || reloaded !== id) return false;
  reloadPending = false;
  return true;
}

let listening: Engine | undefined;

async function listeningEngine(): Promise<Engine> {
  const engine = await openEngine();
  if (engine !== listening) {
    listening = engine;
    engine.on("run.event", ({ run, ...event }) => {
      if (!isHere(run)) {
        change(({ here }) => ({ here: new Set([...here, run]) }));
        starting.shift()?.(run);
      }
      takeEvent(run, event);
    });
  }
  return engine;
}

function isHere(id: RunId) {
  const state = useRuns.getState();
  return state.status === "ready" && state.here.has(id);
}

// The engine sweeps storage when it opens: what was cut off is known as such from then on.
useEngine.subscribe(({ status }) => {
  if (status === "ready" && useRuns.getState().status === "ready") void loadRuns();
});
