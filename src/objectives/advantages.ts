/** @file How much better than expected: rewards summed and compared within their group, or with a value read-out's forecast. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";
import { type Numbers, requireFinite, requireLength, sequencesIn } from "./sequences";

/** One reward of each of N answers; null or NaN where it does not apply. */
export type RewardColumn = ArrayLike<number | null>;

export type RewardScale = "group" | "batch" | "none";

/** As TRL adds it to a spread before dividing by it. */
const spreadFloor = 1e-4;
/** A spread up to here is none, as torch.isclose to 0 has it. */
const noSpread = 1e-8;

/** Weighted sums [N] of what applies; NaN where no reward does. An infinite reward throws `run.diverged`. */
export function sumRewards(columns: readonly RewardColumn[], weights: Numbers): Float64Array {
  const N = columns[0]?.length ?? 0;
  requireLength("weights", weights, columns.length);
  const sums = new Float64Array(N).fill(Number.NaN);
  for (const [k, column] of columns.entries()) {
    if (column.length !== N)
      throw new StudioError("bug", say`Reward ${k + 1}: ${column.length} numbers where there should be ${N}`);
    for (let i = 0; i < N; i++) {
      const reward = column[i] ?? Number.NaN;
      if (Number.isNaN(reward)) continue;
      if (!Number.isFinite(reward)) {
        throw new StudioError("run.diverged", say`Reward ${k + 1} of answer ${i + 1} is ${reward}`);
      }
      const sum = sums[i] ?? Number.NaN;
      sums[i] = (Number.isNaN(sum) ? 0 : sum) + reward * (weights[k] ?? Number.NaN);
    }
  }
  return sums;
}

/** Mean and standard deviation (n − 1) of what is a number; the deviation of fewer than two is 0, the mean of none NaN. */
export function meanAndSpread(numbers: RewardColumn): { mean: number; spread: number; n: number } {
  let [n, sum, squares] = [0, 0, 0];
  const each = (use: (number: number) => void) => {
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] ?? Number.NaN;
      if (!Number.isNaN(number)) use(number);
    }
  };
  each((number) => {
    n++;
    sum += number;
  });
  const mean = sum / n;
  each((number) => (squares += (number - mean) ** 2));
  return { mean, spread: n > 1 ? Math.sqrt(squares / (n - 1)) : 0, n };
}

export type GroupAdvantages = {
  /** [N] */
  advantages: Float64Array;
  /** Of each group [P]: whether all its answers are worth the same, so that none teaches anything. */
  isFlat: boolean[];
  /** Of each group [P], over the answers that are worth something; a mean of none is NaN. */
  means: Float64Array;
  spreads: Float64Array;
};

/**
 * A = (r − mean of the group) / (spread + 1e-4), the spread (n − 1) of the group, of the whole batch, or no division, as
 * TRL 1.13's GRPOTrainer has it (scale_rewards; Shao et al. 2024). `rewards` [N], NaN where nothing applied: such an
 * answer is left out of its group's mean and its advantage is 0. So is that of an only answer, and of all answers of a
 * group without spread, whatever the rounding. `groups` [P+1] says where each group begins. An infinite reward throws
 * `run.diverged`.
 * (TRL tells groups without spread from the batch's spread where that is what divides; here each is told by its own.)
 */
export function groupAdvantages(rewards: Numbers, groups: Numbers, scale: RewardScale): GroupAdvantages {
  const P = sequencesIn(groups, rewards.length);
  const advantages = new Float64Array(rewards.length);
  const [means, spreads] = [new Float64Array(P), new Float64Array(P)];
  const isFlat: boolean[] = [];
  const whole = Array.from(rewards);
  const infinite = whole.findIndex((reward) => Math.abs(reward) === Number.POSITIVE_INFINITY);
  if (infinite >= 0) throw new StudioError("run.diverged", say`Answer ${infinite + 1}: its reward is infinite`);
  const batch = scale === "batch" ? meanAndSpread(whole).spread : 0;
  for (let p = 0; p < P; p++) {
    const [from, to] = [groups[p] ?? 0, groups[p + 1] ?? 0];
    const { mean, spread } = meanAndSpread(whole.slice(from, to));
    means[p] = mean;
    spreads[p] = spread;
    const isFlatGroup = spread <= noSpread;
    isFlat.push(isFlatGroup);
    if (isFlatGroup) continue;
    const divisor = scale === "none" ? 1 : (scale === "batch" ? batch : spread) + spreadFloor;
    for (let i = from; i < to; i++) {
      const advantage = ((whole[i] ?? Number.NaN) - mean) / divisor;
      advantages[i] = Number.isNaN(advantage) ? 0 : advantage;
    }
  }
  return { advantages, isFlat, means, spreads };
}

type RewardFigures = Partial<
  Record<"reward" | "reward_std" | "frac_reward_zero_std" | `rewards/${string}/${"mean" | "std"}`, number>
>;

/** Under TRL's names: what single rewards and their sum came to. What nothing applied to is left out. */
export function rewardFigures(
  names: readonly string[],
  columns: readonly RewardColumn[],
  rewards: Numbers,
  isFlat: readonly boolean[],
): RewardFigures {
  const figures: RewardFigures = { frac_reward_zero_std: isFlat.filter(Boolean).length / Math.max(isFlat.length, 1) };
  const all = meanAndSpread(rewards);
  if (all.n > 0) {
    figures.reward = all.mean;
    figures.reward_std = all.spread;
  }
  for (const [k, name] of names.entries()) {
    const { mean, spread, n } = meanAndSpread(columns[k] ?? []);
    if (n === 0) continue;
    figures[`rewards/${name}/mean`] = mean;
    figures[`rewards/${name}/std`] = spread;
  }
  return figures;
}

/**
 * Generalised advantage estimation (Schulman et al. 2016) over tokens [M] that lie end to end: δ_t = r_t + γ·V_{t+1} − V_t,
 * A_t = δ_t + γλ·A_{t+1}, both 0 past a sequence's end; returns = A + V.
 */
export function generalisedAdvantages(
  rewards: Numbers,
  values: Numbers,
  bounds: Numbers,
  { gamma, lambda }: { gamma: number; lambda: number },
): { advantages: Float64Array; returns: Float64Array } {
  const M = rewards.length;
  const S = sequencesIn(bounds, M);
  requireLength("values", values, M);
  requireFinite("reward", rewards, bounds);
  requireFinite("value", values, bounds);
  const [advantages, returns] = [new Float64Array(M), new Float64Array(M)];
  for (let s = 0; s < S; s++) {
    let [next, ahead] = [0, 0];
    for (let i = (bounds[s + 1] ?? 0) - 1; i >= (bounds[s] ?? 0); i--) {
      const value = values[i] ?? 0;
      ahead = (rewards[i] ?? 0) + gamma * next - value + gamma * lambda * ahead;
      next = value;
      advantages[i] = ahead;
      returns[i] = ahead + value;
    }
  }
  return { advantages, returns };
}

/** (x − mean) / √(variance + 1e-8), the variance by n − 1, as TRL's masked_whiten; one number alone becomes 0. */
export function whitened(numbers: Numbers, { keepMean = false } = {}): Float64Array {
  requireFinite("what is whitened", numbers);
  const { mean, spread } = meanAndSpread(numbers);
  const divisor = Math.sqrt(spread ** 2 + 1e-8);
  return Float64Array.from(numbers, (number) => (number - mean) / divisor + (keepMean ? mean : 0));
}
