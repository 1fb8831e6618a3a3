/**
 * @file GSM8K's two scores, by the rules of lm-eval 0.4.13 (lm_eval/tasks/gsm8k/gsm8k.yaml) to the letter. References
 * that are a number and nothing else, which lm-eval's task does not have, are scored by the same rules.
 */

const none = "[invalid]";

/** The first `#### number`, as written; `[invalid]` where there is none. */
export function extractStrict(text: string): string {
  return /#### (-?[0-9.,]+)/.exec(text)?.[1] ?? none;
}

/** The last thing that looks like a number, as written; `[invalid]` where there is none. */
export function extractFlexible(text: string): string {
  return text.match(/-?[$0-9.,]{2,}|-?[0-9]+/g)?.at(-1) ?? none;
}

/** What lm-eval's exact match ignores: commas, dollars, all before the last `#### `, a closing full stop, case. */
function normalise(text: string): string {
  const afterMark = text.replaceAll(",", "").replaceAll("$", "");
  const mark = afterMark.lastIndexOf("#### ");
  const answer = mark < 0 ? afterMark : afterMark.slice(mark + 5);
  return answer.replace(/\.(?=\n?$)/, "").toLowerCase(); // Python's $ also matches before a closing line break
}

/** Whether an extracted answer equals the reference (a whole worked solution ending in `#### 72`). */
export function isCorrect(extracted: string, reference: string): boolean {
  return normalise(extracted) === normalise(reference);
}

/** A number and nothing else: `72`, ` -1,234.5 `, `$5`. */
const isBareNumber = (text: string): boolean =>
  /^\s*(?:-?\$?|\$-)(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)\.?\s*$/.test(text);

/** To a bare number a completion that is one, too, has the strict form. */
export function scoreGsm8k(completion: string, reference: string): { strict: boolean; flexible: boolean } {
  const isBare = isBareNumber(reference);
  const answer = isBare ? reference.trim() : reference;
  const marked = isBare && isBareNumber(completion) ? completion.trim() : extractStrict(completion);
  return { strict: isCorrect(marked, answer), flexible: isCorrect(extractFlexible(completion), answer) };
}

/** Whether a reference is, or ends in, an answer that can be scored. */
export function hasAnswer(reference: string): boolean {
  return /#### -?\$?[0-9.,]*[0-9]/.test(reference) || isBareNumber(reference);
}

/** Standard error of a share of n answers, √(p(1−p)/(n−1)) as lm-eval gives it; 0 where n < 2. */
export function standardError(p: number, n: number): number {
  return n < 2 ? 0 : Math.sqrt((p * (1 - p)) / (n - 1));
}
