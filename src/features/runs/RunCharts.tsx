/** @file A run's panels: accuracy, loss, samples, and the small multiples under one axis. */

import { memo, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Run } from "../../core/run";
import { isActive } from "../../state/runsMirror";
import type { RunSeries } from "../../state/series";
import { newColumns } from "../../state/seriesColumns";
import { Chart, type ChartAxis } from "../../ui/charts/Chart";
import { CursorProvider, newCursor } from "../../ui/charts/cursor";
import { Segments, SmallToggle } from "../../ui/charts/Segments";
import { formatCount, formatNumber } from "../../ui/formatQuantity";
import { Term } from "../../ui/Term";
import { type AxisKind, alertMarks, evalCurve, lossCurves, runAxis, stepCurve } from "./curves";
import { SamplesPanel } from "./SamplesPanel";

const color = {
  strict: "var(--series-1)",
  flexible: "var(--series-2)",
  train: "var(--series-3)",
  eval: "var(--series-4)",
  gradient: "var(--series-5)",
  rate: "var(--series-6)",
  speed: "var(--series-8)",
} as const;

const short = (value: number) => formatNumber(value, 3);
const share = (value: number) => value.toFixed(2);

const cell = "min-w-0 border-line py-2 max-lg:border-b lg:nth-[odd]:border-r lg:nth-[-n+2]:border-b";

type PanelsProps = { run: Run; series: RunSeries };
type ChartsProps = PanelsProps & { kind: AxisKind; x: ChartAxis; toggle: React.ReactNode };

export function RunCharts({ run, series }: PanelsProps) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<AxisKind>("step");
  const cursor = useMemo(() => ({ kind, cursor: newCursor() }), [kind]).cursor;
  const axis = runAxis(series, kind, run.recipe.schedule.steps, isActive(run));
  const { unit, end } = axis;
  const x = useMemo((): ChartAxis => {
    const time = { seconds: t("run.timeSeconds"), minutes: t("run.timeMinutes"), hours: t("run.timeHours") };
    return { title: kind === "step" ? t("run.step") : time[unit], end, format: kind === "step" ? formatCount : short };
  }, [t, kind, unit, end]);
  const toggle = (
    <Segments
      label={t("run.axis")}
      options={[
        { id: "step", label: t("run.axisStep") },
        { id: "time", label: t("run.axisTime") },
      ]}
      value={kind}
      onChange={setKind}
    />
  );
  const all = { run, series, kind, x, toggle };
  return (
    <CursorProvider value={cursor}>
      <section aria-label={t("run.charts")} className="grid flex-1 content-start lg:grid-cols-2">
        <div className={cell}>
          <AccuracyChart {...all} />
        </div>
        <div className={cell}>
          <LossChart {...all} />
        </div>
        <div className={cell}>
          <SamplesPanel run={run} samples={series.samples} />
        </div>
        <div className={cell}>
          <SmallCharts {...all} />
        </div>
      </section>
    </CursorProvider>
  );
}

function useAxis({ run, series, kind }: Pick<ChartsProps, "run" | "series" | "kind">) {
  return runAxis(series, kind, run.recipe.schedule.steps, isActive(run));
}

function AccuracyChart(props: ChartsProps) {
  const { run, series, kind, x, toggle } = props;
  const { t } = useTranslation();
  const { unit, end } = useAxis(props);
  const { evals } = series;
  // Over steps the columns do not matter, and the chart stands still between evaluations.
  const columns = kind === "time" ? series.columns : noColumns;
  const curves = useMemo(() => {
    const from = { columns, evals };
    const axis = { kind, unit, end };
    const isExact = evals.some((metrics) => metrics.exact_match !== null);
    if (isExact) {
      const drawing = { id: "exact_match", label: t("run.exactMatch"), color: color.strict, look: "strong" } as const;
      return [evalCurve(from, axis, "exact_match", drawing, true)];
    }
    const strict = { id: "gsm8k/strict", label: t("run.strict"), color: color.strict, look: "strong" } as const;
    const flexible = { id: "gsm8k/flexible", label: t("run.flexible"), color: color.flexible, look: "dashed" } as const;
    return [
      evalCurve(from, axis, "gsm8k/strict", strict, true),
      evalCurve(from, axis, "gsm8k/flexible", flexible, true),
    ];
  }, [evals, columns, kind, unit, end, t]);
  const isExact = curves[0]?.id === "exact_match";
  const asked = evals.at(-1)?.n;
  const y = useMemo(
    () => ({
      title: asked ? t("run.accuracyUnit", { count: asked }) : "",
      format: share,
      from: 0,
      to: 0.2,
      atMost: 1,
    }),
    [asked, t],
  );
  const empty =
    run.recipe.evaluation.rows === 0
      ? t("run.empty.off")
      : evals.length > 0
        ? t("run.empty.none")
        : t("run.empty.accuracy");
  return (
    <StillChart
      name={isExact ? t("run.exactMatch") : t("run.accuracy")}
      title={isExact ? t("run.exactMatch") : TermAccuracy}
      curves={curves}
      x={x}
      y={y}
      height={280}
      file={run.name}
      empty={empty}
      actions={toggle}
    />
  );
}

const noColumns = newColumns();
const TermAccuracy = <Term name="accuracy" />;
const StillChart = memo(Chart, (a, b) => {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof typeof a>;
  return [...keys].every((key) => key === "actions" || a[key] === b[key]);
});

function LossChart(props: ChartsProps) {
  const { run, series, x } = props;
  const { t } = useTranslation();
  const [isLog, setLog] = useState(false);
  const axis = useAxis(props);
  const train = { id: "train/loss", label: t("run.train"), color: color.train, look: "faint" } as const;
  const smooth = {
    id: "train/loss (smoothed)",
    label: t("run.trainSmooth"),
    color: color.train,
    look: "strong",
  } as const;
  const evaluation = { id: "eval/loss", label: t("run.eval"), color: color.eval, look: "dashed" } as const;
  const curves = [...lossCurves(series, axis, train, smooth), evalCurve(series, axis, "eval/loss", evaluation, false)];
  return (
    <Chart
      name={t("run.loss")}
      title={<Term name="loss" />}
      curves={curves}
      x={x}
      y={{ title: t("run.lossUnit"), format: short, isLog, ...(isLog ? {} : { from: 0 }) }}
      height={280}
      file={run.name}
      marks={alertMarks(series, axis)}
      empty={isActive(run) ? t("run.empty.loss") : t("run.empty.ended")}
      actions={<SmallToggle label={t("run.axisLog")} value={isLog} onChange={setLog} />}
    />
  );
}

function SmallCharts(props: ChartsProps) {
  const { run, series, x } = props;
  const { t } = useTranslation();
  const axis = useAxis(props);
  const charts = [
    { column: "train/grad_norm", name: t("run.gradientNorm"), term: "gradientNorm", color: color.gradient },
    { column: "train/learning_rate", name: t("run.rate"), term: "learningRate", color: color.rate },
    { column: "tokens_per_second", name: t("run.speedName"), term: "tokensPerSecond", color: color.speed },
  ] as const;
  return (
    <div className="flex flex-col">
      {charts.map(({ column, name, term, color }, i) => (
        <Chart
          key={column}
          name={name}
          title={<Term name={term} />}
          curves={[stepCurve(series, axis, column, { id: column, label: name, color, look: "strong" })]}
          x={x}
          y={{ title: "", format: short, from: 0 }}
          height={i === charts.length - 1 ? 132 : 96}
          file={run.name}
          empty={t("run.empty.waiting")}
          isSmall
          hasAxisBelow={i < charts.length - 1}
        />
      ))}
    </div>
  );
}
