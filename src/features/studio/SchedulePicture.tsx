/** @file The learning rate over the run, stage by stage, with the steps that are evaluated marked below. */

import { useTranslation } from "react-i18next";
import { type Recipe, stepsInAll } from "../../core/recipe";
import { type Stage, stagesOf } from "../../core/stages";
import { formatCount } from "../../ui/formatQuantity";
import { writeNumber } from "../../ui/NumberField";

const width = 300;
const height = 96;
/** Points of a stage's line: enough for the bend of a cosine. */
const points = 120;

/** The shape of the schedule as a share of its peak. */
function factorAt({ kind, steps, warmupSteps }: Recipe["schedule"], step: number): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const left = 1 - (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  if (kind === "constant") return 1;
  return kind === "linear" ? left : 0.5 * (1 - Math.cos(Math.PI * left));
}

const peakOf = ({ recipe }: Stage) => recipe.optimizer.learningRate;

/** Held-out rows are asked every so often, and at what the next stage sets out from. */
function evaluatedSteps({ evaluation, sftFirst }: Recipe, steps: number): number[] {
  const { every, rows, lossRows } = evaluation;
  const count = Math.floor(steps / every);
  if (rows + lossRows === 0 || count > 100) return [];
  const regular = Array.from({ length: count + 1 }, (_, i) => i * every);
  return [...new Set([...regular, ...(sftFirst ? [sftFirst.steps] : [])])];
}

export function SchedulePicture({ recipe }: { recipe: Recipe }) {
  const { t } = useTranslation();
  const stages = stagesOf(recipe);
  const all = stepsInAll(recipe);
  const peak = Math.max(...stages.map(peakOf));
  const x = (step: number) => (step / all) * width;
  const lineOf = (stage: Stage) => {
    const { schedule } = stage.recipe;
    const share = peak > 0 ? peakOf(stage) / peak : 0;
    return Array.from({ length: points + 1 }, (_, i) => {
      const step = (i / points) * schedule.steps;
      const y = height - factorAt(schedule, step) * share * (height - 4);
      return `${x(stage.from + step).toFixed(1)},${y.toFixed(1)}`;
    }).join(" ");
  };
  const kindOf = (stage: Stage) => t(`studio.objective.kind.${stage.recipe.objective.kind}`);
  const label = stages.map((stage) => {
    const { schedule } = stage.recipe;
    const words = t("studio.train.schedule", {
      steps: formatCount(schedule.steps),
      peak: writeNumber(peakOf(stage)),
      warmup: formatCount(schedule.warmupSteps),
      kind: t(`studio.kind.${schedule.kind}`),
    });
    return stages.length > 1 ? `${kindOf(stage)}: ${words}` : words;
  });
  const evaluated = evaluatedSteps(recipe, all);
  return (
    <figure className="flex flex-col gap-1">
      {stages.length > 1 && (
        <div aria-hidden="true" className="flex justify-between gap-3 text-xs">
          {stages.map((stage, i) => (
            <span key={stage.from} className="flex items-center gap-1.5 text-faint">
              <span className={`h-0.5 w-3 shrink-0 ${i === 0 ? "bg-series-3" : "bg-series-1"}`} />
              {t("studio.train.stage", { kind: kindOf(stage), count: stage.recipe.schedule.steps })}
            </span>
          ))}
        </div>
      )}
      <svg
        role="img"
        aria-label={label.join(". ")}
        viewBox={`-2 -2 ${width + 4} ${height + 10}`}
        preserveAspectRatio="none"
        className="h-26 w-full"
      >
        <line x1={0} x2={width} y1={height} y2={height} className="stroke-line" vectorEffect="non-scaling-stroke" />
        {stages.slice(1).map(({ from }) => (
          <line
            key={from}
            x1={x(from)}
            x2={x(from)}
            y1={0}
            y2={height}
            className="stroke-edge"
            strokeDasharray="3 3"
            vectorEffect="non-scaling-stroke"
          />
        ))}
        {stages.map((stage, i) => (
          <polyline
            key={stage.from}
            points={lineOf(stage)}
            fill="none"
            strokeWidth={1.5}
            className={i < stages.length - 1 ? "stroke-series-3" : "stroke-series-1"}
            vectorEffect="non-scaling-stroke"
          />
        ))}
        {evaluated.map((step) => (
          <line
            key={step}
            x1={x(step)}
            x2={x(step)}
            y1={height + 2}
            y2={height + 7}
            className="stroke-series-3"
            strokeWidth={1.5}
            vectorEffect="non-scaling-stroke"
          />
        ))}
      </svg>
      <figcaption className="flex justify-between font-mono text-xs text-faint">
        <span>{t("studio.train.peak", { rate: writeNumber(peak) })}</span>
        <span className="font-sans">{evaluated.length > 0 ? t("studio.train.evaluations") : ""}</span>
        <span>{t("studio.train.step", { step: formatCount(all) })}</span>
      </figcaption>
    </figure>
  );
}
