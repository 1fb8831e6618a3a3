/** @file The fourth step: how long, how fast, how much memory, and how it is measured. */

import { useTranslation } from "react-i18next";
import type { Plan } from "../../core/engine";
import { isPolicy } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { usePlan } from "../../state/plan";
import { Badge, type Tone } from "../../ui/Badge";
import { formatBytes, formatDuration, formatNumber } from "../../ui/formatQuantity";
import { NumberField } from "../../ui/NumberField";
import { Term } from "../../ui/Term";
import { changeSection } from "./changeSection";
import { SchedulePicture } from "./SchedulePicture";
import { Figure, StepCard } from "./StepCard";

const tones: Record<Plan["memory"]["verdict"], Tone> = { fits: "good", tight: "warn", "too large": "bad" };
const verdicts = { fits: "fits", tight: "tight", "too large": "tooLarge" } as const;
const scorings = { gsm8k: "scoringGsm8k", "exact-match": "scoringExact", none: "scoringNone" } as const;

export function TrainCard({ recipe, draft, error }: { recipe: Recipe; draft: Recipe; error: string | undefined }) {
  const { t } = useTranslation();
  const { value: plan } = usePlan();
  const { objective } = recipe;
  return (
    <StepCard
      number={4}
      title={t("studio.train.title")}
      controls={
        <NumberField
          term="steps"
          hideLabel
          unit={t("studio.unit.steps")}
          value={draft.schedule.steps}
          step={50}
          error={error}
          onChange={(steps) => changeSection("schedule", { steps })}
        />
      }
      line={
        <>
          {isPolicy(objective)
            ? t("studio.train.lineWritten", { prompts: objective.prompts, answers: objective.completions })
            : plan &&
              t("studio.train.line", {
                rows: recipe.batching.rows * recipe.batching.accumulation,
                epochs: formatNumber(plan.epochs, 2),
              })}
          {recipe.sftFirst && (
            <span className="block">{t("studio.train.imitation", { count: recipe.sftFirst.steps })}</span>
          )}
        </>
      }
    >
      <SchedulePicture recipe={recipe} />
      {plan && (
        <>
          <dl className="mt-2">
            <Figure label={<Term name="time" />}>
              {plan.seconds === null ? (
                <span className="font-sans text-muted">{t("studio.train.timeUnknown")}</span>
              ) : (
                t("studio.train.time", { time: formatDuration(plan.seconds) })
              )}
            </Figure>
            <Figure label={<Term name="memory" />}>
              {t("studio.train.memory", {
                needed: formatBytes(plan.memory.needed),
                available: formatBytes(plan.memory.available),
              })}{" "}
              <Badge tone={tones[plan.memory.verdict]}>{t(`studio.train.${verdicts[plan.memory.verdict]}`)}</Badge>
            </Figure>
          </dl>
          {plan.memory.recompute && <p className="text-xs text-muted">{t("studio.train.recompute")}</p>}
          {plan.memory.verdict === "too large" && (
            <p role="status" className="text-xs text-bad">
              {t(`studio.train.tooLargeFor.${plan.memory.part}`)}
            </p>
          )}
          <p className="mt-1 text-xs text-muted">{t(`studio.train.${scorings[plan.scoring]}`)}</p>
        </>
      )}
    </StepCard>
  );
}
