/** @file Thumbs on answers of the playground: what is pressed, and that it is kept as rows of two data sets. */

import { create } from "zustand";
import { type Feedback, feedbackDataset, feedbackPairs, type JudgedAnswer, type KeptFeedback } from "../core/feedback";
import type { Side, Turn } from "./chat";
import { forgetRows } from "./datasetRows";
import { loadDatasets } from "./datasets";
import { openEngine } from "./engine";
import { keepStorage } from "./usage";

type Judged = Readonly<Partial<Record<Side, JudgedAnswer>>>;

/** By turn, as the person pressed them, with what was judged: an Undo may come when the chat is cleared. */
type State = { judged: ReadonlyMap<string, Judged> };

export const useFeedback = create<State>(() => ({ judged: new Map() }));

/** Thumb up or down; null where there is none. */
export const labelOf = ({ judged }: State, turn: string, side: Side): boolean | null =>
  judged.get(turn)?.[side]?.label ?? null;

function setJudged(turn: string, side: Side, answer: JudgedAnswer): Judged {
  const changed = { ...useFeedback.getState().judged.get(turn), [side]: answer };
  useFeedback.setState(({ judged }) => ({ judged: new Map(judged).set(turn, changed) }));
  return changed;
}

/** One after the other, so that the last press is what stays. */
let saving: Promise<unknown> = Promise.resolve();

const notJudged: JudgedAnswer = { text: "", label: null, model: "" };

/**
 * Judges one side's answer; null takes the judgement back. The thumb shows it at once, and shows what it was before
 * where it could not be kept.
 * @throws `storage.full`, `storage.failed`, `engine.crashed`.
 */
export async function judge(
  turn: Turn,
  side: Side,
  label: boolean | null,
  names: Feedback["names"],
): Promise<KeptFeedback> {
  const { id, prompt, model, run } = turn;
  const answer = turn.answers[side];
  const text = answer.status === "waiting" ? "" : answer.text;
  const written = { text, model: side === "base" ? model : (run?.name ?? model) };
  const before = labelOf(useFeedback.getState(), id, side);
  const { base = notJudged, tuned = notJudged } = setJudged(id, side, { ...written, label });
  const save = async () =>
    (await openEngine()).call("feedback.save", { turn: id, prompt, answers: [base, tuned], names });
  const kept = saving.then(save, save);
  saving = kept;
  try {
    const told = await kept;
    void keepStorage();
    forgetRows(feedbackDataset);
    forgetRows(feedbackPairs);
    await loadDatasets();
    return told;
  } catch (error) {
    // unless it was pressed again meanwhile
    if (labelOf(useFeedback.getState(), id, side) === label) setJudged(id, side, { ...written, label: before });
    throw error;
  }
}
