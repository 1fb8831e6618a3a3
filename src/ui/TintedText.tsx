/** @file A text token by token, each tinted by its number; the number itself stands below for the token pointed at. */

import { Fragment, memo, useState } from "react";
import type { Palette, Scale } from "./charts/scale";
import { strength } from "./charts/scale";
import { visible } from "./TokenText";

type TintedTextProps = {
  label: string;
  tokens: readonly string[];
  /** One a token, or one for all of them; none leaves the text plain. */
  values: readonly number[];
  scale: Scale;
  palette: Palette;
  /** What is said of a token: its number and its unit. */
  describe: (at: number) => string;
  /** Said in place of the last token, where it ends the text and is no part of it. */
  end?: string | undefined;
  /** Said of tokens that are not shown. */
  more: (count: number) => string;
};

/** The strongest tint that text on it can still be read in; below the faintest there is none. */
const most = 0.5;
const least = 0.04;
/** More than this is not read token by token, and would slow the page. */
const mostShown = 1500;

export const TintedText = memo(function TintedText(props: TintedTextProps) {
  const { label, tokens, values, scale, palette, describe, end, more } = props;
  const [at, setAt] = useState<number | null>(null);
  const shown = tokens.slice(0, mostShown);
  const last = shown.length - 1;
  const tintOf = (i: number) => {
    const value = values.length === 1 ? values[0] : values[i];
    const strong = value !== undefined && Number.isFinite(value) ? strength(scale, value) : 0;
    if (Math.abs(strong) < least) return undefined;
    const color = strong < 0 ? palette.low : palette.high;
    return { background: `rgb(${color.join(" ")} / ${(most * Math.abs(strong)).toFixed(2)})` };
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const here = at ?? -1;
    const moves: Partial<Record<string, number | null>> = {
      ArrowRight: here + 1,
      ArrowLeft: at === null ? last : here - 1,
      Home: 0,
      End: last,
      Escape: null,
    };
    const to = moves[event.key];
    if (to === undefined || event.altKey || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    setAt(to === null ? null : Math.min(last, Math.max(0, to)));
  };
  const pointed = at === null ? undefined : tokens[at];
  const isEnd = (i: number | null) => end !== undefined && i === tokens.length - 1;
  return (
    <div
      role="group"
      aria-label={label}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onBlur={() => setAt(null)}
      onPointerMove={({ target }) => {
        const over = (target as HTMLElement).dataset["at"];
        if (over !== undefined) setAt(Number(over));
      }}
      onPointerLeave={() => setAt(null)}
      className="rounded-sm"
    >
      <p className="font-mono text-xs leading-5 break-words whitespace-pre-wrap">
        {shown.map((text, i) => (
          <Fragment key={i}>
            <span
              data-at={i}
              className={`rounded-sm py-0.5 ${i === at ? "outline outline-ink" : ""} ${isEnd(i) ? "ml-0.5 px-1 font-sans text-muted select-none" : ""}`}
              style={tintOf(i)}
            >
              {isEnd(i) ? end : visible(text)}
            </span>
            {text.endsWith("\n") && "\n"}
          </Fragment>
        ))}
        {tokens.length > mostShown && <span className="text-faint">{more(tokens.length - mostShown)}</span>}
      </p>
      <p aria-live="polite" className="min-h-4 font-mono text-xs text-muted">
        {at !== null && pointed !== undefined && (
          <>
            <span className="text-ink">{isEnd(at) ? end : `“${visible(pointed)}”`}</span> {describe(at)}
          </>
        )}
      </p>
    </div>
  );
});
