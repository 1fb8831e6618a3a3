/** @file How much the studio keeps in this browser, and the way to be rid of it. */

import { create } from "zustand";
import { deleteEverything } from "../storage/deleteEverything";

type State = { status: "loading" } | { status: "ready"; used: number; available: number; isKept: boolean };

export const useUsage = create<State>(() => ({ status: "loading" }));

export async function loadUsage(): Promise<void> {
  const [{ usage = 0, quota = 0 }, isKept] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  useUsage.setState({ status: "ready", used: usage, available: quota, isKept }, true);
}

/**
 * Asks the browser not to clear the studio's data when the disk runs low. Called when there is something to lose, as
 * some browsers ask the user.
 */
export async function keepStorage(): Promise<void> {
  if (!(await navigator.storage.persisted())) await navigator.storage.persist();
}

/** Deletes every data set, run and setting, and opens the page anew. Throws `run.locked` or `storage.failed`. */
export async function deleteAllData(): Promise<void> {
  await deleteEverything();
  localStorage.clear();
  sessionStorage.clear();
  location.assign(import.meta.env.BASE_URL);
}
