/** @file Answers to try rewards on while they are written: what a model may well come up with, good and bad. */

import type { Example } from "../core/dataset";
import type { Recipe } from "../core/recipe";
import type { SampleKind, SampleRow, WrittenAnswer } from "../core/reward";
import type { Tokenizer } from "../data/tokenizer";
import { hasAnswer } from "../scoring/gsm8k";

type Asked = {
  /** The data's first; undefined where it has none. */
  row: Example | undefined;
  recipe: Pick<Recipe, "template">;
  written: readonly WrittenAnswer[];
  tokenizer: Pick<Tokenizer, "encode">;
};

/** The last number of a text, one more; a text without one is answered with a number. */
function missed(text: string): string {
  const last = [...text.matchAll(/\d+/g)].at(-1);
  if (!last) return "#### 1";
  return `${text.slice(0, last.index)}${BigInt(last[0]) + 1n}${text.slice(last.index + last[0].length)}`;
}

/** Much text around the first line of an answer, that never comes to an end. */
const rambled = (text: string) =>
  `${Array.from({ length: 8 }, (_, i) => `Let me think about it ${i === 0 ? "step by step" : "once more"}. ${text.split("\n")[0] ?? ""}`).join("\n")}\nSo`;

/** The row's reference, the same with another number, an empty and a rambling answer; then what a model has written. */
export function newRewardSamples({ row, recipe, written, tokenizer }: Asked): SampleRow[] {
  const newSample = (kind: SampleKind, prompt: string, reference: string | null, completion: string): SampleRow => ({
    kind,
    prompt,
    completion,
    reference,
    tokens: tokenizer.encode(completion).length,
    finished: kind !== "rambling",
  });
  const made = (({ prompt, completion }: Example) => {
    const asked = recipe.template.prompt.split("{prompt}").join(prompt);
    // A bare answer is also written as GSM8K marks it, so that its form can be right.
    const reference = hasAnswer(completion) && !completion.includes("#### ") ? `#### ${completion}` : completion;
    return [
      newSample("reference", asked, completion, reference),
      newSample("wrong", asked, completion, missed(reference)),
      newSample("empty", asked, completion, ""),
      newSample("rambling", asked, completion, rambled(completion)),
    ];
  }) satisfies (row: Example) => SampleRow[];
  return [
    ...(row ? made(row) : []),
    ...written.map(({ kind = "written", prompt, reference, completion, ...known }) => ({
      ...newSample(kind, prompt, reference, completion),
      ...known,
    })),
  ];
}
