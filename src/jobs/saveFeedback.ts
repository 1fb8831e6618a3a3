/** @file Thumbs become rows: each answer by itself, and a preference where one is up and the other down. */

import type { Dataset, Mapping, Row } from "../core/dataset";
import { type Feedback, feedbackDataset, feedbackPairs, type KeptFeedback } from "../core/feedback";
import type { DatasetId } from "../core/ids";
import { bytes, millis } from "../core/units";
import { type DatasetEdit, editDatasets } from "../storage/datasets";

const unpaired: Mapping = {
  format: "unpaired",
  prompt: ["prompt"],
  completion: "completion",
  turns: "",
  label: "label",
};
const preference: Mapping = {
  format: "preference",
  prompt: ["prompt"],
  completion: "chosen",
  rejected: "rejected",
  turns: "",
};

/** What the templates put around an answer they put there again. */
const plain = (text: string) => text.trim();

function answerRows({ turn, prompt, answers }: Feedback): Row[] {
  return answers.flatMap(({ text, label, model }, i) =>
    label === null || plain(text) === ""
      ? []
      : [{ prompt: plain(prompt), completion: plain(text), label, model, id: `${turn}.${i}` }],
  );
}

/** One row where just one answer is up and just one down, and they say different things. */
function pairRows({ turn, prompt, answers }: Feedback): Row[] {
  const [up, down] = [true, false].map((wanted) => answers.filter(({ label }) => label === wanted));
  const [chosen, rejected] = [plain(up?.[0]?.text ?? ""), plain(down?.[0]?.text ?? "")];
  const isPair = up?.length === 1 && down?.length === 1;
  if (!isPair || chosen === "" || rejected === "" || chosen === rejected) return [];
  return [{ prompt: plain(prompt), chosen, rejected, id: turn }];
}

/** The rows that are not this question's as they stand, its own in the place of the first of them, else at the end. */
function replaceRows(rows: readonly Row[], own: readonly Row[], isOwn: (id: string) => boolean): Row[] {
  const mine = (row: Row) => typeof row["id"] === "string" && isOwn(row["id"]);
  const at = rows.findIndex(mine);
  const others = rows.filter((row) => !mine(row));
  return at < 0 ? [...others, ...own] : [...others.slice(0, at), ...own, ...others.slice(at)];
}

/** A data set is made with its first row and goes with its last. */
const newEdit =
  (id: DatasetId, name: string, mapping: Mapping, change: (rows: readonly Row[]) => Row[]): DatasetEdit =>
  (stored) => {
    const rows = change(stored?.rows ?? []);
    const [first] = rows;
    if (!first) return null;
    const size = rows.reduce((sum, row) => sum + new TextEncoder().encode(JSON.stringify(row)).length + 1, 0);
    const before: Dataset = stored?.dataset ?? {
      id,
      version: 1,
      name,
      createdAt: millis(Date.now()),
      bytes: bytes(0),
      hash: "",
      rows: 0,
      columns: Object.keys(first),
      mapping,
      skipped: [],
      skippedCount: 0,
      licence: "",
    };
    return { dataset: { ...before, rows: rows.length, bytes: bytes(size) }, rows };
  };

/**
 * Keeps what is said of a question's answers in place of what was said of it before, all of it or nothing.
 * @throws `storage.full`, `storage.failed`.
 */
export async function saveFeedback(feedback: Feedback): Promise<KeptFeedback> {
  const { turn, names } = feedback;
  const [answers, pairs] = [answerRows(feedback), pairRows(feedback)];
  const ofTurn = (id: string) => id.startsWith(`${turn}.`);
  await editDatasets([
    [feedbackDataset, newEdit(feedbackDataset, names.answers, unpaired, (rows) => replaceRows(rows, answers, ofTurn))],
    [
      feedbackPairs,
      newEdit(feedbackPairs, names.pairs, preference, (rows) => replaceRows(rows, pairs, (id) => id === turn)),
    ],
  ]);
  return { answers: answers.length, pairs: pairs.length };
}
