/** @file What the tab key does to the lines of a code editor that takes it. Pure. */

/** A text and what of it is selected. */
export type Selected = { text: string; start: number; end: number };

const step = "  ";

/**
 * Indents: two spaces in place of a selection within one line, before each line of a longer one. Back: up to two spaces fewer
 * before each line.
 */
export function indentLines({ text, start, end }: Selected, isBack: boolean): Selected {
  if (!isBack && !text.slice(start, end).includes("\n")) {
    const at = start + step.length;
    return { text: text.slice(0, start) + step + text.slice(end), start: at, end: at };
  }
  const from = text.lastIndexOf("\n", start - 1) + 1;
  const until = text.indexOf("\n", end) < 0 ? text.length : text.indexOf("\n", end);
  const lines = text.slice(from, until).split("\n");
  const changed = lines.map((line) => (isBack ? line.replace(/^ {1,2}/, "") : step + line));
  const grown = (i: number) => (changed[i]?.length ?? 0) - (lines[i]?.length ?? 0);
  const block = changed.join("\n");
  const moved = Math.max(from, start + grown(0));
  return {
    text: text.slice(0, from) + block + text.slice(until),
    start: moved,
    end: Math.max(moved, end + block.length - (until - from)),
  };
}
