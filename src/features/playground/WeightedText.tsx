/** @file A prompt's tokens tinted by how much one of them looks at each; what carries logic is underlined. */

import { Fragment, memo } from "react";
import type { PreviewToken } from "../../core/engine";
import { type Palette, type Scale, strength } from "../../ui/charts/scale";
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
  palette: Palette;
};

/** The strongest tint that text on it can still be read in; below the faintest there is none. */
const most = 0.5;
const least = 0.05;

export const WeightedText = memo(function WeightedText(props: WeightedTextProps) {
  const { label, tokens, row, onRow, values, scale, palette } = props;
  const tintOf = (key: number) => {
    const strong = strength(scale, values[row * tokens.length + key] ?? 0);
    if (key > row || Math.abs(strong) < least) return undefined;
    const color = scale.kind === "share" || strong < 0 ? palette.low : palette.high;
    return { background: `rgb(${color.join(" ")} / ${(most * Math.abs(strong)).toFixed(2)})` };
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
});
