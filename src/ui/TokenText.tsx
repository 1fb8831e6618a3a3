/**
 * @file A row as the model sees it: token by token, what is learnt tinted, what is only read grey, what is cut struck,
 * what carries logic underlined, steps and final answer in colours of their own where they are asked for.
 */

import { Fragment, memo, type ReactNode } from "react";
import type { PreviewToken } from "../core/engine";

type TokenTextProps = {
  label: string;
  tokens: readonly PreviewToken[];
  /** Tokens from here on are beyond the context: shown struck through. */
  limit?: number;
  /** Tells the steps of a solution from its final answer. */
  hasParts?: boolean;
  /** Laid over the text, and scrolled with it. */
  children?: ReactNode;
  className?: string;
};

/** More than this is not read token by token, and would slow the page. */
const mostShown = 4000;

/** A line below goes together with every tint. */
export const markedClass = "rounded-t-sm border-b-2 border-series-3";

/** Which of all tokens this one is: for those who look up what was pointed at. */
export const tokenAttribute = "data-token";

function tint({ trained, part }: PreviewToken, hasParts: boolean): string {
  if (hasParts && part === "steps") return "bg-series-6/25 text-ink";
  return trained ? "bg-accent-soft text-accent-ink" : "bg-hover text-muted";
}

/** Spaces stay as they are; what would be invisible gets a sign. */
export function visible(text: string): string {
  return text.replaceAll("\n", "↵").replaceAll("\t", "⇥");
}

export const TokenText = memo(function TokenText(props: TokenTextProps) {
  const { label, tokens, limit = Infinity, hasParts = false, children, className } = props;
  return (
    <section
      aria-label={label}
      tabIndex={0}
      className={`relative overflow-auto font-mono text-xs leading-6 break-words whitespace-pre-wrap ${className ?? ""}`}
    >
      {tokens.slice(0, mostShown).map((token, i) => {
        const Piece = token.marked ? "mark" : "span";
        return (
          <Fragment key={i}>
            <Piece
              {...{ [tokenAttribute]: i }}
              title={`${i} · id ${token.id}`}
              className={`mr-px py-0.5 ${token.marked ? markedClass : "rounded-sm"} ${
                i >= limit ? "bg-bad-soft text-bad line-through" : tint(token, hasParts)
              }`}
            >
              {visible(token.text)}
            </Piece>
            {token.text.endsWith("\n") && "\n"}
          </Fragment>
        );
      })}
      {tokens.length > mostShown && <span className="text-faint"> … {tokens.length - mostShown}</span>}
      {children}
    </section>
  );
});
