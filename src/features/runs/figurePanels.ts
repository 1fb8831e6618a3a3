/** @file Which charts a run's figures fill: those of its objective that it has measured, and no others. Pure. */

import type { EvalMetrics, FigureName } from "../../core/metrics";
import { isPolicy } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { rewardNames } from "../../core/reward";
import type { Columns } from "../../state/seriesColumns";
import type { Curve } from "../../ui/charts/curve";
import type { EvalKey } from "./curves";

export type PanelId =
  | "reward"
  | "components"
  | "spreadless"
  | "kl"
  | "approxKl"
  | "klCoefficient"
  | "entropy"
  | "clip"
  | "lengths"
  | "clipped"
  | "losses"
  | "explained"
  | "temperature"
  | "replay"
  | "preferred"
  | "margins"
  | "rated"
  | "logps";

export type CurveLabel =
  | "reward"
  | "rewardSmooth"
  | "strict"
  | "flexible"
  | "exactMatch"
  | "pass"
  | "train"
  | "trainSmooth"
  | "eval"
  | "mean"
  | "shortest"
  | "longest"
  | "policy"
  | "value"
  | "chosen"
  | "rejected"
  | "clipEither"
  | "clipBelow"
  | "clipAbove"
  | "clipValue"
  | "one";

type Looks = {
  /** One of the interface's words, or a name as the recipe has it. */
  label: { word: CurveLabel } | { name: string };
  color: string;
  look: Curve["look"];
};
/** A figure of the steps; `spread` is the figure that is half the width of its band. */
export type StepsCurve = Looks & { from: "steps"; figure: FigureName; spread?: FigureName; isSmoothed?: boolean };
/** A figure of the evaluations; of a share the standard error is drawn. */
export type EvalsCurve = Looks & { from: "eval"; figure: EvalKey; isShare: boolean };
export type PanelCurve = StepsCurve | EvalsCurve;

export type FigurePanel = {
  id: PanelId;
  /** Drawn large, above the small multiples. */
  isLarge: boolean;
  /** Values are shares: the axis goes from 0, and to 1 at most. */
  isShare: boolean;
  curves: PanelCurve[];
};

const color = (index: number) => `var(--series-${index})`;
/** Not the colours that accuracy has on the chart beside. */
const componentColors = [3, 4, 5, 7, 8, 1, 2, 6];
/** Not those of training and evaluation. */
const dimensionColors = [4, 5, 6, 7, 8, 2];

type Seen = { columns: Columns; evals: readonly EvalMetrics[]; recipe: Recipe };

const panel = (
  id: PanelId,
  curves: PanelCurve[],
  kind: "share" | "number" = "number",
  isLarge = false,
): FigurePanel => ({
  id,
  isLarge,
  isShare: kind === "share",
  curves,
});

const line = (
  figure: FigureName,
  at: number,
  word: CurveLabel = "one",
  look: Curve["look"] = "strong",
): StepsCurve => ({
  from: "steps",
  figure,
  label: { word },
  color: color(at),
  look,
});

const asked = (figure: EvalKey, at: number, word: CurveLabel, look: Curve["look"], isShare = true): EvalsCurve => ({
  from: "eval",
  figure,
  label: { word },
  color: color(at),
  look,
  isShare,
});

/** What a batch and the held-out pairs say of the same. */
const besideEvaluation = (figure: "rewards/accuracies" | "rewards/margins"): PanelCurve[] => [
  { ...line(figure, 3, "trainSmooth"), isSmoothed: true },
  asked(figure, 1, "eval", "strong", false),
  line(figure, 3, "train", "faint"),
];

/** Of a reward model with several dimensions, each one's own. */
function byDimension({ recipe: { objective } }: Seen, what: "accuracy" | "margin"): PanelCurve[] {
  if (objective.kind !== "reward" || objective.dimensions.length < 2) return [];
  return objective.dimensions.map(({ name }, i) => ({
    from: "steps",
    figure: `rewards/${name}/${what}`,
    label: { name },
    color: color(dimensionColors[i % dimensionColors.length] ?? 4),
    look: i < dimensionColors.length ? "strong" : "dashed",
    isSmoothed: true,
  }));
}

