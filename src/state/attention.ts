/** @file Attention of single heads over questions that were asked, each turn of the playground with its own. */

import { create } from "zustand";
import type { PromptAttention } from "../core/engine";
import type { RunId } from "../core/ids";
import { openEngine } from "./engine";
import type { Asked } from "./plan";

export type AttentionQuestion = { run: RunId; prompt: string; layer: number; head: number };
export type HeadView = { question: AttentionQuestion; attention: PromptAttention };

/** By the turn's id: some hundred kilobytes each, there while its view is open. */
export const useAttention = create<Readonly<Record<string, Asked<HeadView>>>>(() => ({}));

const asking = new Map<string, AbortController>();

const set = (turn: string, state: Asked<HeadView>) => useAttention.setState({ [turn]: state });

/** What the turn asked before is dropped; its last answer stays in view. */
export async function loadAttention(turn: string, question: AttentionQuestion): Promise<void> {
  asking.get(turn)?.abort();
  const control = new AbortController();
  const { signal } = control;
  asking.set(turn, control);
  set(turn, { status: "waiting", value: useAttention.getState()[turn]?.value ?? null });
  try {
    const attention = await (await openEngine()).call("prompt.attention", question, signal);
    if (!signal.aborted) set(turn, { status: "ready", value: { question, attention } });
  } catch (error) {
    if (!signal.aborted) set(turn, { status: "failed", value: null, error });
  } finally {
    if (asking.get(turn) === control) asking.delete(turn);
  }
}

/** Its view was closed. */
export function dropAttention(turn: string) {
  asking.get(turn)?.abort();
  asking.delete(turn);
  const { [turn]: _dropped, ...others } = useAttention.getState();
  useAttention.setState(others, true);
}
