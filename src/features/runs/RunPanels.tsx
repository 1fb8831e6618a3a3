/** @file The charts of a run. Each is drawn again only when the part of the series it shows has grown. */

import { memo, type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Alert, EvalMetrics } from "../../core/metrics";
import { isPolicy } from "../../core/objective";
import { type Recipe, stepsInAll } from "../../core/recipe";
import { type Columns, newColumns } from "../../state/seriesColumns";
import { Chart, type ChartAxis } from "../../ui/charts/Chart";
import { SmallToggle } from "../../ui/charts/Segments";
import { formatNumber } from "../../ui/formatQuantity";
import { Term } from "../../ui/Term";
import { alertMarks, evalCurve, lossCurves, type RunAxis, smoothingOf, stageMarks, stepCurve } from "./curves";

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

/** Elements that stay the same object stay as they are on the page. */
const accuracyTitle = <Term name="accuracy" />;
const lossTitle = <Term name="loss" />;
const noColumns = newColumns();

export type PanelAxis = { axis: RunAxis; x: ChartAxis };
export type PanelProps = { name: string; recipe: Recipe; isLive: boolean; along: PanelAxis };

type AccuracyProps = PanelProps & {
  evals: readonly EvalMetrics[];
  /** Over steps they do not matter, and the chart stands still between evaluations: null then. */
  columns: Columns | null;
  toggle: ReactNode;
};

export const AccuracyPanel = memo(function AccuracyPanel(props: AccuracyProps) {
  const { name, recipe, along, evals, columns, toggle } = props;
  const { axis, x } = along;
  const { t } = useTranslation();
  const isExact = evals.some((metrics) => metrics.exact_match !== null);
  const curves = useMemo(() => {
    const from = { columns: columns ?? noColumns, evals };
    if (isExact) {
      const exact = { id: "exact_match", label: t("run.exactMatch"), color: color.strict, look: "strong" } as const;
      return [evalCurve(from, axis, "exact_match", exact, true)];
    }
    const strict = { id: "gsm8k/strict", label: t("run.strict"), color: color.strict, look: "strong" } as const;
    const flexible = { id: "gsm8k/flexible", label: t("run.flexible"), color: color.flexible, look: "dashed" } as const;
    return [
      evalCurve(from, axis, "gsm8k/strict", strict, true),
      evalCurve(from, axis, "gsm8k/flexible", flexible, true),
    ];
  }, [evals, columns, axis, isExact, t]);
  const asked = evals.at(-1)?.n;
  const empty = recipe.evaluation.rows === 0 ? "off" : evals.length > 0 ? "none" : "accuracy";
  return (
    <Chart
      name={isExact ? t("run.exactMatch") : t("run.accuracy")}
      title={isExact ? t("run.exactMatch") : accuracyTitle}
      curves={curves}
      x={x}
      y={{
        title: asked ? t("run.accuracyUnit", { count: asked }) : "",
        format: share,
        from: 0,
        to: 0.2,
        atMost: 1,
      }}
      height={280}
      file={name}
      empty={t(`run.empty.${empty}`)}
      actions={toggle}
    />
  );
});

type LossProps = PanelProps & { columns: Columns; evals: readonly EvalMetrics[]; alerts: readonly Alert[] };

export const LossPanel = memo(function LossPanel(props: LossProps) {
  const { name, recipe, isLive, along, columns, evals, alerts } = props;
  const { axis, x } = along;
  const { t } = useTranslation();
  const [isLog, setLog] = useState(false);
  const steps = stepsInAll(recipe);
  const [isSft, isSigned] = [recipe.objective.kind === "sft", isPolicy(recipe.objective)];
  const training = useMemo(() => {
    const raw = { id: "train/loss", label: t("run.train"), color: color.train, look: "faint" } as const;
    const smoothed = {
      id: "train/loss (smoothed)",
      label: t("run.trainSmooth"),
      color: color.train,
      look: "strong",
    } as const;
    return lossCurves(columns, axis, smoothingOf(steps), raw, smoothed);
  }, [columns, axis, steps, t]);
  // Over steps an evaluation's place does not depend on the columns.
  const places = axis.kind === "time" ? columns : noColumns;
  const evaluation = useMemo(() => {
    const drawing = { id: "eval/loss", label: t("run.eval"), color: color.eval, look: "dashed" } as const;
    return evalCurve({ columns: places, evals }, axis, "eval/loss", drawing, false);
  }, [places, evals, axis, t]);
  const marks = useMemo(
    () => [...alertMarks({ columns: places, alerts }, axis), ...stageMarks(places, axis, recipe)],
    [places, alerts, axis, recipe],
  );
  const log = useMemo(() => <SmallToggle label={t("run.axisLog")} value={isLog} onChange={setLog} />, [t, isLog]);
  return (
    <Chart
      name={t("run.loss")}
      title={lossTitle}
      curves={[...training, evaluation]}
      x={x}
      y={{ title: isSft ? t("run.lossUnit") : "", format: short, isLog, ...(isLog || isSigned ? {} : { from: 0 }) }}
      height={280}
      file={name}
      marks={marks}
      empty={t(isLive ? "run.empty.loss" : "run.empty.ended")}
      actions={log}
    />
  );
});

const smallOnes = [
  { column: "train/grad_norm", name: "run.gradientNorm", title: <Term name="gradientNorm" />, color: color.gradient },
  { column: "train/learning_rate", name: "run.rate", title: <Term name="learningRate" />, color: color.rate },
  { column: "tokens_per_second", name: "run.speedName", title: <Term name="tokensPerSecond" />, color: color.speed },
] as const;

const fromZero = { title: "", format: short, from: 0 };

type SmallProps = PanelProps & { columns: Columns };

export function SmallPanels(props: SmallProps) {
  return (
    <div className="flex flex-col">
      <SmallPanel {...props} index={0} />
      <SmallPanel {...props} index={1} />
      <SmallPanel {...props} index={2} />
    </div>
  );
}

const SmallPanel = memo(function SmallPanel({
  name,
  isLive,
  along,
  columns,
  index,
}: SmallProps & { index: 0 | 1 | 2 }) {
  const { t } = useTranslation();
  const { axis, x } = along;
  const { column, name: key, title, color } = smallOnes[index];
  const isLast = index === smallOnes.length - 1;
  const curves = useMemo(
    () => [stepCurve(columns, axis, column, { id: column, label: t(key), color, look: "strong" })],
    [columns, axis, column, color, key, t],
  );
  return (
    <Chart
      name={t(key)}
      title={title}
      curves={curves}
      x={x}
      y={fromZero}
      height={isLast ? 132 : 96}
      file={name}
      empty={t(isLive ? "run.empty.waiting" : "run.empty.ended")}
      isSmall
      hasAxisBelow={!isLast}
    />
  );
});
