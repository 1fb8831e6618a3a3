/** @file How LoAR routes over a run: its gates, or its λ, by layer and head at each evaluation. */

import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Loar } from "../../core/adaptation";
import type { Routing } from "../../core/metrics";
import { type Recipe, stepsInAll } from "../../core/recipe";
import { ChartMenu } from "../../ui/charts/ChartMenu";
import { chartCsv } from "../../ui/charts/chartCsv";
import { useCursor, useCursorState } from "../../ui/charts/cursor";
import { nearest } from "../../ui/charts/curve";
import { type Cell, HeatMap } from "../../ui/charts/HeatMap";
import { HeatTable } from "../../ui/charts/HeatTable";
import { ScaleLegend } from "../../ui/charts/ScaleLegend";
import { Segments } from "../../ui/charts/Segments";
import { extentOf, type Scale, scaleTicks } from "../../ui/charts/scale";
import { usePalette } from "../../ui/charts/usePalette";
import { useWidth } from "../../ui/charts/useWidth";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { Term } from "../../ui/Term";
import type { PanelAxis } from "./RunPanels";
import {
  lastSpread,
  placeOf,
  type RoutingKind,
  type RoutingMatrix,
  routingColumns,
  routingMatrix,
} from "./routingMatrix";

type RoutingProps = {
  name: string;
  recipe: Recipe;
  loar: Loar;
  isLive: boolean;
  along: PanelAxis;
  routings: readonly Routing[];
};

/** Where σ's factor leaves a gate before the first step. */
const firstGate = (mode: Loar["mode"]) => (mode === "literal" ? 0.5 : 1);

const write = (value: number) => formatNumber(value, 4);
const titles = { gates: <Term name="gate" />, lambdas: <Term name="lambda" /> };

export const RoutingPanel = memo(function RoutingPanel(props: RoutingProps) {
  const { name, recipe, loar, isLive, along, routings } = props;
  const { t } = useTranslation();
  const [wanted, setKind] = useState<RoutingKind>("gates");
  const [isTable, setTable] = useState(false);
  const shown = useRef<HTMLDivElement>(null);
  const { ref, width } = useWidth();
  const hasLambdas = routings.some(({ lambdas }) => lambdas !== null);
  const kind = hasLambdas ? wanted : "gates";
  const matrix = useMemo(() => routingMatrix(routings, kind), [routings, kind]);
  const scale = useMemo((): Scale => {
    const middle = kind === "gates" ? firstGate(loar.mode) : 0;
    return { kind: "around", middle, extent: extentOf(matrix.values, middle, 0.05) };
  }, [matrix, kind, loar.mode]);
  const latest = useRef(routings);
  useEffect(() => {
    latest.current = routings;
  }, [routings]);
  const legend = t(`run.routing.legend.${kind}`);
  const [low, , high] = scaleTicks(scale).map(({ value }) => formatNumber(value, 3));
  const ends = t("run.routing.ends", { low, high });
  const getCaption = useCallback((title: string) => ({ title: `${title} · ${ends}`, entries: [] }), [ends]);
  const getCsv = useCallback(() => chartCsv(routingColumns(latest.current)), []);
  const label = t(`run.routing.title.${kind}`);
  const planned = isLive ? 1 + Math.ceil(stepsInAll(recipe) / recipe.evaluation.every) : 0;
  return (
    <figure aria-label={label} className="flex min-w-0 flex-col">
      <figcaption className="flex min-h-7 flex-wrap items-center gap-x-3 gap-y-1 pr-1 pl-4">
        <h2 className="text-sm whitespace-nowrap">{titles[kind]}</h2>
        <span className="text-xs text-muted">{t("run.routing.by")}</span>
        <span className="flex-1" />
        {matrix.steps.length > 0 && <ScaleLegend label={legend} scale={scale} />}
        {hasLambdas && (
          <Segments
            label={t("run.routing.shown")}
            options={[
              { id: "gates", label: t("terms.gate.word") },
              { id: "lambdas", label: t("terms.lambda.word") },
            ]}
            value={kind}
            onChange={setKind}
          />
        )}
        {matrix.steps.length > 0 && (
          <ChartMenu {...{ name: label, file: name, shown, getCaption, getCsv, isTable }} onTable={setTable} />
        )}
      </figcaption>
      <div ref={ref} className="min-w-0">
        {matrix.steps.length === 0 ? (
          <p className="px-4 py-12 text-center text-sm text-muted">
            {t(isLive ? "run.routing.waiting" : "run.routing.none")}
          </p>
        ) : isTable ? (
          <HeatTable
            label={t("charts.tableOf", { name: label })}
            headings={[t("run.routing.layer"), t("run.routing.head")]}
            rows={rowNames(matrix)}
            columns={matrix.steps.map((step) => t("run.routing.step", { step: formatCount(step) }))}
            values={matrix.values}
            format={write}
            height={360}
          />
        ) : (
          <div ref={shown}>
            {width > 0 && <RoutingMap {...{ label, kind, matrix, routings, scale, width, along, planned }} />}
          </div>
        )}
      </div>
      <Spread matrix={matrix} kind={kind} />
    </figure>
  );
});

const rowNames = (matrix: RoutingMatrix): [layer: string, head: string][] =>
  Array.from({ length: matrix.layers * matrix.heads }, (_, row) => {
    const { layer, head } = placeOf(matrix, row);
    return [String(layer), String(head)];
  });

