/** @file The groups of one run: which steps have any, the step in view, and looking for answers in all of them. */

import { create } from "zustand";
import type { RunId } from "../core/ids";
import type { GroupStep } from "../core/metrics";
import type { Recipe } from "../core/recipe";
import { eachGroups, listGroupSteps, readGroups } from "../storage/groups";
import { groupLines } from "../storage/packedGroups";
import { type Found, findInGroups, type GroupWish, rightnessOf } from "./groupSearch";
import { onGroups, toldGroups } from "./toldGroups";

export type Listing =
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  /** Ascending. */
  | { status: "ready"; steps: readonly number[] };

export type Shown = { step: number } & (
  | { status: "loading" }
  | { status: "failed"; error: unknown }
  | { status: "ready"; groups: GroupStep }
);

export type Search = { wish: GroupWish; found: readonly Found[]; searched: number } & (
  | { status: "searching" }
  | { status: "done"; isCut: boolean }
  | { status: "failed"; error: unknown }
);

type State = { run: RunId | null; listing: Listing; shown: Shown | null; search: Search | null };

export const useGroups = create<State>(() => ({
  run: null,
  listing: { status: "loading" },
  shown: null,
  search: null,
}));

/** A list that more than this is found for is not read to its end. */
export const mostFound = 200;

const isShown = (run: RunId) => useGroups.getState().run === run;

/** Lists a run's steps anew, and lets go of what is in view of another run. */
export async function openGroups(run: RunId): Promise<void> {
  if (!isShown(run)) {
    stopSearch();
    useGroups.setState({ run, listing: { status: "loading" }, shown: null, search: null }, true);
  }
  try {
    const stored = await listGroupSteps(run);
    if (!isShown(run)) return;
    const fresh = toldGroups(run).map(({ step }) => step);
    const steps = [...new Set([...stored, ...fresh])].sort((a, b) => a - b);
    useGroups.setState({ listing: { status: "ready", steps } });
  } catch (error) {
    if (isShown(run)) useGroups.setState({ listing: { status: "failed", error } });
  }
}

/** The step last asked for: what is read of an earlier wish comes too late. */
let wanted = -1;

/** Puts a step in view; what was in view stays until it is read. */
export async function showGroups(run: RunId, step: number): Promise<void> {
  wanted = step;
  const before = useGroups.getState().shown;
  if (before?.step === step && before.status !== "failed") return;
  const fresh = toldGroups(run).find((groups) => groups.step === step);
  if (fresh) {
    useGroups.setState({ shown: { step, status: "ready", groups: fresh } });
    return;
  }
  if (before?.status !== "ready") useGroups.setState({ shown: { step, status: "loading" } });
  const isWanted = () => isShown(run) && wanted === step;
  try {
    const groups = await readGroups(run, step);
    if (!isWanted()) return;
    useGroups.setState({ shown: groups ? { step, status: "ready", groups } : null });
  } catch (error) {
    if (isWanted()) useGroups.setState({ shown: { step, status: "failed", error } });
  }
}

/** A step told again means that the run went back: later ones go. */
onGroups((run, groups) => {
  const { listing, shown } = useGroups.getState();
  if (!isShown(run)) return;
  if (!groups) {
    void openGroups(run);
    return;
  }
  if (listing.status !== "ready") return;
  const { step } = groups;
  const isStale = shown !== null && shown.step >= step;
  useGroups.setState({
    listing: { status: "ready", steps: [...listing.steps.filter((one) => one < step), step] },
    ...(isStale ? { shown: { step, status: "ready", groups } } : {}),
  });
});

let searching: AbortController | undefined;

/** Stops a search under way; what it has found stays. */
export function stopSearch(): void {
  searching?.abort();
  searching = undefined;
  const { search } = useGroups.getState();
  if (search?.status === "searching") useGroups.setState({ search: { ...search, status: "done", isCut: true } });
}

export function closeSearch(): void {
  stopSearch();
  useGroups.setState({ search: null });
}

/** Looks through all stored steps, one in memory at a time; what is found is shown as it comes. */
export async function searchGroups(run: RunId, recipe: Recipe, wish: GroupWish): Promise<void> {
  stopSearch();
  const { signal } = (searching = new AbortController());
  const right = rightnessOf(recipe);
  const found: Found[] = [];
  let searched = 0;
  const tell = (
    outcome: { status: "searching" } | { status: "done"; isCut: boolean } | { status: "failed"; error: unknown },
  ) => {
    useGroups.setState({ search: { wish, found: [...found], searched, ...outcome } });
  };
  tell({ status: "searching" });
  try {
    for await (const groups of eachGroups(run)) {
      if (signal.aborted) return;
      const here = findInGroups(wish, groups, right);
      found.push(...here.slice(0, mostFound - found.length));
      searched++;
      if (here.length > 0 && found.length >= mostFound) {
        tell({ status: "done", isCut: true });
        return;
      }
      if (here.length > 0 || searched % 20 === 0) tell({ status: "searching" });
    }
    if (!signal.aborted) tell({ status: "done", isCut: false });
  } catch (error) {
    if (!signal.aborted) tell({ status: "failed", error });
  }
}

/** Characters of lines that are handed to the browser at once. */
const partSize = 2 ** 20;

/** All answers of a run as JSON lines (`groupLines`). Their text is the browser's to keep, part by part. */
export async function exportGroups(run: RunId): Promise<Blob> {
  const parts: Blob[] = [];
  let text = "";
  for await (const groups of eachGroups(run)) {
    text += groupLines(groups);
    if (text.length >= partSize) {
      parts.push(new Blob([text]));
      text = "";
    }
  }
  return new Blob([...parts, text], { type: "application/jsonl" });
}