/** The reward beside what it stands for: where one rises and the other does not, it is being gamed. */
const rewardPanel = (): FigurePanel =>
  panel(
    "reward",
    [
      { ...line("reward", 6, "rewardSmooth"), isSmoothed: true },
      asked("gsm8k/strict", 1, "strict", "strong"),
      asked("gsm8k/flexible", 2, "flexible", "dashed"),
      asked("exact_match", 1, "exactMatch", "strong"),
      asked("gsm8k/pass", 4, "pass", "dashed"),
      { ...line("reward", 6, "reward", "faint"), spread: "reward_std" },
    ],
    "number",
    true,
  );

function componentsPanel({ recipe: { objective } }: Seen): FigurePanel {
  const names = isPolicy(objective) ? rewardNames(objective.rewards) : [];
  const curves = names.map(
    (name, i): PanelCurve => ({
      from: "steps",
      figure: `rewards/${name}/mean`,
      label: { name },
      color: color(componentColors[i % componentColors.length] ?? 1),
      look: i < componentColors.length ? "strong" : "dashed",
    }),
  );
  return panel("components", curves, "number", true);
}

/** A temperature that stays is the recipe's own, and no curve. */
function temperaturePanel({ recipe: { objective } }: Seen): FigurePanel {
  const moves = isPolicy(objective) && objective.sampling.temperature.start !== objective.sampling.temperature.end;
  return panel("temperature", moves ? [line("sampling/temperature", 6)] : []);
}

function all(seen: Seen): FigurePanel[] {
  return [
    rewardPanel(),
    componentsPanel(seen),
    panel("preferred", [...besideEvaluation("rewards/accuracies"), ...byDimension(seen, "accuracy")], "share", true),
    panel("margins", [...besideEvaluation("rewards/margins"), ...byDimension(seen, "margin")], "number", true),
    // elsewhere an answer is not pushed by how it compares with the others of its group
    panel("spreadless", seen.recipe.objective.kind === "grpo" ? [line("frac_reward_zero_std", 2)] : [], "share"),
    panel("kl", [line("kl", 1)]),
    panel("approxKl", [line("policy/approx_kl", 2)]),
    panel("klCoefficient", [line("kl_coefficient", 5)]),
    panel("entropy", [line("entropy", 4)]),
    panel(
      "clip",
      [
        line("clip_ratio/region_mean", 1, "clipEither"),
        line("clip_ratio/low_mean", 2, "clipBelow", "dashed"),
        line("clip_ratio/high_mean", 3, "clipAbove"),
        line("value/clip_ratio", 5, "clipValue", "dashed"),
      ],
      "share",
    ),
    panel("lengths", [
      line("completions/mean_length", 3, "mean"),
      line("completions/min_length", 8, "shortest", "faint"),
      line("completions/max_length", 8, "longest", "dashed"),
    ]),
    panel("clipped", [line("completions/clipped_ratio", 2)], "share"),
    panel("losses", [line("loss/policy", 3, "policy"), line("loss/value", 4, "value")]),
    panel("explained", [line("value/explained_variance", 1)]),
    panel("rated", [line("rewards/chosen", 3, "chosen"), line("rewards/rejected", 2, "rejected", "dashed")]),
    panel("logps", [line("logps/chosen", 3, "chosen"), line("logps/rejected", 2, "rejected", "dashed")]),
    temperaturePanel(seen),
    panel("replay", [line("replay/share", 5)], "share"),
  ];
}

const isFinite = (value: number | null | undefined) => value !== null && value !== undefined && Number.isFinite(value);

/** The panels in their order, each with the curves that have a value; panels of figures never measured are left out. */
export function figurePanels(seen: Seen): FigurePanel[] {
  const { columns, evals } = seen;
  const has = (curve: PanelCurve) =>
    curve.from === "eval"
      ? evals.some((metrics) => isFinite(metrics[curve.figure]))
      : (columns.figures[curve.figure]?.some(Number.isFinite) ?? false);
  return all(seen)
    .map((one) => ({ ...one, curves: one.curves.filter(has) }))
    .filter(({ curves }) => curves.some(({ from }) => from === "steps"));
}

/** Of the latest step's groups, how many had no spread, and of how many; null where that is not measured or says nothing. */
export function spreadlessGroups({ objective }: Recipe, share: number | null): { count: number; of: number } | null {
  if (share === null || objective.kind !== "grpo") return null;
  const of = objective.prompts;
  return { count: Math.round(Math.min(1, Math.max(0, share)) * of), of };
}
