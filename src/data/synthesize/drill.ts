/** @file Arithmetic drills over the very numbers that the problems use, in several notations. */
import { drawProblem, type Form } from "./form";
import { spokenEquation } from "./narrate";
import type { Random } from "./random";
import { expression, type Step } from "./story";

const inWords: Readonly<Record<string, string>> = {
  "*2": "twice # is",
  "*3": "three times # is",
  "*4": "four times # is",
  "*5": "five times # is",
  "/2": "half of # is",
  "/3": "a third of # is",
  "/4": "a quarter of # is",
  "/5": "a fifth of # is",
};

function worded(step: Step, random: Random): string {
  const { left, right, result } = step;
  const words = inWords[`${step.sign}${String(right)}`];
  if (words !== undefined) return `${words.replace("#", String(left))} ${String(result)}`;
  if (step.sign === "+") return `${String(right)} more than ${String(left)} is ${String(result)}`;
  if (step.sign === "-") return `${String(right)} fewer than ${String(left)} is ${String(result)}`;
  return spokenEquation(step, random);
}

function written(step: Step, random: Random): string {
  const value = String(step.result);
  switch (random.int(0, 3)) {
    case 0:
      return `${expression(step)}=${value}`;
    case 1:
      return worded(step, random);
    default:
      return `<<${expression(step)}=${value}>>${value}`;
  }
}

/** One drill: six to fourteen separate equations, a line each. */
export function newDrill(forms: readonly Form[], random: Random): string {
  const lines: string[] = [];
  const count = random.int(6, 14);
  while (lines.length < count) lines.push(written(random.pick(drawProblem(random.pick(forms), random).steps), random));
  return lines.join("\n");
}
