/** @file What a problem is made of: beats that tell the story, and the steps that each beat allows. */

export type Sign = "+" | "-" | "*" | "/";

/** One step of a solution: the equation, and the words around its result (`Ann has` 17 `pens`). */
export interface Step {
  readonly left: number;
  readonly sign: Sign;
  readonly right: number;
  readonly result: number;
  readonly lead: string;
  readonly tail: string;
}

/** A sentence of the problem, and the steps that can be taken once it is read. The last beat asks. */
export interface Beat {
  readonly say: string;
  readonly steps: readonly Step[];
}

/** A problem with its worked solution, as GSM8K's rows hold them, and what it was made of. */
export interface Problem {
  readonly form: string;
  readonly question: string;
  readonly answer: string;
  /** Form and equations: equal for two problems that differ in words alone. */
  readonly key: string;
  /** The question with every name, pronoun, noun and unit masked. */
  readonly masked: string;
  readonly steps: readonly Step[];
  readonly beats: readonly Beat[];
}

const open = "\u0001";
const close = "\u0002";

/** Marks a word as a name or noun, so that masking finds it. */
export function mark(word: string): string {
  return `${open}${word}${close}`;
}

/** The text without its marks. */
export function plain(text: string): string {
  return text.replaceAll(open, "").replaceAll(close, "");
}

/** The text with `_` for every marked word. */
export function mask(text: string): string {
  return text.replace(/\u0001[^\u0002]*\u0002/g, "_");
}

/** A beat: a sentence and the steps it allows. */
export function beat(say: string, ...steps: readonly Step[]): Beat {
  return { say, steps };
}

/** `12+5`, as the calculator notation writes it. */
export function expression(step: Step): string {
  return `${String(step.left)}${step.sign}${String(step.right)}`;
}

function around(step: Step, value: string): string {
  const gap = step.lead.endsWith("$") ? "" : " ";
  return `${step.lead}${gap}${value}${step.tail === "" ? "" : ` ${step.tail}`}.`;
}

/** `Ann has <<12+5=17>>17 pens.` */
export function workedLine(step: Step): string {
  const value = String(step.result);
  return plain(around(step, `<<${expression(step)}=${value}>>${value}`));
}

/** `Ann has 17 pens.` */
export function toldLine(step: Step): string {
  return plain(around(step, String(step.result)));
}

/** Puts the beats of a form together as a problem in GSM8K's style. */
export function newProblem(form: string, beats: readonly Beat[]): Problem {
  const steps = beats.flatMap((b) => b.steps);
  const last = steps.at(-1);
  if (last === undefined) throw new RangeError(`form ${form} has no steps`);
  const told = beats.map((b) => b.say).join(" ");
  return {
    form,
    question: plain(told),
    answer: [...steps.map(workedLine), `#### ${String(last.result)}`].join("\n"),
    key: `${form}:${steps.map(expression).join(",")}`,
    masked: mask(told),
    steps,
    beats,
  };
}