/** What one would read off the last column, in words. */
function Spread({ matrix, kind }: { matrix: RoutingMatrix; kind: RoutingKind }) {
  const { t } = useTranslation();
  const spread = lastSpread(matrix);
  if (!spread) return null;
  const { mean, highest, lowest } = spread;
  const place = ({ layer, head, value }: typeof highest) =>
    t("run.routing.place", { layer, head, value: formatNumber(value, 3) });
  return (
    <p className="px-4 pt-1 text-xs text-muted">
      {t("run.routing.lastOf", { step: formatCount(matrix.steps.at(-1) ?? 0) })}{" "}
      {highest.value === lowest.value
        ? t(`run.routing.same.${kind}`, { value: formatNumber(mean, 3) })
        : t("run.routing.spread", { mean: formatNumber(mean, 3), highest: place(highest), lowest: place(lowest) })}
    </p>
  );
}

const left = 44;
const right = 16;
const top = 20;
const bottom = 40;
/** Pixels from one label to the next, at least. */
const labelRoom = 48;
const strides = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Pixels of a head: large where there are few, two where there are hundreds, so that all are in one view. */
const headPixels = (rows: number) => Math.max(Math.min(16, Math.floor(312 / rows)), Math.min(2, 900 / rows));

type MapProps = {
  label: string;
  kind: RoutingKind;
  matrix: RoutingMatrix;
  routings: readonly Routing[];
  scale: Scale;
  width: number;
  along: PanelAxis;
  /** Evaluations of a run that goes on: their room is kept. */
  planned: number;
};

function RoutingMap({ label, kind, matrix, routings, scale, width, along, planned }: MapProps) {
  const { t } = useTranslation();
  const palette = usePalette();
  const cursor = useCursor();
  const { x } = useCursorState();
  const [at, setAt] = useState<Cell | null>(null);
  const { values, steps, layers, heads } = matrix;
  const isByStep = along.axis.kind === "step";
  const columns = steps.length;
  const rows = layers * heads;
  const cell = headPixels(rows);
  const wide = Math.min(160, (width - left - right) / Math.max(columns, planned));
  const box = { left, top, width: wide * columns, height: cell * rows };
  const end = left + wide * Math.max(columns, planned);
  const pointed = isByStep && x !== null && !at ? nearest({ x: steps, y: steps }, x) : -1;
  const move = (next: Cell | null) => {
    setAt(next);
    if (isByStep) cursor.hover(next ? (steps[next.column] ?? null) : null);
  };
  const describe = ({ row, column }: Cell) =>
    [
      t("run.routing.layerHead", placeOf(matrix, row)),
      t("run.routing.step", { step: formatCount(steps[column] ?? 0) }),
      ...readings(row, column),
    ].join(", ");
  /** The value shown first, then the other of the same head. */
  const readings = (row: number, column: number) => {
    const { layer, head } = placeOf(matrix, row);
    const kinds = kind === "gates" ? (["gates", "lambdas"] as const) : (["lambdas", "gates"] as const);
    return kinds.flatMap((each) => {
      const value = routings[column]?.[each]?.[layer]?.[head];
      return value === undefined ? [] : [t(`run.routing.reading.${each}`, { value: write(value) })];
    });
  };
  return (
    <HeatMap
      label={t("run.routing.map", { name: label })}
      {...{ values, rows, columns, scale, palette, width, box, at, describe }}
      height={top + box.height + bottom}
      onMove={move}
      start={{ row: 0, column: columns - 1 }}
      outline="cell"
      tip={
        at && (
          <>
            <span className="text-muted">{t("run.routing.layerHead", placeOf(matrix, at.row))}</span>
            <span className="text-muted">{t("run.routing.step", { step: formatCount(steps[at.column] ?? 0) })}</span>
            {readings(at.row, at.column).map((reading) => (
              <span key={reading} className="font-mono">
                {reading}
              </span>
            ))}
          </>
        )
      }
    >
      <Axes {...{ matrix, cell, wide, end }} />
      {pointed >= 0 && (
        <rect
          x={left + pointed * wide + 0.5}
          y={top - 2}
          width={Math.max(1, wide - 1)}
          height={box.height + 4}
          fill="none"
          stroke="var(--edge)"
        />
      )}
    </HeatMap>
  );
}

/** `end`: where the axis ends, evaluations to come included. */
type AxesProps = { matrix: RoutingMatrix; cell: number; wide: number; end: number };

/** Layers down the side, a line between two; steps below. */
const Axes = memo(function Axes({ matrix, cell, wide, end }: AxesProps) {
  const { t } = useTranslation();
  const { steps, layers, heads } = matrix;
  const band = cell * heads;
  const base = top + band * layers;
  const last = left + wide * steps.length;
  const everyLayer = Math.max(1, Math.ceil(16 / band));
  const everyStep = strides.find((stride) => stride * wide >= labelRoom) ?? steps.length;
  return (
    <g fontSize={12} fill="var(--axis)">
      <text x={16} y={12}>
        {t("run.routing.layer")}
      </text>
      {Array.from({ length: layers }, (_, layer) => (
        <g key={layer}>
          {layer > 0 && (
            <line x1={left} x2={last} y1={top + layer * band} y2={top + layer * band} stroke="var(--page)" />
          )}
          {layer % everyLayer === 0 && (
            <text x={left - 8} y={top + layer * band + band / 2 + 4} textAnchor="end">
              {layer}
            </text>
          )}
        </g>
      ))}
      {steps.map(
        (step, column) =>
          column % everyStep === 0 && (
            <text key={step} x={left + (column + 0.5) * wide} y={base + 16} textAnchor="middle">
              {formatCount(step)}
            </text>
          ),
      )}
      <line x1={left} x2={end} y1={base + 0.5} y2={base + 0.5} stroke="var(--line)" />
      <text x={Math.max(end, left + 32)} y={base + 34} textAnchor="end">
        {t("run.step")}
      </text>
    </g>
  );
});
