/** @file The numbers that stand in a problem, in digits and in English words. Pure. */

/** Digits with their commas and decimals, without signs: 1,200 and .5 and 3. */
export function numbersIn(text: string): number[] {
  const found = text.match(/\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\.\d+|\d+/g) ?? [];
  return found.map((digits) => Number(digits.replaceAll(",", "")));
}

const small = `zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
  seventeen eighteen nineteen twenty`.split(/\s+/);
const parts = "half third quarter fifth sixth seventh eighth ninth tenth".split(" ");
const words = new Map<string, number>([
  ...small.map((word, n) => [word, n] as const),
  ...["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"].map(
    (word, i) => [word, 30 + 10 * i] as const,
  ),
  ...parts.flatMap((word, i) => [word, `${word}s`].map((form) => [form, i + 2] as const)),
  ...["halves", "twice", "double", "doubles", "doubled", "couple", "pair", "both"].map((word) => [word, 2] as const),
  ...["triple", "triples", "tripled", "thrice"].map((word) => [word, 3] as const),
  ...["fourth", "fourths", "quadruple"].map((word) => [word, 4] as const),
  ["dozen", 12],
  ["hundred", 100],
  ["thousand", 1000],
  ["million", 1_000_000],
]);

/** What no problem has to say: one, two, the whole in per cent, and how time is divided. */
const common = [1, 2, 7, 12, 24, 30, 52, 60, 100, 365];

/**
 * Every number a solution may use without explaining it: those of the text in digits and in words ("half" is 2 and 0.5), each
 * as hundredths too (20% and 20 cents are 0.2), and the common ones. Of the steps of GSM8K's training file nine in ten
 * use these and earlier results alone.
 */
export function knownNumbers(text: string): Set<number> {
  const known = new Set(common);
  for (const number of numbersIn(text)) known.add(number).add(number / 100);
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    const number = words.get(word);
    if (number !== undefined) known.add(number);
    if (parts.includes(word.replace(/s$/, ""))) known.add(1 / (number ?? 1));
  }
  return known;
}
