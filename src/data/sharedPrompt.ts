/** @file The prompt of two texts that begin alike: TRL's implicit preference rows (trl.extract_prompt), cut at a border. */

/** What ends a prompt and begins an answer in the transcripts that data sets hold. */
const answerMarks =
  /\n\n(?:Assistant|ASSISTANT|AI|Answer|A):|### (?:Response|Assistant):\n?|\[\/INST\]|<\|im_start\|>assistant\n|<\|assistant\|>\n?|<\|start_header_id\|>assistant<\|end_header_id\|>\n\n|<start_of_turn>model\n/g;

/** Scripts that are written without spaces: every character is a border. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。、，：；？！]/u;

/**
 * Their longest common beginning that ends after a mark of the answer, else between words; both keep something of their
 * own. The space before the first word that differs goes with the answers, as TRL has it. "" where they share nothing.
 */
export function sharedPrompt(a: string, b: string): string {
  const most = Math.min(a.trimEnd().length, b.trimEnd().length) - 1;
  let common = 0;
  while (common < most && a[common] === b[common]) common++;
  const shared = a.slice(0, common);
  const mark = [...shared.matchAll(answerMarks)].at(-1);
  if (mark) return shared.slice(0, mark.index + mark[0].length);
  for (let end = common; end > 0; end--) {
    const before = a[end - 1] ?? "";
    if (before === " ") return a.slice(0, end - 1);
    if (/\s/.test(before) || unspaced.test(before)) return a.slice(0, end);
  }
  return "";
}
