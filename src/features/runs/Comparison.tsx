/** @file Several runs over each other: what differs between their recipes first, then their curves. */

import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { stepsInAll } from "../../core/recipe";
import type { Run } from "../../core/run";
import { listDifferences } from "../../state/runsDifferences";
import { useSeriesOf } from "../../state/series";
import { Button } from "../../ui/Button";
import { Chart, type ChartAxis } from "../../ui/charts/Chart";
import { CursorProvider, newCursor } from "../../ui/charts/cursor";
import { type Curve, hasPoints } from "../../ui/charts/curve";
import { smooth } from "../../ui/charts/smooth";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { Table } from "../../ui/Table";
import { evalCurve, figureCurve, lossCurves, runAxis, smoothingOf } from "./curves";

const short = (value: number) => formatNumber(value, 3);

/** A run's colour in the comparison: the palette in order of the runs. */
const colorOf = (i: number) => `var(--series-${(i % 8) + 1})`;

export function Comparison({ runs, onClear }: { runs: readonly Run[]; onClear: () => void }) {
  const { t } = useTranslation();
  const series = useSeriesOf(runs.map(({ id }) => id));
  const cursor = useMemo(() => newCursor(), []);
  const end = Math.max(1, ...runs.map(({ step }) => step));
  const x: ChartAxis = { title: t("run.step"), end, format: formatCount };
  const curvesOf = (make: (i: number, drawing: Pick<Curve, "id" | "label" | "color" | "look">) => Curve) =>
    runs.map((run, i) => make(i, { id: run.name, label: run.name, color: colorOf(i), look: "strong" }));
  const axisOf = (i: number) => {
    const [one, run] = [series[i], runs[i]];
    return one && run ? { one, axis: runAxis(one, "step", stepsInAll(run.recipe), false) } : null;
  };
  const none = (drawing: Pick<Curve, "id" | "label" | "color" | "look">): Curve => ({
    ...drawing,
    steps: [],
    x: [],
    y: [],
  });
  const accuracy = curvesOf((i, drawing) => {
    const at = axisOf(i);
    return at ? evalCurve(at.one, at.axis, "gsm8k/strict", drawing, true) : none(drawing);
  });
  const loss = curvesOf((i, drawing) => {
    const at = axisOf(i);
    return (at && lossCurves(at.one.columns, at.axis, smoothingOf(end), drawing, drawing)[1]) ?? none(drawing);
  });
  const evaluation = curvesOf((i, drawing) => {
    const at = axisOf(i);
    return at ? evalCurve(at.one, at.axis, "eval/loss", drawing, false) : none(drawing);
  });
  const reward = curvesOf((i, drawing) => {
    const at = axisOf(i);
    if (!at) return none(drawing);
    const curve = figureCurve(at.one.columns, at.axis, "reward", drawing);
    return { ...curve, y: smooth(curve.y, smoothingOf(end)) };
  });
  return (
    <section aria-label={t("runs.compare")} className="border-t border-line">
      <header className="flex items-center justify-between px-4 pt-3 lg:px-6">
        <h2 className="text-sm">{t("runs.compare")}</h2>
        <Button size="sm" variant="quiet" onPress={onClear}>
          {t("runs.clear")}
        </Button>
      </header>
      <div className="lg:px-2">
        <Differences runs={runs} />
      </div>
      <CursorProvider value={cursor}>
        <div className="grid divide-line border-t border-line *:min-w-0 *:py-2 max-xl:divide-y xl:grid-cols-3 xl:divide-x">
          <Chart
            name={t("runs.overlayAccuracy")}
            curves={accuracy}
            x={x}
            y={{ title: "", format: (value) => value.toFixed(2), from: 0, to: 0.2, atMost: 1 }}
            height={240}
            file="comparison"
            empty={t("runs.noAccuracy")}
          />
          {hasPoints(reward) && (
            <Chart
              name={t("runs.overlayReward")}
              curves={reward}
              x={x}
              y={{ title: "", format: short }}
              height={240}
              file="comparison"
              empty=""
            />
          )}
          <Chart
            name={t("runs.overlayLoss")}
            curves={loss}
            x={x}
            y={{ title: t("run.lossUnit"), format: short, from: 0 }}
            height={240}
            file="comparison"
            empty={t("runs.noLoss")}
          />
          <Chart
            name={t("runs.overlayEval")}
            curves={evaluation}
            x={x}
            y={{ title: t("run.lossUnit"), format: short, from: 0 }}
            height={240}
            file="comparison"
            empty={t("runs.noLoss")}
          />
        </div>
      </CursorProvider>
    </section>
  );
}

function Differences({ runs }: { runs: readonly Run[] }) {
  const { t } = useTranslation();
  const differences = useMemo(() => listDifferences(runs.map(({ recipe }) => recipe)), [runs]);
  if (differences.length === 0) return <p className="px-4 py-3 text-sm text-muted">{t("runs.same")}</p>;
  return (
    <Table
      label={t("runs.differences")}
      rows={differences}
      rowKey={({ path }) => path}
      columns={[
        { id: "path", header: t("runs.differences"), className: "font-mono text-xs", cell: ({ path }) => path },
        ...runs.map((run, i) => ({
          id: run.id,
          header: (
            <span className="inline-flex items-center gap-1.5">
              <span className="h-0.5 w-3" style={{ background: colorOf(i) }} />
              {run.name}
            </span>
          ),
          className: "font-mono text-xs",
          cell: ({ values }: { values: readonly string[] }) => values[i],
        })),
      ]}
    />
  );
}
