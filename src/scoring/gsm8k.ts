/** @file GSM8K's two scores, by the rules of lm-eval 0.4.13 (lm_eval/tasks/gsm8k/gsm8k.yaml) to the letter. */

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

export function scoreGsm8k(completion: string, reference: string): { strict: boolean; flexible: boolean } {
  return {
    strict: isCorrect(extractStrict(completion), reference),
    flexible: isCorrect(extractFlexible(completion), reference),
  };
}

/** Whether a reference ends in an answer that can be scored. */
export function hasAnswer(reference: string): boolean {
  return /#### -?\$?[0-9.,]*[0-9]/.test(reference);
}

/** Standard error of a share of n answers, √(p(1−p)/(n−1)) as lm-eval gives it; 0 where n < 2. */
export function standardError(p: number, n: number): number {
  return n < 2 ? 0 : Math.sqrt((p * (1 - p)) / (n - 1));
}
