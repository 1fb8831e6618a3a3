/** @file Answers and what they are worth: every reward of a recipe's list, and their weighted sum. */

import { StudioError } from "../core/errors";
import {
  type RatedText,
  type Reward,
  type RewardOf,
  rewardFault,
  rewardName,
  rewardNames,
  type ScoredRow,
  type Scores,
} from "../core/reward";
import { say } from "../core/say";
import { newRewardJail } from "../jail/rewardJail";
import { isTextReward, scoreText } from "../scoring/rewards";

export type Scorer = {
  /**
   * Throws `reward.failed`, `jail.slow` or `jail.large` where the user's own function fails, with its name, line and row
   * (`rewardFault` reads them), and what `rateByModel` throws.
   */
  score: (rows: readonly ScoredRow[]) => Promise<Scores>;
  /** The answer that the user's own function failed on last, where that is known. */
  failedOn: () => RatedText | null;
  /** Ends what the user's functions run in. */
  close: () => void;
};

type Options = {
  /** What a trained reward model gives each row. Without it, a list that needs one throws `model.missing`. */
  rateByModel?: (reward: RewardOf<"model">, rows: readonly ScoredRow[]) => Promise<(number | null)[]>;
  /** Milliseconds that a user's function may take for all the rows of a call. */
  deadline?: number;
};

/** Each user's function is loaded once and rates from then on. The caller closes it. */
export function newScorer(rewards: readonly Reward[], { rateByModel, deadline = 5000 }: Options = {}): Scorer {
  const names = rewardNames(rewards);
  const jails = rewards.map((reward, i) =>
    reward.kind === "own" ? newRewardJail({ name: names[i] ?? reward.name, code: reward.code }, deadline) : null,
  );

  let failedOn: RatedText | null = null;

  const rate = async (reward: Reward, i: number, rows: readonly ScoredRow[]): Promise<(number | null)[]> => {
    if (isTextReward(reward)) return rows.map((row) => scoreText(reward, row));
    if (reward.kind === "own") {
      const plain = rows.map(({ group: _, ...row }) => row);
      try {
        return (await jails[i]?.rate(plain, groupsOf(rows))) ?? [];
      } catch (error) {
        failedOn = plain[rewardFault(error)?.row ?? -1] ?? null;
        throw error;
      }
    }
    if (!rateByModel) throw new StudioError("model.missing", say`${rewardName(reward)}: no reward model is at hand`);
    return rateByModel(reward, rows);
  };

  return {
    score: async (rows) => {
      const columns: (number | null)[][] = [];
      for (const [i, reward] of rewards.entries()) columns.push(await rate(reward, i, rows));
      const values = rows.map((_, row) => columns.map((column) => column[row] ?? null));
      const weigh = (sum: number, value: number | null, i: number) => sum + (value ?? 0) * (rewards[i]?.weight ?? 0);
      return { names, values, total: values.map((each) => each.reduce<number>(weigh, 0)) };
    },
    failedOn: () => failedOn,
    close: () => {
      for (const jail of jails) jail?.close();
    },
  };
}

/** The rows of each group, in the order in which the groups first come. */
function groupsOf(rows: readonly ScoredRow[]): number[][] {
  const groups = new Map<number | undefined, number[]>();
  for (const [i, { group }] of rows.entries()) {
    const known = groups.get(group);
    if (known) known.push(i);
    else groups.set(group, [i]);
  }
  return [...groups.values()];
}

/**
 * Rates sample answers by a list that is being written; a reward model is left out. Aborted, what the user's functions run
 * in is ended. Throws as `Scorer.score`.
 */
export async function tryRewards(
  { rewards, rows }: { rewards: readonly Reward[]; rows: readonly ScoredRow[] },
  signal: AbortSignal,
): Promise<Scores> {
  const rateByModel = (_: unknown, { length }: readonly ScoredRow[]) => Promise.resolve(Array<null>(length).fill(null));
  const scorer = newScorer(rewards, { rateByModel, deadline: 1000 });
  signal.addEventListener("abort", scorer.close);
  try {
    return await scorer.score(rows);
  } finally {
    signal.removeEventListener("abort", scorer.close);
    scorer.close();
  }
}
