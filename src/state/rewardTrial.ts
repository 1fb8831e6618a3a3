/** @file The rewards of the recipe being written, tried on sample answers by the engine. */

import { openEngine } from "./engine";
import { newRewardTrial } from "./rewardTrialWork";

const trial = newRewardTrial(openEngine);

export const useRewardTrial = trial.store;
export const loadRewardTrial = trial.load;
export const endRewardTrial = trial.end;
