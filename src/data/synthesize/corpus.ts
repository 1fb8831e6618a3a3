/** @file The text that the embedded base is pretrained on: drills, one-step problems, bare answers and narrations. */
import { newDrill } from "./drill";
import { narrate } from "./narrate";
import { drawFrom, multiStepForms, oneStepForms } from "./problemSets";
import { newRandom, type Random } from "./random";
import type { Problem } from "./story";

/** The kinds of document; no kind holds a worked solution of more than one step. */
export type DocumentKind = "drill" | "oneStepWorked" | "oneStepBare" | "bare" | "oneStepTold" | "told" | "toldLate";

/** Share of each kind among the documents. */
export const mixture: Readonly<Record<DocumentKind, number>> = {
  drill: 0.12,
  oneStepWorked: 0.14,
  oneStepBare: 0.02,
  bare: 0.1,
  oneStepTold: 0.06,
  told: 0.16,
  toldLate: 0.4,
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
    toldLate: () => narrate(multiStep(), { aloud, late: true, lines: random.chance(linesShare) }, random),
  };
  return { kind, text: write[kind]() };
}
