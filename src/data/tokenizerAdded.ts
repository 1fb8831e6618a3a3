/**
 * @file Added tokens found in a text before anything else is done with it, as the tokenizers library finds them
 * (huggingface/tokenizers, tokenizer/added_vocabulary.rs): leftmost, and the longest of those.
 */

export type AddedToken = {
  id: number;
  content: string;
  special: boolean;
  /** Looked for in the normalized text, itself normalized. */
  normalized: boolean;
  /** Takes the white space on that side with it. */
  lstrip: boolean;
  rstrip: boolean;
  single_word: boolean;
};

/** A stretch of text, or an added token's id. `start` is where it begins. */
export type Piece = { text: string; id: null; start: number } | { text: null; id: number; start: number };

/** The longest run of spaces at an end. */
const spacesBefore = (text: string, at: number, from: number): number => {
  let start = at;
  while (start > from && /\p{White_Space}/u.test(text[start - 1] ?? "")) start--;
  return start;
};
const spacesAfter = (text: string, at: number): number => {
  let end = at;
  while (end < text.length && /\p{White_Space}/u.test(text[end] ?? "")) end++;
  return end;
};
const isWord = (letter: string | undefined) =>
  letter !== undefined && /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u.test(letter);

/** @param contents what each token is looked for as. */
export function newAddedSplitter(
  tokens: readonly AddedToken[],
  contents: readonly string[],
): (text: string) => Piece[] {
  const tokenOf = new Map<string, AddedToken>();
  /** By first letter (UTF-16), the lengths of tokens from the longest down. */
  const lengthsOf = new Map<number, number[]>();
  tokens.forEach((token, i) => {
    const content = contents[i] ?? "";
    if (content === "") return;
    tokenOf.set(content, token);
    const lengths = lengthsOf.get(content.charCodeAt(0)) ?? [];
    if (!lengths.includes(content.length)) lengths.push(content.length);
    lengthsOf.set(content.charCodeAt(0), lengths);
  });
  for (const lengths of lengthsOf.values()) lengths.sort((a, b) => b - a);

  const findAt = (text: string, at: number): [AddedToken, number] | null => {
    for (const length of lengthsOf.get(text.charCodeAt(at)) ?? []) {
      const token = at + length <= text.length ? tokenOf.get(text.slice(at, at + length)) : undefined;
      if (token) return [token, at + length];
    }
    return null;
  };

  return (text) => {
    const pieces: Piece[] = [];
    let done = 0;
    let at = 0;
    const takeText = (end: number) => {
      if (end > done) pieces.push({ text: text.slice(done, end), id: null, start: done });
    };
    while (at < text.length) {
      const found = lengthsOf.has(text.charCodeAt(at)) ? findAt(text, at) : null;
      if (!found) {
        at++;
        continue;
      }
      const [token, end] = found;
      const isApart = !token.single_word || !(isWord(text[at - 1]) || isWord(text[end]));
      if (isApart) {
        takeText(token.lstrip ? spacesBefore(text, at, done) : at);
        pieces.push({ text: null, id: token.id, start: at });
        done = token.rstrip ? spacesAfter(text, end) : end;
      }
      at = isApart ? Math.max(done, end) : end;
    }
    takeText(text.length);
    return pieces;
  };
}
