/** @file A chart with all that belongs to it: headline, legend, curves, cursor, table of its numbers, and ways to save it. */

import { lazy, memo, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useTurn } from "../useTurn";
import { ChartMenu } from "./ChartMenu";
import { ChartTable } from "./ChartTable";
import { chartCsv } from "./chartCsv";
import { type AxisWish, type Curve, hasPoints, lastFinite, valueAxis } from "./curve";
import type { PlotMark } from "./PlotLayers";
import type { Caption } from "./saveChart";
import { innerTicks } from "./ticks";
import { useWidth } from "./useWidth";

/** Recharts comes with it: half of what the page loads. */
const Plot = lazy(async () => ({ default: (await import("./Plot")).Plot }));

export type ChartAxis = {
  /** `step` or `training time`, with its unit. */
  title: string;
  end: number;
  format: (value: number) => string;
};

export type ChartProps = {
  /** What it shows, in one or two plain words. */
  name: string;
  /** Shown instead of the name: a word that explains itself. */
  title?: ReactNode;
  curves: readonly Curve[];
  x: ChartAxis;
  y: AxisWish & { title: string; format: (value: number) => string };
  height: number;
  /** Beginning of the files' names. */
  file: string;
  marks?: readonly PlotMark[];
  /** In the headline, before the menu. */
  actions?: ReactNode;
  /** Instead of the plot, where there is nothing to draw. */
  empty: ReactNode;
  /** A small multiple: no legend, no words beside the cursor. */
  isSmall?: boolean;
  /** A chart below carries the horizontal axis of both. */
  hasAxisBelow?: boolean;
};

const noMarks: readonly PlotMark[] = [];

export function Chart(props: ChartProps) {
  const { name, title, curves, height, file, actions, empty, isSmall = false } = props;
  const { t } = useTranslation();
  const [isTable, setTable] = useState(false);
  const { ref, width } = useWidth();
  const shown = useRef<HTMLDivElement>(null);
  const isEmpty = !hasPoints(curves);
  const latest = useRef(curves);
  useEffect(() => {
    latest.current = curves;
  }, [curves]);
  const [getCaption, getCsv] = useMemo(
    () => [
      (title: string): Caption => ({ title, entries: latest.current.filter(({ y }) => lastFinite(y) >= 0) }),
      () => chartCsv(latest.current),
    ],
    [],
  );
  return (
    <figure aria-label={name} className="flex min-w-0 flex-col">
      <figcaption className="flex min-h-7 items-center gap-3 pr-1 pl-4">
        <h2 className="text-sm whitespace-nowrap">{title ?? name}</h2>
        {!isSmall && <Legend entries={curves.filter(({ y }) => lastFinite(y) >= 0)} />}
        <span className="flex-1" />
        {actions}
        {!isEmpty && <ChartMenu {...{ name, file, shown, getCaption, getCsv, isTable }} onTable={setTable} />}
      </figcaption>
      <div ref={ref} className="min-w-0">
        {isEmpty ? (
          <div style={{ height }} className="flex items-center justify-center px-4 text-center text-sm text-muted">
            <p className="max-w-100">{empty}</p>
          </div>
        ) : isTable ? (
          <ChartTable curves={curves} format={props.y.format} height={height} label={t("charts.tableOf", { name })} />
        ) : (
          <div ref={shown} className="relative" style={{ height }}>
            <Suspense>{width > 0 && <SizedPlot {...props} width={width} />}</Suspense>
          </div>
        )}
      </div>
    </figure>
  );
}

type SizedProps = ChartProps & { width: number };

function SizedPlot(props: SizedProps) {
  const shown = useTurn(props);
  return shown && <PlotInTurn {...shown} />;
}

/** What `<LineChart>` needs, each part the same object until it changes. */
const PlotInTurn = memo(function PlotInTurn(props: SizedProps) {
  const { hasAxisBelow = false, name, curves, x, y, height, width, marks = noMarks, isSmall = false } = props;
  const { end } = x;
  const wanted = valueAxis(curves, height, y);
  const ticks = wanted.ticks.join(" ");
  const yAxis = useMemo(() => {
    const list = ticks.split(" ").map(Number);
    return { low: list[0] ?? 0, high: list.at(-1) ?? 1, ticks: list, isLog: wanted.isLog };
  }, [ticks, wanted.isLog]);
  const right = isSmall ? 72 : 104;
  const xAxis = useMemo(() => {
    const count = Math.max(2, Math.round((width - 140) / 80));
    return { low: 0, high: end, ticks: innerTicks(0, end, count), isLog: false };
  }, [end, width]);
  const longest = curves.reduce<Curve | undefined>((a, b) => (a && a.x.length >= b.x.length ? a : b), undefined);
  return (
    <Plot
      name={name}
      width={width}
      height={height}
      xAxis={xAxis}
      yAxis={yAxis}
      xTitle={hasAxisBelow ? null : x.title}
      yTitle={y.title}
      right={right}
      formatX={x.format}
      formatY={y.format}
      curves={curves}
      marks={marks}
      stops={longest?.x ?? []}
      isTitled={!isSmall}
      endLabel={(curve, last) => {
        if (curve.look === "faint") return null;
        const error = curve.error?.[last];
        return `${y.format(curve.y[last] ?? 0)}${error === undefined ? "" : ` ± ${y.format(error)}`}`;
      }}
    />
  );
});

type LegendEntry = Pick<Curve, "id" | "label" | "color" | "look">;

/** Drawn again only when its entries change, not with every point. */
const Legend = memo(function Legend({ entries }: { entries: readonly LegendEntry[] }) {
  return (
    <ul className="flex min-w-0 flex-wrap gap-x-3 text-xs text-muted">
      {entries.map(({ id, label, color, look }) => (
        <li key={id} className="flex items-center gap-1.5 whitespace-nowrap">
          <svg width="16" height="4" aria-hidden="true" opacity={look === "faint" ? 0.4 : 1}>
            <line
              x1="0"
              x2="16"
              y1="2"
              y2="2"
              stroke={color}
              strokeWidth="2"
              strokeDasharray={look === "dashed" ? "4 2" : ""}
            />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  );
}, sameEntries);

function sameEntries(
  { entries: a }: { entries: readonly LegendEntry[] },
  { entries: b }: { entries: readonly LegendEntry[] },
) {
  const same = (one: LegendEntry, other: LegendEntry | undefined) =>
    one.id === other?.id && one.label === other.label && one.color === other.color && one.look === other.look;
  return a.length === b.length && a.every((entry, i) => same(entry, b[i]));
}
