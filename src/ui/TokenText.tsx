/**
 * @file A row as the model sees it: token by token, what is learnt tinted, what is only read grey, what is cut struck,
 * what carries logic underlined.
 */

import { Fragment, memo } from "react";
import type { PreviewToken } from "../core/engine";

type TokenTextProps = {
  label: string;
  tokens: readonly PreviewToken[];
  /** Tokens from here on are beyond the context: shown struck through. */
  limit?: number;
  className?: string;
};

/** More than this is not read token by token, and would slow the page. */
const mostShown = 4000;

/** A line below goes together with every tint. */
export const markedClass = "rounded-t-sm border-b-2 border-series-3";

/** Spaces stay as they are; what would be invisible gets a sign. */
export function visible(text: string): string {
  return text.replaceAll("\n", "↵").replaceAll("\t", "⇥");
}

export const TokenText = memo(function TokenText({ label, tokens, limit = Infinity, className }: TokenTextProps) {
  return (
    <section
      aria-label={label}
      tabIndex={0}
      className={`overflow-auto font-mono text-xs leading-6 break-words whitespace-pre-wrap ${className ?? ""}`}
    >
      {tokens.slice(0, mostShown).map((token, i) => {
        const Piece = token.marked ? "mark" : "span";
        return (
          <Fragment key={i}>
            <Piece
              title={`${i} · id ${token.id}`}
              className={`mr-px py-0.5 ${token.marked ? markedClass : "rounded-sm"} ${
                i >= limit
                  ? "bg-bad-soft text-bad line-through"
                  : token.trained
                    ? "bg-accent-soft text-accent-ink"
                    : "bg-hover text-muted"
              }`}
            >
              {visible(token.text)}
            </Piece>
            {token.text.endsWith("\n") && "\n"}
          </Fragment>
        );
      })}
      {tokens.length > mostShown && <span className="text-faint"> … {tokens.length - mostShown}</span>}
    </section>
  );
});
