/** @file The charts of rewards and preferences, for runs that measure any: the reward beside accuracy, then what is behind it. */

import type { TFunction } from "i18next";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { EvalMetrics, RewardChange } from "../../core/metrics";
import { isPolicy } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { type Columns, latestFigure, newColumns } from "../../state/seriesColumns";
import { Chart } from "../../ui/charts/Chart";
import type { Curve } from "../../ui/charts/curve";
import { smooth } from "../../ui/charts/smooth";
import { formatNumber } from "../../ui/formatQuantity";
import { Term, type TermName } from "../../ui/Term";
import { changeMarks, evalCurve, figureCurve, type RunAxis, smoothingOf, stageMarks } from "./curves";
import { type FigurePanel, figurePanels, type PanelCurve, type PanelId, spreadlessGroups } from "./figurePanels";
import type { PanelAxis } from "./RunPanels";

const termOf: Record<PanelId, TermName> = {
  reward: "reward",
  components: "rewardComponents",
  spreadless: "zeroSpread",
  kl: "kl",
  approxKl: "approxKl",
  klCoefficient: "klCoefficient",
  entropy: "policyEntropy",
  clip: "clipRatio",
  lengths: "answerLength",
  clipped: "answersCut",
  losses: "policyLosses",
  explained: "explainedVariance",
  temperature: "temperature",
  replay: "replay",
  preferred: "preferenceAccuracy",
  margins: "margin",
  rated: "pairRewards",
  logps: "logps",
};

type FigureProps = {
  name: string;
  recipe: Recipe;
  /** Rewards that were mended on the way. */
  changes?: readonly RewardChange[] | undefined;
  along: PanelAxis;
  columns: Columns;
  evals: readonly EvalMetrics[];
};

/** Nothing where the run measures none of it. */
export function FigurePanels(props: FigureProps) {
  const { columns, evals, recipe } = props;
  const { t } = useTranslation();
  const panels = figurePanels({ columns, evals, recipe });
  if (panels.length === 0) return null;
  const [large, small] = [panels.filter(({ isLarge }) => isLarge), panels.filter(({ isLarge }) => !isLarge)];
  return (
    <section
      aria-label={t(isPolicy(recipe.objective) ? "figures.title" : "figures.preferences")}
      className="border-b border-line"
    >
      <div className="grid lg:grid-cols-2">
        {large.map((panel) => (
          <div
            key={panel.id}
            className="min-w-0 border-line py-2 only:col-span-full max-lg:border-b lg:border-b lg:odd:not-last:border-r"
          >
            <FigureChart {...props} panel={panel} />
          </div>
        ))}
      </div>
      <div className="grid sm:grid-cols-2 lg:grid-cols-3">
        {small.map((panel) => (
          <div key={panel.id} className="min-w-0 py-1">
            <FigureChart {...props} panel={panel} />
            {panel.id === "spreadless" && <Spreadless recipe={recipe} columns={columns} />}
          </div>
        ))}
      </div>
    </section>
  );
}

function wordsOf(t: TFunction, { id }: FigurePanel, { label }: PanelCurve, evals: readonly EvalMetrics[]): string {
  if ("name" in label) return label.name;
  if (label.word === "one") return t(`figures.names.${id}`);
  if (label.word !== "pass") return t(`figures.curves.${label.word}`);
  return t("figures.curves.pass", { count: evals.findLast(({ pass_at: k }) => k !== undefined)?.pass_at ?? 1 });
}

/** KTO's divergence is of whole answers. */
const unitOf = ({ id }: FigurePanel, { objective }: Recipe) =>
  id === "kl" && objective.kind === "kto" ? "klOfAnswers" : id;

type Source = Pick<FigureProps, "columns" | "evals" | "recipe">;

function drawCurve({ columns, evals, recipe }: Source, axis: RunAxis, curve: PanelCurve, label: string): Curve {
  const { color, look, figure } = curve;
  const drawing = { id: figure, label, color, look };
  if (curve.from === "eval") {
    const id = figure.startsWith("rewards/") ? `eval/${figure}` : figure;
    return evalCurve({ columns, evals }, axis, curve.figure, { ...drawing, id }, curve.isShare);
  }
  const line = figureCurve(columns, axis, curve.figure, drawing, curve.spread);
  if (!curve.isSmoothed) return line;
  return { ...line, id: `${figure} (smoothed)`, y: smooth(line.y, smoothingOf(recipe.schedule.steps)) };
}

/** Of one kind and colours, so that what has not grown is not drawn again. */
const samePanel = (a: FigurePanel, b: FigurePanel) =>
  a.id === b.id &&
  a.curves.length === b.curves.length &&
  a.curves.every((curve, i) => curve.figure === b.curves[i]?.figure && curve.from === b.curves[i].from);

const FigureChart = memo(
  function FigureChart({ name, recipe, changes, along, columns, evals, panel }: FigureProps & { panel: FigurePanel }) {
    const { t } = useTranslation();
    const { axis, x } = along;
    const { id, isLarge, isShare } = panel;
    const curves = useMemo(() => {
      const from = { columns, evals, recipe };
      return panel.curves.map((curve) => drawCurve(from, axis, curve, wordsOf(t, panel, curve, evals)));
    }, [panel, columns, evals, recipe, axis, t]);
    const marks = useMemo(() => {
      const sides = [t("figures.imitation"), t("figures.rewards")] as const;
      const known = axis.kind === "time" ? columns : noColumns;
      const stages = stageMarks(known, axis, recipe, isLarge ? sides : undefined);
      return [...stages, ...changeMarks(known, axis, changes ?? [])];
    }, [axis, columns, recipe, changes, isLarge, t]);
    const label = t(`figures.names.${id}`);
    return (
      <Chart
        name={label}
        title={<Term name={termOf[id]} />}
        curves={curves}
        x={x}
        y={{
          title: t(`figures.units.${unitOf(panel, recipe)}`),
          format: formats[id] ?? short,
          ...(isShare ? { from: 0, to: 0.2, atMost: 1 } : {}),
        }}
        height={isLarge ? 280 : 150}
        file={name}
        marks={marks}
        empty=""
        isSmall={!isLarge && curves.length === 1}
      />
    );
  },
  (a, b) =>
    samePanel(a.panel, b.panel) &&
    a.along === b.along &&
    a.columns === b.columns &&
    a.evals === b.evals &&
    a.name === b.name &&
    a.changes === b.changes &&
    a.recipe === b.recipe,
);

const noColumns = newColumns();
const hundredths = (value: number) => value.toFixed(2);
const short = (value: number) => formatNumber(value, 3);
/** The coefficient moves by a thousandth of itself at a time. */
const formats: Partial<Record<PanelId, (value: number) => string>> = {
  reward: hundredths,
  klCoefficient: (value) => formatNumber(value, 5),
};

/** What the latest share of groups without spread means. */
function Spreadless({ recipe, columns }: { recipe: Recipe; columns: Columns }) {
  const { t } = useTranslation();
  const groups = spreadlessGroups(recipe, latestFigure(columns, "frac_reward_zero_std"));
  if (!groups) return null;
  const { count, of } = groups;
  const word = count === 0 ? "none" : count === of ? "all" : "some";
  const step = columns.step.at(-1) ?? 0;
  return <p className="px-4 pb-2 text-xs text-muted">{t(`figures.spreadless.${word}`, { count, of, step })}</p>;
}
