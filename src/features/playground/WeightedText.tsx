/** @file A prompt's tokens tinted by how much one of them looks at each; what carries logic is underlined. */

import { Fragment } from "react";
import type { PreviewToken } from "../../core/engine";
import { type Scale, strength } from "../../ui/charts/scale";
import { markedClass, visible } from "../../ui/TokenText";

type WeightedTextProps = {
  label: string;
  tokens: readonly PreviewToken[];
  /** The token that looks. */
  row: number;
  onRow: (row: number) => void;
  /** [T, T] */
  values: ArrayLike<number>;
  scale: Scale;
};

/** The strongest tint that text on it can still be read in. */
const most = 50;

export function WeightedText(props: WeightedTextProps) {
  const { label, tokens, row, onRow, values, scale } = props;
  const tintOf = (key: number) => {
    if (key > row) return {};
    const strong = strength(scale, values[row * tokens.length + key] ?? 0);
    const color = scale.kind === "share" || strong < 0 ? "--series-1" : "--series-2";
    return { background: `color-mix(in srgb, var(${color}) ${Math.round(most * Math.abs(strong))}%, transparent)` };
  };
  return (
    <section
      aria-label={label}
      tabIndex={0}
      className="max-h-40 overflow-auto font-mono text-xs leading-6 break-words whitespace-pre-wrap"
      onPointerDown={({ target }) => {
        const at = Number((target as HTMLElement).dataset["at"] ?? Number.NaN);
        if (Number.isInteger(at)) onRow(at);
      }}
    >
      {tokens.map(({ text, marked }, i) => {
        const Piece = marked ? "mark" : "span";
        return (
          <Fragment key={i}>
            <Piece
              data-at={i}
              className={`mr-px bg-transparent py-0.5 ${marked ? markedClass : "rounded-sm"} ${
                i > row ? "text-faint" : "text-ink"
              } ${i === row ? "outline outline-ink" : ""}`}
              style={tintOf(i)}
            >
              {visible(text)}
            </Piece>
            {text.endsWith("\n") && "\n"}
          </Fragment>
        );
      })}
    </section>
  );
}
