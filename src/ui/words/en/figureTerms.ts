/** @file The figures of objectives beside imitation, as charts explain them. */

import type { Explained } from "./terms";

export const figureTerms = {
  reward: {
    word: "Reward",
    why: "What a step's answers were worth on average, with how far they lay apart. Beside it stands what the reward is meant to stand for: where the reward rises and accuracy does not, it is being gamed.",
    formula: "Σ weight · component",
  },
  rewardComponents: {
    word: "Reward by component",
    why: "What each reward of the recipe gave on average, before its weight. It shows which of them a rising sum comes from.",
  },
  zeroSpread: {
    word: "Groups without spread",
    why: "An answer is pushed by how much better it is than the others of its group. Where all are worth the same, none is pushed: the group was written for nothing.",
    formula: "A = (r − mean) / (std + ε)",
  },
  kl: {
    word: "KL to the start",
    why: "How far the model has moved from where the run began, on the tokens it writes. Large values mean that it writes what it would never have written.",
    formula: "exp(d) − d − 1, d = log p_start − log p",
  },
  approxKl: {
    word: "KL within a step",
    why: "How far the updates of one step have moved the model from the one that wrote their answers. Far above 0.02 a step learns from answers that are no longer its own: fewer updates, or a lower learning rate, keep it near.",
    formula: "½ (log p − log p_old)²",
  },
  klCoefficient: {
    word: "KL coefficient",
    why: "What a nat of divergence costs in reward. It is raised where answers drift further than the target, and lowered where they stay nearer.",
  },
  policyEntropy: {
    word: "Entropy",
    why: "How undecided the model is at each token. Near 0 it always writes the same, and there is nothing left to explore.",
    formula: "−Σ p log p",
  },
  clipRatio: {
    word: "Clipped ratios",
    why: "Share of the tokens whose probability has moved so far within a step that they are no longer pushed: a brake on each update.",
  },
  answerLength: {
    word: "Length of answers",
    why: "Tokens an answer has. A length that grows without accuracy often earns a reward that pays for length.",
  },
  answersCut: {
    word: "Answers cut off",
    why: "Share of the answers that reached the most tokens they may have before they ended by themselves.",
  },
  policyLosses: {
    word: "Policy and value loss",
    why: "What the update lowers: the policy's surrogate loss, and the squared error of the values it predicts.",
  },
  explainedVariance: {
    word: "Explained variance",
    why: "How well the value head foretells returns: 1 is perfectly, 0 is no better than their mean, below 0 is worse.",
    formula: "1 − Var(return − value) / Var(return)",
  },
  replay: {
    word: "Replayed answers",
    why: "Share of a batch that are answers of earlier steps, drawn by how surprising they were.",
  },
  preferenceAccuracy: {
    word: "Preference accuracy",
    why: "Share of the pairs whose chosen answer is rated above the rejected one; 0.5 is guessing.",
  },
  margin: {
    word: "Margin",
    why: "How far the chosen answer is rated above the rejected one, on average. It should grow; where accuracy does not grow with it, only what was right already becomes surer.",
  },
  pairRewards: {
    word: "Rewards of pairs",
    why: "A reward model's own figures; else how much likelier an answer has become since the run began, times β. Both falling, the rejected one faster, is common; the chosen one should not fall far.",
    formula: "β (log p − log p_start)",
  },
  logps: {
    word: "Log-probabilities",
    why: "How likely the model finds a whole answer. Where the chosen one falls too, the model is leaving both.",
  },
  passAtK: {
    word: "pass@k",
    why: "Share of problems that at least one of k sampled answers solves. What can be solved by chance can be learnt from rewards.",
  },
  advantage: {
    word: "Advantage",
    why: "How much better an answer is than its group: what its tokens are pushed by, up where it is above 0 and down where it is below.",
    formula: "A = (r − mean) / (std + ε)",
  },
} satisfies Record<string, Explained>;
