/** @file One triangle of attention over a prompt: rows look at columns; marks on top, the head's gate at the side. */

import { memo, type ReactNode, useCallback, useDeferredValue, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { PreviewToken } from "../../core/engine";
import { type Cell, HeatMap } from "../../ui/charts/HeatMap";
import { raster } from "../../ui/charts/raster";
import { colorOf, type Palette, type Scale } from "../../ui/charts/scale";
import { innerTicks } from "../../ui/charts/ticks";
import { usePalette } from "../../ui/charts/usePalette";
import { useWidth } from "../../ui/charts/useWidth";
import { WeightedText } from "./WeightedText";

export type Gates = { values: ArrayLike<number>; scale: Scale };

type AttentionMapProps = {
  title: string;
  tokens: readonly PreviewToken[];
  /** NaN above the diagonal. [T, T] */
  values: ArrayLike<number>;
  scale: Scale;
  /** Of the side shown; null where it has none. [T] */
  gates: Gates | null;
  /** Where the pointer or the keys are, and the row that stays in view without them. */
  at: Cell | null;
  row: number;
  onMove: (at: Cell | null) => void;
  /** The row in words. */
  describe: (row: number) => string;
  /** A cell's value in words. */
  tip: (at: Cell) => ReactNode;
};

const left = 40;
const top = 26;
const bottom = 38;
const strip = { gap: 6, width: 10 };
const right = strip.gap + strip.width + 28;
const mostPixels = 360;

export function AttentionMap(props: AttentionMapProps) {
  const { title, tokens, values, scale, gates, at, row, onMove, describe, tip } = props;
  const { t } = useTranslation();
  const { ref, width } = useWidth();
  const palette = usePalette();
  const T = tokens.length;
  // The outline follows the pointer at once, the text and its sentence when there is time.
  const told = Math.min(useDeferredValue(row), T - 1);
  const choose = useCallback((chosen: number) => onMove({ row: chosen, column: chosen }), [onMove]);
  const side = Math.max(120, Math.min(mostPixels, width - left - right));
  const box = { left, top, width: side, height: side };
  return (
    <figure aria-label={title} className="flex min-w-0 flex-col gap-1">
      <figcaption className="text-xs font-medium">{title}</figcaption>
      <div ref={ref} className="min-w-0 overflow-hidden">
        {width > 0 && (
          <HeatMap
            label={t("playground.attention.map", { name: title })}
            {...{ values, scale, palette, box, onMove }}
            rows={T}
            columns={T}
            width={left + side + right}
            height={top + side + bottom}
            at={{ row, column: at?.column ?? row }}
            start={{ row: T - 1, column: 0 }}
            outline="row"
            describe={(cell) => describe(cell.row)}
            tip={at && at.column <= at.row && tip(at)}
          >
            <Edges {...{ tokens, gates, palette, side }} />
          </HeatMap>
        )}
      </div>
      <p className="min-h-8 text-xs text-muted">{describe(told)}</p>
      <WeightedText
        label={t("playground.attention.text", { name: title })}
        {...{ tokens, values, scale, palette }}
        row={told}
        onRow={choose}
      />
    </figure>
  );
}

type EdgesProps = { tokens: readonly PreviewToken[]; gates: Gates | null; palette: Palette; side: number };

/** Places of tokens along both axes; which keys are marked, above; the gate of each row, at the right. */
const Edges = memo(function Edges({ tokens, gates, palette, side }: EdgesProps) {
  const { t } = useTranslation();
  const T = tokens.length;
  const marks = useMemo(() => {
    const values = tokens.map(({ marked }) => (marked ? 1 : 0));
    return raster(values, 1, T, (value) => (value === 1 ? palette.mark : null));
  }, [tokens, T, palette]);
  const gatePicture = useMemo(
    () => gates && raster(gates.values, T, 1, (value) => colorOf(gates.scale, palette, value)),
    [gates, T, palette],
  );
  const ticks = innerTicks(0, T - 1, 6).filter(Number.isInteger);
  const stretched = { preserveAspectRatio: "none", imageRendering: "pixelated" } as const;
  return (
    <g fontSize={12} fill="var(--axis)">
      <image href={marks} x={left} y={top - 7} width={side} height={5} {...stretched} />
      {gatePicture && (
        <>
          <image
            href={gatePicture}
            x={left + side + strip.gap}
            y={top}
            width={strip.width}
            height={side}
            {...stretched}
          />
          <text x={left + side + strip.gap + strip.width / 2} y={top - 10} textAnchor="middle">
            {t("playground.attention.gate")}
          </text>
        </>
      )}
      <text x={4} y={12}>
        {t("playground.attention.token")}
      </text>
      {ticks.map((tick) => (
        <g key={tick}>
          <text x={left - 6} y={top + ((tick + 0.5) / T) * side + 4} textAnchor="end">
            {tick}
          </text>
          <text x={left + ((tick + 0.5) / T) * side} y={top + side + 16} textAnchor="middle">
            {tick}
          </text>
        </g>
      ))}
      <text x={left + side} y={top + side + 32} textAnchor="end">
        {t("playground.attention.lookedAt")}
      </text>
    </g>
  );
});
