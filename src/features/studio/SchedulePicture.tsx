/** @file The learning rate over the run, with the steps that are evaluated marked below. */

import { useTranslation } from "react-i18next";
import type { Recipe } from "../../core/recipe";
import { formatCount } from "../../ui/formatQuantity";
import { writeNumber } from "../../ui/NumberField";

const width = 300;
const height = 96;

/** The shape of the schedule as a share of its peak. */
function factorAt({ kind, steps, warmupSteps }: Recipe["schedule"], step: number): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const left = 1 - (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  if (kind === "constant") return 1;
  return kind === "linear" ? left : 0.5 * (1 - Math.cos(Math.PI * left));
}

export function SchedulePicture({ recipe }: { recipe: Recipe }) {
  const { t } = useTranslation();
  const { schedule, evaluation, optimizer } = recipe;
  const x = (step: number) => (step / schedule.steps) * width;
  const points = Array.from({ length: 121 }, (_, i) => {
    const step = (i / 120) * schedule.steps;
    return `${x(step).toFixed(1)},${(height - factorAt(schedule, step) * (height - 4)).toFixed(1)}`;
  });
  const marks = Math.floor(schedule.steps / evaluation.every);
  const evaluated = evaluation.rows + evaluation.lossRows > 0 && marks <= 100;
  const words = {
    steps: formatCount(schedule.steps),
    peak: writeNumber(optimizer.learningRate),
    warmup: formatCount(schedule.warmupSteps),
    kind: t(`studio.kind.${schedule.kind}`),
  };
  return (
    <figure className="flex flex-col gap-1">
      <svg
        role="img"
        aria-label={t("studio.train.schedule", words)}
        viewBox={`-2 -2 ${width + 4} ${height + 10}`}
        preserveAspectRatio="none"
        className="h-26 w-full"
      >
        <line x1={0} x2={width} y1={height} y2={height} className="stroke-line" vectorEffect="non-scaling-stroke" />
        <polyline
          points={points.join(" ")}
          fill="none"
          strokeWidth={1.5}
          className="stroke-series-1"
          vectorEffect="non-scaling-stroke"
        />
        {evaluated &&
          Array.from({ length: marks + 1 }, (_, i) => (
            <line
              key={i}
              x1={x(i * evaluation.every)}
              x2={x(i * evaluation.every)}
              y1={height + 2}
              y2={height + 7}
              className="stroke-series-3"
              strokeWidth={1.5}
              vectorEffect="non-scaling-stroke"
            />
          ))}
      </svg>
      <figcaption className="flex justify-between font-mono text-xs text-faint">
        <span>{t("studio.train.peak", { rate: words.peak })}</span>
        <span className="font-sans">{evaluated ? t("studio.train.evaluations") : ""}</span>
        <span>{t("studio.train.step", { step: words.steps })}</span>
      </figcaption>
    </figure>
  );
}
