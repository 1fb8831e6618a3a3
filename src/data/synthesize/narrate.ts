/** @file Tells a problem as a story that carries its quantities along, in no style of a worked solution. */
import type { Random } from "./random";
import type { Problem } from "./story";
import { plain, type Sign, type Step, toldLine } from "./story";

const spoken: Readonly<Record<Sign, readonly string[]>> = {
  "+": ["plus", "and"],
  "-": ["minus", "less"],
  "*": ["times"],
  "/": ["divided by"],
};

const openers = ["So ", "Now ", "That means ", "This way ", "Then ", ""] as const;
const lateOpeners = ["First, ", "So ", "Now ", "Next, ", "After that ", "Then "] as const;
const commonStarts = /^(The|There|They|Together|Each|Both|All|First|Then|Later|Before|At|On|In|A|He|She)\b/;

/** Lower-cases a common word at the start, so that the sentence can follow an opener; names stay. */
function lowerStart(text: string): string {
  return commonStarts.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

/** `12 plus 5 is 17` */
export function spokenEquation(step: Step, random: Random): string {
  return `${String(step.left)} ${random.pick(spoken[step.sign])} ${String(step.right)} is ${String(step.result)}`;
}

/** What a narration is made with. */
export interface Telling {
  /** Chance that a quantity is reckoned aloud before it is told. */
  readonly aloud: number;
  /** Whether the quantities are told after the whole story instead of as they arise. */
  readonly late: boolean;
  /** Whether every quantity told has a line to itself. */
  readonly lines: boolean;
}

function tell(step: Step, telling: Telling, random: Random): string {
  const told = toldLine(step);
  if (random.chance(telling.aloud)) return `${spokenEquation(step, random)}, so ${lowerStart(told)}`;
  if (telling.lines && random.chance(0.7)) return told;
  const opener = random.pick(telling.late ? lateOpeners : openers);
  return opener === "" ? told : opener + lowerStart(told);
}

function sentence(say: string): string {
  const text = plain(say);
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  if (/[.?]$/.test(start)) return start;
  return `${start.replace(/,$/, "")}.`;
}

/** The problem's story with its quantities told, without its question. */
export function narrate(problem: Problem, telling: Telling, random: Random): string {
  const beats = problem.beats.slice(0, -1);
  const gap = telling.lines ? "\n" : " ";
  const tells = (steps: readonly Step[]): string[] => steps.map((step) => tell(step, telling, random));
  if (telling.late) {
    const story = plain(beats.map((b) => b.say).join(" "));
    return [story, ...tells(problem.steps)].join(gap);
  }
  return beats.flatMap((b) => [sentence(b.say), ...tells(b.steps)]).join(gap);
}
