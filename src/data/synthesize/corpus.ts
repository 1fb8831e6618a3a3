/** @file The text that the embedded base is pretrained on: drills, one-step problems, bare answers and narrations. */
import { newDrill } from "./drill";
import { equationsOf, newFreeStory } from "./freeStory";
import { narrate } from "./narrate";
import { drawFrom, multiStepForms, newProblemSets, oneStepForms, shippedSizes } from "./problemSets";
import { newRandom, type Random } from "./random";
import type { Problem } from "./story";

/** The kinds of document; no kind holds a worked solution of more than one step. */
export type DocumentKind =
  | "drill"
  | "oneStepWorked"
  | "oneStepBare"
  | "bare"
  | "oneStepTold"
  | "told"
  | "toldLate"
  | "free"
  | "freeLate";

/** Share of each kind among the documents. */
export const mixture: Readonly<Record<DocumentKind, number>> = {
  drill: 0.1,
  oneStepWorked: 0.12,
  oneStepBare: 0.01,
  bare: 0.02,
  oneStepTold: 0.05,
  told: 0.1,
  toldLate: 0.27,
  free: 0.11,
  freeLate: 0.22,
};

/** A document of pretraining text. */
export interface CorpusDocument {
  readonly kind: DocumentKind;
  readonly text: string;
}

/** A row as the model is prompted with it: `Question: …\nAnswer: …`. */
export function promptedText(question: string, answer: string): string {
  return `Question: ${question}\nAnswer: ${answer}`;
}

function pickKind(random: Random): DocumentKind {
  let rest = random.int(0, 9999) / 10000;
  for (const [kind, share] of Object.entries(mixture) as [DocumentKind, number][]) {
    rest -= share;
    if (rest < 0) return kind;
  }
  return "told";
}

function bareAnswer(problem: Problem): string {
  return String(problem.steps.at(-1)?.result ?? "");
}

const aloud = 0.35;
const linesShare = 0.6;

let takenEquations: ReadonlySet<string> | undefined;

/** The equations of the problems held out: no free story may have them. */
function listTaken(): ReadonlySet<string> {
  takenEquations ??= new Set(
    Object.entries(newProblemSets(1, shippedSizes)).flatMap(([name, set]) =>
      name === "train" ? [] : set.map(equationsOf),
    ),
  );
  return takenEquations;
}

/** The document of that number: any part of the corpus can be made by itself. */
export function newDocument(seed: number, index: number): CorpusDocument {
  const random = newRandom(seed, `document ${String(index)}`);
  const kind = pickKind(random);
  const oneStep = (): Problem => drawFrom(random.pick(oneStepForms), "pretrain", random);
  const multiStep = (): Problem => drawFrom(random.pick(multiStepForms), "pretrain", random);
  const write: Readonly<Record<DocumentKind, () => string>> = {
    drill: () => newDrill([...oneStepForms, ...multiStepForms], random),
    oneStepWorked: () => {
      const problem = oneStep();
      return promptedText(problem.question, problem.answer);
    },
    oneStepBare: () => {
      const problem = oneStep();
      return promptedText(problem.question, bareAnswer(problem));
    },
    bare: () => {
      const problem = multiStep();
      return promptedText(problem.question, bareAnswer(problem));
    },
    oneStepTold: () => narrate(oneStep(), { aloud, late: false, lines: random.chance(linesShare) }, random),
    told: () => narrate(multiStep(), { aloud, late: false, lines: random.chance(linesShare) }, random),
    free: () =>
      narrate(newFreeStory(random, listTaken()), { aloud, late: false, lines: random.chance(linesShare) }, random),
    freeLate: () =>
      narrate(newFreeStory(random, listTaken()), { aloud, late: true, lines: random.chance(linesShare) }, random),
    toldLate: () => narrate(multiStep(), { aloud, late: true, lines: random.chance(linesShare) }, random),
  };
  return { kind, text: write[kind]() };
}
