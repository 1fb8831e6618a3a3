/** @file What was trained as a file: which forms can carry it, the one being written, and the proof that it is that. */

import { create } from "zustand";
import {
  type ExportFormat,
  type ExportKind,
  type ExportOffer,
  type ExportProof,
  formatKey,
  formatsOf,
  type MadeExport,
} from "../core/exportFormat";
import type { RunId } from "../core/ids";
import { openExport } from "../storage/exports";
import { type Trained, trainedOfRun } from "./adapters";
import { openEngine } from "./engine";
import { useRuns } from "./runs";
import { isActive } from "./runsMirror";

export type Offer = { status: "loading" } | { status: "failed"; error: unknown } | ({ status: "ready" } & ExportOffer);

/** The one export there is: a new one takes its file's place. */
export type Work = { of: string; format: ExportFormat } & (
  | { status: "writing"; share: number }
  | { status: "proving" }
  | { status: "proved"; made: MadeExport; proof: ExportProof }
  /** The file is there, and could not be held to what was trained. */
  | { status: "unproved"; made: MadeExport; error: unknown }
  | { status: "failed"; error: unknown }
);

export type Proved = { format: ExportFormat; proof: ExportProof };

type State = {
  /** Whose export the dialog is about. */
  asking: Trained | null;
  offer: Offer;
  work: Work | null;
  /** Proofs of this session, by what was proved. */
  proofs: Readonly<Record<string, readonly Proved[]>>;
};

export const useExports = create<State>(() => ({ asking: null, offer: { status: "loading" }, work: null, proofs: {} }));

/** What was trained, as it is now: a run that goes on is another thing to export. */
export function exportKey({ id, from }: Pick<Trained, "id" | "from">): string {
  return `${id}@${from.kind === "run" ? from.run.checkpoint : from.record.createdAt}`;
}

/** The form to begin with: PEFT's where it can be, else the nearest thing to an adapter that other programs read. */
export function usualFormat({ choices }: ExportOffer): ExportFormat {
  const can = (kind: ExportKind) => choices.some((choice) => choice.kind === kind && choice.reason === null);
  const kind = (["peft", "loar", "merged"] as const).find(can) ?? "anneal";
  return formatsOf[kind][0];
}

/** An export of at most so many bytes is written and proved as soon as the dialog shows it. */
const mostAtOnce = 2 ** 26;

/** Opens the dialog, and begins with the usual form. */
export async function askExport(trained: Trained): Promise<void> {
  stopExport(); // what was proved unasked after training
  useExports.setState({ asking: trained, offer: { status: "loading" } });
  const stillAsked = () => useExports.getState().asking === trained;
  try {
    const offer = await (await openEngine()).call("trained.choices", { id: trained.id });
    if (!stillAsked()) return;
    useExports.setState({ offer: { status: "ready", ...offer } });
    const usual = usualFormat(offer);
    const size = offer.sizes.find(({ format }) => formatKey(format) === formatKey(usual))?.bytes ?? Infinity;
    const { work } = useExports.getState();
    const isThere = work?.of === exportKey(trained) && formatKey(work.format) === formatKey(usual);
    if (!isThere && size <= mostAtOnce && !isTraining()) void makeExport(trained, usual);
  } catch (error) {
    if (stillAsked()) useExports.setState({ offer: { status: "failed", error } });
  }
}

/** Leaves the dialog; what is being written for it stops. */
export function closeExport() {
  stopExport();
  useExports.setState({ asking: null });
}

let underWay = new AbortController();

export function stopExport() {
  underWay.abort();
  const { work } = useExports.getState();
  if (work?.status === "writing" || work?.status === "proving") useExports.setState({ work: null });
}

/** Writes the file, then reads it back and holds it to what was trained. What went wrong is in the state. */
export async function makeExport(trained: Trained, format: ExportFormat): Promise<void> {
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  const of = exportKey(trained);
  const { id } = trained;
  const set = (work: Work) => {
    if (!signal.aborted) useExports.setState({ work });
  };
  const subject = { of, format };
  set({ ...subject, status: "writing", share: 0 });
  let made: MadeExport | null = null;
  try {
    const engine = await openEngine();
    const progress = crypto.randomUUID();
    const stop = engine.on("model.progress", (at) => {
      if (at.progress === progress) set({ ...subject, status: "writing", share: at.done / Math.max(1, at.total) });
    });
    made = await engine.call("trained.export", { id, format, progress }, signal).finally(stop);
    set({ ...subject, status: "proving" });
    const { file } = made;
    const proof = await engine.call("trained.prove", { id, format, file }, signal);
    set({ ...subject, status: "proved", made, proof });
    remember(of, { format, proof });
  } catch (error) {
    // where it was stopped, nothing is shown
    set(made ? { ...subject, status: "unproved", made, error } : { ...subject, status: "failed", error });
  }
}

function remember(of: string, proved: Proved) {
  useExports.setState(({ proofs }) => {
    const others = (proofs[of] ?? []).filter(({ format }) => formatKey(format) !== formatKey(proved.format));
    return { proofs: { ...proofs, [of]: [...others, proved] } };
  });
}

/** The file of an export, for the page to save. Throws `storage.failed` where another has taken its place. */
export async function readExport({ name, file }: MadeExport): Promise<{ name: string; zip: Blob }> {
  return { name, zip: await openExport(file) };
}

/** A merged model of more bytes is proved only when asked for: it takes its room on disk and on the device. */
const mostUnasked = 2 ** 28;

/** adapter = merged = exported, once a run has ended: the merged model where it is small, then the usual form. */
async function proveTrained(trained: Trained): Promise<void> {
  let offer: ExportOffer;
  try {
    offer = await (await openEngine()).call("trained.choices", { id: trained.id });
  } catch {
    return; // nobody asked for it; the dialog says what is wrong when it is opened
  }
  const usual = usualFormat(offer);
  const merged = offer.sizes.find(({ format }) => format.kind === "merged" && format.dtype === "float32");
  const formats = merged && merged.bytes <= mostUnasked ? [merged.format, usual] : [usual];
  for (const format of formats) {
    await makeExport(trained, format);
    const { work, asking } = useExports.getState();
    if (work?.of !== exportKey(trained) || work.status !== "proved" || asking) return; // failed, or in the way
  }
}

const isTraining = () => {
  const state = useRuns.getState();
  return state.status === "ready" && state.runs.some((run) => state.here.has(run.id) && isActive(run));
};

/** Long enough that the next run of a queue has begun by then. */
const pauseAfterTraining = 1500;

/** Safari has no idle callbacks. */
const whenIdle = (work: () => void) => {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(work, { timeout: 5000 });
  else work();
};

/** What a run that has just ended here is proved to be, unless the engine has other work by then. */
function afterTraining(id: RunId) {
  const check = () => {
    const state = useRuns.getState();
    const { asking, work } = useExports.getState();
    const isBusy = work?.status === "writing" || work?.status === "proving";
    const run = state.status === "ready" ? state.runs.find((each) => each.id === id) : undefined;
    if (!run || isTraining() || asking || isBusy) return;
    const hasEnded = run.status === "done" || run.status === "stopped";
    if (hasEnded && run.checkpoint > 0) void proveTrained(trainedOfRun(run));
  };
  setTimeout(() => whenIdle(check), pauseAfterTraining);
}

useRuns.subscribe((state, before) => {
  if (state.status !== "ready" || before.status !== "ready" || state.here === before.here) return;
  const begun = [...state.here].some((id) => !before.here.has(id));
  if (begun && useExports.getState().asking === null) stopExport(); // training goes first
  for (const id of before.here) if (!state.here.has(id)) afterTraining(id);
});
