/** @file A run's panels under one axis and one cursor: accuracy, loss, samples, small multiples, and LoAR's routing. */

import { memo, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { methodOf } from "../../core/adaptation";
import type { RewardChange } from "../../core/metrics";
import { type Recipe, stepsInAll } from "../../core/recipe";
import type { RunSeries } from "../../state/series";
import { CursorProvider, newCursor } from "../../ui/charts/cursor";
import { Segments } from "../../ui/charts/Segments";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { type AxisKind, runAxis } from "./curves";
import { FigurePanels } from "./FigurePanels";
import { RoutingPanel } from "./RoutingPanel";
import { AccuracyPanel, LossPanel, type PanelAxis, SmallPanels } from "./RunPanels";
import { SamplesPanel } from "./SamplesPanel";

/** Of the run only what changes seldom: the steps come with the series. */
type RunChartsProps = {
  name: string;
  recipe: Recipe;
  changes: readonly RewardChange[] | undefined;
  isLive: boolean;
  series: RunSeries;
};

const cell = "min-w-0 border-line py-2 max-lg:border-b lg:nth-[odd]:border-r lg:nth-[-n+2]:border-b";
const writeTime = (value: number) => formatNumber(value, 3);

export const RunCharts = memo(function RunCharts({ name, recipe, changes, isLive, series }: RunChartsProps) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<AxisKind>("step");
  const cursor = useMemo(() => ({ kind, cursor: newCursor() }), [kind]).cursor;
  const { unit, end } = runAxis(series, kind, stepsInAll(recipe), isLive);
  const along = useMemo((): PanelAxis => {
    const time = { seconds: t("run.timeSeconds"), minutes: t("run.timeMinutes"), hours: t("run.timeHours") };
    const [title, format] = kind === "step" ? [t("run.step"), formatCount] : [time[unit], writeTime];
    return { axis: { kind, unit, end }, x: { title, end, format } };
  }, [t, kind, unit, end]);
  const toggle = useMemo(
    () => (
      <Segments
        label={t("run.axis")}
        options={[
          { id: "step", label: t("run.axisStep") },
          { id: "time", label: t("run.axisTime") },
        ]}
        value={kind}
        onChange={setKind}
      />
    ),
    [t, kind],
  );
  const all = { name, recipe, isLive, along };
  const { evals, alerts, columns, samples, routings } = series;
  const loar = methodOf(recipe.adaptation, "loar");
  return (
    <CursorProvider value={cursor}>
      <FigurePanels {...{ name, recipe, changes, along, columns, evals }} />
      <section aria-label={t("run.charts")} className="grid flex-1 content-start lg:grid-cols-2">
        <div className={cell}>
          <AccuracyPanel {...all} evals={evals} columns={kind === "time" ? columns : null} toggle={toggle} />
        </div>
        <div className={cell}>
          <LossPanel {...all} columns={columns} evals={evals} alerts={alerts} />
        </div>
        <div className={cell}>
          <SamplesPanel recipe={recipe} samples={samples} />
        </div>
        <div className={cell}>
          <SmallPanels {...all} columns={columns} />
        </div>
        {loar && (
          <div className="min-w-0 border-line py-2 max-lg:border-b lg:col-span-2 lg:border-t">
            <RoutingPanel {...all} loar={loar} routings={routings} />
          </div>
        )}
      </section>
    </CursorProvider>
  );
});
