/** @file Thumbs on answers of the playground: what is pressed, and that it is kept as rows of two data sets. */

import { create } from "zustand";
import type { Feedback, JudgedAnswer, KeptFeedback } from "../core/feedback";
import type { Side, Turn } from "./chat";
import { loadDatasets } from "./datasets";
import { openEngine } from "./engine";
import { keepStorage } from "./usage";

export type Labels = Readonly<Record<Side, boolean | null>>;

const none: Labels = { base: null, tuned: null };

/** By turn, as the person pressed them. */
type State = { labels: ReadonlyMap<string, Labels> };

export const useFeedback = create<State>(() => ({ labels: new Map() }));

export const labelsOf = ({ labels }: State, turn: string): Labels => labels.get(turn) ?? none;

const setLabels = (turn: string, changed: Labels) =>
  useFeedback.setState(({ labels }) => ({ labels: new Map(labels).set(turn, changed) }));

/** One after the other, so that the last press is what stays. */
let saving: Promise<unknown> = Promise.resolve();

const judged = ({ answers, model, run }: Turn, labels: Labels): JudgedAnswer[] => {
  const of = (side: Side, writer: string): JudgedAnswer => {
    const answer = answers[side];
    return { text: answer.status === "done" ? answer.text : "", label: labels[side], model: writer };
  };
  return [of("base", model), ...(run ? [of("tuned", run.name)] : [])];
};

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
  const before = labelsOf(useFeedback.getState(), turn.id);
  const labels = { ...before, [side]: label };
  setLabels(turn.id, labels);
  const { id, prompt } = turn;
  const save = async () =>
    (await openEngine()).call("feedback.save", { turn: id, prompt, answers: judged(turn, labels), names });
  const kept = saving.then(save, save);
  saving = kept;
  try {
    const told = await kept;
    void keepStorage();
    await loadDatasets();
    return told;
  } catch (error) {
    if (labelsOf(useFeedback.getState(), id)[side] === label)
      setLabels(id, { ...labelsOf(useFeedback.getState(), id), [side]: before[side] });
    throw error;
  }
}
