/** @file What a person says of answers: thumbs, and the two data sets they are kept in. */

import type { DatasetId } from "./ids";

/** Answers judged one by one, as KTO takes them, and pairs of which one was found better. */
export const feedbackDataset: DatasetId = "dataset:feedback";
export const feedbackPairs: DatasetId = "dataset:feedback-pairs";

export type JudgedAnswer = {
  text: string;
  /** Thumb up or down; null where there is none, or it was taken back. */
  label: boolean | null;
  /** Who wrote it: a run, an adapter or a base. */
  model: string;
};

/** All that is said of the answers to one question: said again, it takes the place of what was said before. */
export type Feedback = {
  /** Names the question, so that a thumb can be changed. */
  turn: string;
  prompt: string;
  answers: JudgedAnswer[];
  /** What the data sets are called when they are made. */
  names: { answers: string; pairs: string };
};

/** Which data sets hold something of this feedback now. */
export type KeptFeedback = { answers: number; pairs: number };
