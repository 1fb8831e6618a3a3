/** @file Splits all problems there can be into sides that share none, and draws the sets from them. */
import { drawProblem, type Form } from "./form";
import { changeForms } from "./forms/change";
import { compareForms } from "./forms/compare";
import { groupForms } from "./forms/group";
import { moneyForms } from "./forms/money";
import { oneStepForms } from "./forms/oneStep";
import { timeForms } from "./forms/time";
import { unseenForms } from "./forms/unseen";
import { hashText, newRandom, type Random } from "./random";
import type { Problem } from "./story";

/** The forms with two to four steps that are trained on. */
export const multiStepForms: readonly Form[] = [
  ...changeForms,
  ...compareForms,
  ...groupForms,
  ...moneyForms,
  ...timeForms,
];

export { oneStepForms, unseenForms };

/** Where a problem may be used: a problem belongs to one side for good, whatever the seed. */
export type Side = "pretrain" | "train" | "heldout";

/** The side of a problem, by the hash of its key (form and equations; names and nouns play no part). */
export function sideOf(problem: Problem): Side {
  const slot = hashText(problem.key) % 20;
  if (slot < 2) return "heldout";
  return slot < 10 ? "train" : "pretrain";
}

/** A problem of the form that belongs to the side. */
export function drawFrom(form: Form, side: Side, random: Random): Problem {
  for (;;) {
    const problem = drawProblem(form, random);
    if (sideOf(problem) === side) return problem;
  }
}

/** Share of the sets that takes a single step. */
export const oneStepShare = 0.05;

/** How many problems each set holds. */
export interface SetSizes {
  readonly train: number;
  readonly heldout: number;
  readonly unseen: number;
}

/** The sizes that ship. */
export const shippedSizes: SetSizes = { train: 8000, heldout: 1000, unseen: 600 };

function drawSet(count: number, side: Side, random: Random): readonly Problem[] {
  const problems = new Map<string, Problem>();
  while (problems.size < count) {
    const form = random.pick(random.chance(oneStepShare) ? oneStepForms : multiStepForms);
    const problem = drawFrom(form, side, random);
    if (!problems.has(problem.key)) problems.set(problem.key, problem);
  }
  return [...problems.values()];
}

function drawUnseen(count: number, random: Random): readonly Problem[] {
  const problems = new Map<string, Problem>();
  while (problems.size < count) {
    const problem = drawProblem(random.pick(unseenForms), random);
    if (!problems.has(problem.key)) problems.set(problem.key, problem);
  }
  return [...problems.values()];
}

/** Training set, held-out set and a set of unseen forms; no two problems of any are the same but for names and nouns. */
export function newProblemSets(seed: number, sizes: SetSizes): Readonly<Record<keyof SetSizes, readonly Problem[]>> {
  return {
    train: drawSet(sizes.train, "train", newRandom(seed, "train")),
    heldout: drawSet(sizes.heldout, "heldout", newRandom(seed, "heldout")),
    unseen: drawUnseen(sizes.unseen, newRandom(seed, "unseen")),
  };
}
