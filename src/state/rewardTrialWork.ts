/** @file Rewards tried on sample answers while they are written: asked after a pause, the last values in view until then. */

import { create } from "zustand";
import type { Recipe } from "../core/recipe";
import type { Reward, SampleRow, Scores, WrittenAnswer } from "../core/reward";
import type { Engine } from "./engine";

export type RewardTrial = {
  /** `scores` are of these rows and of the list asked about last; null before the first answer. */
  rows: readonly SampleRow[];
  scores: Scores | null;
  /** A newer list is being rated. */
  isWaiting: boolean;
  /** What kept the newest list from being rated; an own function's fault is read by `rewardFault`. Null where nothing did. */
  error: unknown;
};

const nothing: RewardTrial = { rows: [], scores: null, isWaiting: false, error: null };

/** Long enough that a word being typed asks once. */
const pause = 300;

/** Tries one list after another: the newest counts, and the one before is stopped. */
export function newRewardTrial(open: () => Promise<Pick<Engine, "call">>) {
  const store = create<RewardTrial>(() => nothing);
  let last = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = "";
  let sampled: { key: string; rows: readonly SampleRow[] } | null = null;

  const rate = async (rewards: Reward[], recipe: Recipe, written: WrittenAnswer[], signal: AbortSignal) => {
    const engine = await open();
    // Answers depend on the data and the words around it alone; a weight that changes asks for none.
    const key = JSON.stringify([recipe.model, recipe.data.source, recipe.template, written]);
    if (sampled?.key !== key) {
      sampled = { key, rows: await engine.call("reward.samples", { recipe, written }, signal) };
    }
    const { rows } = sampled;
    return { rows, scores: await engine.call("reward.try", { rewards, rows: [...rows] }, signal) };
  };

  const stop = () => {
    clearTimeout(timer);
    last.abort();
    last = new AbortController();
  };

  return {
    store,
    /** Asks nothing where nothing has changed that answers depend on. @param written answers of a model to show beside those made of the data */
    load: (rewards: readonly Reward[], recipe: Recipe, written: readonly WrittenAnswer[] = []) => {
      const key = JSON.stringify([rewards, recipe.model, recipe.data.source, recipe.template, written]);
      if (key === asked) return;
      asked = key;
      stop();
      const { signal } = last;
      store.setState({ isWaiting: true });
      timer = setTimeout(() => {
        rate([...rewards], recipe, [...written], signal).then(
          (rated) => {
            if (!signal.aborted) store.setState({ ...rated, isWaiting: false, error: null });
          },
          (error: unknown) => {
            if (!signal.aborted) store.setState({ rows: sampled?.rows ?? [], isWaiting: false, error });
          },
        );
      }, pause);
    },
    /** Nothing is asked any more, and nothing is kept. */
    end: () => {
      stop();
      asked = "";
      sampled = null;
      store.setState(nothing, true);
    },
  };
}
