/** @file The words of what a run can be trained for, and of its settings: one sentence each that answers "why?". */

import type { Explained } from "./terms";

export const objectiveTerms = {
  sft: {
    word: "Imitation (SFT)",
    why: "The model learns to write the answers of the data, token by token. Where it begins; what it writes itself is never judged.",
    formula: "−mean log p(token)",
  },
  dpo: {
    word: "Preferences (DPO)",
    why: "Of two answers to a prompt the better one is made likelier than the worse one, measured from where the run began.",
    formula: "−log σ(β (Δlog p_chosen − Δlog p_rejected))",
  },
  kto: {
    word: "Judged answers (KTO)",
    why: "Single answers that were called good or bad: good ones are made likelier, bad ones unlikelier, each from a shared point.",
    formula: "1 − σ(±(β Δlog p − z))",
  },
  rewardModel: {
    word: "A reward model",
    why: "The model learns to rate answers: its read-out gives the better one of a pair the higher number. Later runs learn from that.",
    formula: "−log σ(r_chosen − r_rejected)",
  },
  grpo: {
    word: "Rewards: GRPO",
    why: "The model writes several answers to each prompt; those better than their group are made likelier, the others unlikelier.",
    formula: "A = (r − mean) / std,  −min(ρA, clip(ρ)A)",
  },
  ppo: {
    word: "Rewards: PPO",
    why: "Beside the words a second read-out learns to foretell the reward; each token is pushed by how much better it went than that.",
    formula: "−min(ρA, clip(ρ)A) + c (V − R)²",
  },
  rejection: {
    word: "Rewards: best-of",
    why: "The model writes several answers to each prompt; those worth enough are kept, and imitated like data (rejection sampling).",
    formula: "−mean log p(token) where r ≥ threshold",
  },
  stepWeight: {
    word: "Weight of the steps",
    why: "How much of the loss the written steps have; the final answer has the rest. Each is a mean over its own tokens. The Datasets page shows both, and marks by hand where the answer begins.",
    formula: "w · L_steps + (1 − w) · L_final",
  },
  preferenceLoss: {
    word: "Preference loss",
    why: "What a difference costs: sigmoid is DPO's own, IPO draws it to a set distance, hinge stops where it is large enough.",
  },
  preferenceBeta: {
    word: "Beta",
    why: "How strongly the model is held to where the run began: larger stays nearer; 0.1 is usual.",
    formula: "β (log p − log p_start)",
  },
  labelSmoothing: {
    word: "Label smoothing",
    why: "The share of pairs taken to be the wrong way round, where the judges were not sure (conservative DPO).",
  },
  sampledPairs: {
    word: "Pairs of its own",
    why: "The model answers prompts before the first step; the best and the worst answer by your rewards become a pair.",
  },
  pairCount: {
    word: "Pairs",
    why: "How many pairs are made before the first step. Prompts whose answers are all alike give none.",
  },
  desirableWeight: {
    word: "Weight of good",
    why: "How much good answers count. Raise it where there are fewer of them than of bad ones.",
  },
  undesirableWeight: {
    word: "Weight of bad",
    why: "How much bad answers count. Raise it where there are fewer of them than of good ones.",
  },
  rewardLoss: {
    word: "Reward loss",
    why: "Bradley–Terry makes the order of a pair likely; the triplet margin asks for a set distance, and no more.",
    formula: "−log σ(Δr − m)  or  max(0, m − Δr)",
  },
  rewardMargin: { word: "Margin", why: "What the better answer should be ahead by; 0 asks for the order alone." },
  centre: {
    word: "Centring",
    why: "Keeps rewards about zero, so that models trained apart can be compared; 0.01 is usual.",
    formula: "c · mean (r_chosen + r_rejected)²",
  },
  dimensions: {
    word: "Dimensions",
    why: "What is rated apart: a row that names one of them trains it alone, any other row the weighted sum.",
  },
  rolloutPrompts: { word: "Prompts a step", why: "How many problems the model is given at each step." },
  completions: {
    word: "Answers to each",
    why: "How many answers it writes to each prompt: its group. They are compared with each other; 8 or 16 is usual.",
  },
  temperatureStart: {
    word: "Temperature",
    why: "How daring the choice of each token is at the first step. At 0 all answers of a group would be the same, and teach nothing.",
  },
  temperatureEnd: {
    word: "Temperature at the end",
    why: "The temperature of the last step, on a straight line from the first: less exploration as the model grows surer.",
  },
  stopTexts: {
    word: "Stop at",
    why: "An answer ends before any of these texts, one a line; the model's own end always ends it.",
  },
  updates: {
    word: "Updates a batch",
    why: "How often the weights are changed on the same answers. More takes less writing, and moves further from who wrote them.",
  },
  grpoLoss: {
    word: "Variant",
    why: "What the tokens' losses are divided by: their answer's length (GRPO), all tokens (BNPO, DAPO), or the most an answer may have (Dr. GRPO).",
  },
  scaleRewards: {
    word: "Scaled by",
    why: "What advantages are divided by: the spread of their own group, of the whole batch, or nothing, which spares easy and hard prompts alike.",
    formula: "A = (r − mean) / std",
  },
  klBeta: {
    word: "KL penalty",
    why: "How much drift from where the run began costs in the loss; 0 does without, as today's recipes do.",
    formula: "β · (exp(d) − d − 1)",
  },
  clipLow: {
    word: "Clip below",
    why: "A token whose probability has fallen by more than this share within a step is pushed down no further.",
    formula: "ρ ≥ 1 − ε",
  },
  clipHigh: {
    word: "Clip above",
    why: "A token whose probability has risen by more than this share within a step is pushed up no further. DAPO has 0.28.",
    formula: "ρ ≤ 1 + ε",
  },
  skipZeroSpread: {
    word: "Skip groups without spread",
    why: "Groups whose answers are all worth the same teach nothing: without them the others weigh more in the mean.",
  },
  gamma: {
    word: "Discount",
    why: "What a reward is worth one token earlier. Answers are rated at their end, so 1 is usual.",
  },
  gaeLambda: {
    word: "GAE lambda",
    why: "1 trusts the rewards that came, which are noisy, and 0 the foretold values, which are wrong at first.",
    formula: "A = Σ (γλ)ᵏ δ",
  },
  ppoClip: {
    word: "Clip",
    why: "How far a token's probability may move within a step before it is pushed no further.",
    formula: "1 − ε ≤ ρ ≤ 1 + ε",
  },
  valueClip: { word: "Value clip", why: "How far a foretold value may move within a step." },
  valueWeight: {
    word: "Value weight",
    why: "How much the squared error of the foretold values counts beside the policy's loss.",
  },
  entropyWeight: {
    word: "Entropy bonus",
    why: "What being undecided is worth, against settling on one answer too early; 0 turns it off.",
  },
  klTarget: {
    word: "KL target",
    why: "The drift of a whole answer that the KL coefficient is steered to; 0 leaves the coefficient as it is.",
  },
  klHorizon: { word: "KL horizon", why: "Answers over which the coefficient follows: longer is slower." },
  replayOn: {
    word: "Replay",
    why: "Answers of earlier steps come again, those first whose reward was least expected. Their older probabilities are allowed for.",
  },
  replayCapacity: { word: "Answers kept", why: "How many earlier answers can come again; the oldest go first." },
  replayShare: { word: "Replayed share", why: "How much of each batch is drawn from them." },
  keepAnswers: {
    word: "Keep",
    why: "All answers of a group that are worth enough, or the best of it alone.",
  },
  threshold: {
    word: "Worth at least",
    why: "Answers with a lower reward are not learnt from, the best of a group included.",
  },
  sftFirst: {
    word: "Imitation first",
    why: "Some worked solutions are imitated before rewards begin: a model that is never right earns nothing to learn from (DeepSeek-R1's order).",
  },
  sftRows: {
    word: "Worked solutions",
    why: "Rows that are imitated, chosen by the seed. Rewards are then for the other problems.",
  },
  sftSteps: { word: "Steps of imitation", why: "Steps before rewards begin; they come on top of the run's own." },
  sftRate: {
    word: "Their learning rate",
    why: "The learning rate of these steps. Imitation bears more than rewards do.",
  },
} satisfies Record<string, Explained>;
