/** @file The library's pre-tokenizers made to cut as the original's do (huggingface/tokenizers, pre_tokenizers/). */

import {
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  type PreTokenizer,
  PunctuationPreTokenizer,
  SequencePreTokenizer,
  SplitPreTokenizer,
  WhitespacePreTokenizer,
} from "@huggingface/tokenizers";

/** Words kept by their bytes' symbols; a data set's words recur, and spelling them out was half of all tokenizing. */
const keptWords = 50_000;

/** GPT-2's pattern with Unicode's white space; JavaScript's own has U+FEFF too, and not U+0085. */
const gpt2Words =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const unicodeWords = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{White_Space}]+/gu;

/**
 * Mends, in place: digits are all of Unicode's (½, ٣), not only 0 to 9; bytes the vocabulary lacks are left out before
 * merging, not after; words, white space and punctuation are Unicode's; a Split keeps, drops or joins what it found.
 */
export function mendPreTokenizer(preTokenizer: PreTokenizer | null, isKnown: (symbol: string) => boolean): void {
  if (preTokenizer instanceof SequencePreTokenizer)
    for (const part of preTokenizer.tokenizers) mendPreTokenizer(part, isKnown);
  if (preTokenizer instanceof DigitsPreTokenizer)
    preTokenizer.pattern = preTokenizer.config.individual_digits ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu;
  if (preTokenizer instanceof WhitespacePreTokenizer)
    preTokenizer.pre_tokenize_text = (text: string) => text.match(unicodeWords) ?? [];
  if (preTokenizer instanceof PunctuationPreTokenizer) mendPunctuation(preTokenizer);
  if (preTokenizer instanceof SplitPreTokenizer) mendSplit(preTokenizer);
  if (preTokenizer instanceof ByteLevelPreTokenizer) mendByteLevel(preTokenizer, isKnown);
}

function mendPunctuation(preTokenizer: PunctuationPreTokenizer): void {
  const { behavior } = preTokenizer.config as { behavior?: unknown };
  if (behavior !== "Contiguous")
    preTokenizer.pattern = new RegExp(preTokenizer.pattern.source.replace(/\+$/, ""), "gu");
}

function mendByteLevel(preTokenizer: ByteLevelPreTokenizer, isKnown: (symbol: string) => boolean): void {
  const { add_prefix_space, use_regex, byte_encoder, text_encoder } = preTokenizer;
  const known = new Map<string, string>();
  const spell = (word: string): string => {
    let symbols = known.get(word);
    if (symbols !== undefined) return symbols;
    symbols = Array.from(text_encoder.encode(word), (byte) => byte_encoder[byte] ?? "")
      .filter(isKnown)
      .join("");
    if (known.size >= keptWords) known.clear();
    if (word.length < 64) known.set(word, symbols);
    return symbols;
  };
  preTokenizer.pre_tokenize_text = (text: string) => {
    const whole = add_prefix_space && !text.startsWith(" ") ? ` ${text}` : text;
    return (use_regex ? (whole.match(gpt2Words) ?? []) : [whole]).map(spell);
  };
}

type Part = { text: string; isMatch: boolean };

/** All of a text, cut where the pattern begins and ends. */
function cutAtMatches(text: string, pattern: RegExp, isInverted: boolean): Part[] {
  const parts: Part[] = [];
  const take = (start: number, end: number, isMatch: boolean) => {
    if (end > start) parts.push({ text: text.slice(start, end), isMatch: isMatch !== isInverted });
  };
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    take(done, match.index, false);
    take(match.index, match.index + match[0].length, true);
    done = match.index + match[0].length;
  }
  take(done, text.length, false);
  return parts;
}

/** By the tokenizer.json's name for it; `true` joins a part to the one before. */
const joins: Record<string, (part: Part, before: Part) => boolean> = {
  MergedWithPrevious: (part, before) => part.isMatch && !before.isMatch,
  MergedWithNext: (part, before) => before.isMatch && !part.isMatch,
  Contiguous: (part, before) => part.isMatch === before.isMatch,
};

function mendSplit(preTokenizer: SplitPreTokenizer): void {
  const { pattern } = preTokenizer as { pattern: RegExp | null };
  const { behavior, invert } = preTokenizer.config as { behavior?: unknown; invert?: unknown };
  if (!pattern) return;
  const name = typeof behavior === "string" ? behavior : "";
  const joinsBefore = Object.hasOwn(joins, name) ? joins[name] : undefined;
  preTokenizer.pre_tokenize_text = (text: string) => {
    const parts = cutAtMatches(text, pattern, invert === true);
    const words: string[] = [];
    parts.forEach((part, i) => {
      if (name === "Removed" && part.isMatch) return;
      const before = parts[i - 1];
      if (before && joinsBefore?.(part, before)) words.push(`${words.pop() ?? ""}${part.text}`);
      else words.push(part.text);
    });
    return words;
  };
}
