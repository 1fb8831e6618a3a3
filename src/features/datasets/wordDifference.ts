/** @file Which words of two texts are not in the other, in order: the longest common subsequence of their words. */

/** `isOwn`: the other text does not have it at this place. */
export type WordPiece = { text: string; isOwn: boolean };

/** Above this many pairs of words, what lies between the common beginning and end is all taken to differ. */
const mostPairs = 4_000_000;

/** Characters of scripts without spaces, words, runs of white space, signs. Intl.Segmenter takes seconds for long texts. */
const word =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}])[\p{L}\p{M}\p{N}_])+|\s+|./gsu;
const wordsOf = (text: string): string[] => text.match(word) ?? [];

/** Which of `a` and of `b` belong to their longest common subsequence. [a.length], [b.length] */
function common(a: readonly string[], b: readonly string[]): [boolean[], boolean[]] {
  const width = b.length + 1;
  const shared: [boolean[], boolean[]] = [a.map(() => false), b.map(() => false)];
  if (a.length * b.length > mostPairs) return shared;
  // length[i·width + j] is that of a[i…] and b[j…]
  const length = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => length[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared[0][i++] = true;
      shared[1][j++] = true;
    } else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return shared;
}

/** Words as few pieces; white space between two words of one's own is one's own, so that a phrase is one mark. */
function join(words: readonly string[], isCommon: (i: number) => boolean): WordPiece[] {
  const pieces: WordPiece[] = [];
  words.forEach((text, i) => {
    const isGap = text.trim() === "" && i > 0 && i + 1 < words.length && !isCommon(i - 1) && !isCommon(i + 1);
    const isOwn = isGap || !isCommon(i);
    const last = pieces.at(-1);
    if (last?.isOwn === isOwn) last.text += text;
    else pieces.push({ text, isOwn });
  });
  return pieces;
}

/** How much of the longer text both have, by characters, 0 … 1. */
export function sharedPart(pieces: readonly [readonly WordPiece[], readonly WordPiece[]]): number {
  const length = (some: readonly WordPiece[]) => some.reduce((sum, { text }) => sum + text.length, 0);
  const longer = Math.max(...pieces.map(length));
  return longer === 0 ? 1 : length(pieces[0].filter(({ isOwn }) => !isOwn)) / longer;
}

/** Both texts in pieces that put together give them again. */
export function wordDifference(a: string, b: string): [WordPiece[], WordPiece[]] {
  const [before, after] = [wordsOf(a), wordsOf(b)];
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const [mine, theirs] = common(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  const isCommon = (shared: boolean[]) => (i: number) =>
    i < head || i >= head + shared.length || shared[i - head] === true;
  return [join(before, isCommon(mine)), join(after, isCommon(theirs))];
}
