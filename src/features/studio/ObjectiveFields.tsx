/** @file The settings of an objective that are worth changing before a first run. */

import { useTranslation } from "react-i18next";
import { firstImitation, firstObjective } from "../../core/firstSettings";
import { newObjective, newSampledPairs, type ObjectiveOf, rowsOf } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { lackOf, recipeForObjective } from "../../core/recipeForObjective";
import { usePlan } from "../../state/plan";
import { changeRecipe } from "../../state/studio";
import { formatBytes } from "../../ui/formatQuantity";
import { Select } from "../../ui/Select";
import { changeObjective, parametersOf, useMapping } from "./objectiveChoices";
import { PathEntry } from "./PathEntry";
import { useFieldError } from "./RecipeEntry";
import { RewardDimensions } from "./RewardDimensions";
import { Toggle } from "./Toggle";

export function ObjectiveFields({ draft }: { draft: Recipe }) {
  const { objective } = draft;
  const isWide = rowsOf(objective) !== "prompts";
  return (
    <div
      className={`grid grid-cols-2 items-start gap-x-4 gap-y-3 ${isWide ? "md:grid-cols-4" : "md:grid-cols-4 xl:grid-cols-2"}`}
    >
      {objective.kind === "dpo" && <DpoFields objective={objective} source={draft.data.source} />}
      {objective.kind === "kto" && <KtoFields />}
      {objective.kind === "reward" && <RewardFields objective={objective} />}
      {objective.kind === "grpo" && (
        <>
          <AnswerFields />
          <GrpoFields objective={objective} />
        </>
      )}
      {objective.kind === "ppo" && (
        <>
          <AnswerFields />
          <PathEntry path="objective.kl.coefficient" term="klCoefficient" step="double" />
          <PathEntry path="objective.updates" term="updates" />
          <ReplayToggle objective={objective} />
        </>
      )}
      {objective.kind === "rejection" && (
        <>
          <AnswerFields />
          <RejectionFields objective={objective} />
        </>
      )}
      {rowsOf(objective) === "prompts" && <FirstFields sftFirst={draft.sftFirst} />}
    </div>
  );
}

function AnswerFields() {
  return (
    <>
      <PathEntry path="objective.prompts" term="rolloutPrompts" unit="prompts" />
      <PathEntry path="objective.completions" term="completions" unit="answers" />
      <PathEntry path="objective.sampling.temperature.start" term="temperatureStart" step={0.1} />
      <PathEntry path="objective.sampling.maxTokens" term="maxTokens" unit="tokens" step={16} />
      <AnswersTooLarge />
    </>
  );
}

/** Said where it is to be changed: so many answers of such a length do not fit. */
function AnswersTooLarge() {
  const { t } = useTranslation();
  const memory = usePlan(({ value }) => value?.memory);
  if (memory?.verdict !== "too large" || memory.part !== "answers") return null;
  return (
    <p role="alert" className="col-span-full text-xs text-bad">
      {t("studio.train.memory", { needed: formatBytes(memory.needed), available: formatBytes(memory.available) })}{" "}
      {t("studio.train.tooLarge")}. {t("studio.train.tooLargeFor.answers")}
    </p>
  );
}

function DpoFields({ objective, source }: { objective: ObjectiveOf<"dpo">; source: string }) {
  const { t } = useTranslation();
  const { sampled, ...rest } = objective;
  const mapping = useMapping(source);
  const hasPairs = lackOf(rest, mapping) === null;
  return (
    <>
      <Select
        term="preferenceLoss"
        value={objective.loss}
        options={(["sigmoid", "ipo", "hinge"] as const).map((id) => ({ id, label: t(`studio.preferenceLoss.${id}`) }))}
        onChange={(loss) => changeObjective("dpo", { loss })}
      />
      <PathEntry path="objective.beta" term="preferenceBeta" step="double" />
      <PathEntry path="objective.labelSmoothing" term="labelSmoothing" step={0.05} />
      {(hasPairs || !sampled) && (
        <Toggle
          term="sampledPairs"
          value={sampled !== undefined}
          onChange={(isOn) =>
            changeRecipe((draft) => {
              const parameters = parametersOf(draft);
              const begun = firstObjective(newObjective("dpo", { sampled: newSampledPairs() }), parameters ?? 0);
              const sampled = begun.kind === "dpo" ? begun.sampled : undefined;
              return recipeForObjective(draft, isOn && sampled ? { ...rest, sampled } : rest, parameters);
            })
          }
        />
      )}
      {sampled && (
        <>
          <PathEntry path="objective.sampled.pairs" term="pairCount" unit="pairs" step={50} />
          <PathEntry path="objective.sampled.completions" term="completions" unit="answers" />
          <PathEntry path="objective.sampled.sampling.temperature.start" term="temperatureStart" step={0.1} />
          <PathEntry path="objective.sampled.sampling.maxTokens" term="maxTokens" unit="tokens" step={16} />
          <AnswersTooLarge />
        </>
      )}
    </>
  );
}

function KtoFields() {
  return (
    <>
      <PathEntry path="objective.beta" term="preferenceBeta" step="double" />
      <PathEntry path="objective.desirableWeight" term="desirableWeight" step={0.1} />
      <PathEntry path="objective.undesirableWeight" term="undesirableWeight" step={0.1} />
    </>
  );
}

function RewardFields({ objective }: { objective: ObjectiveOf<"reward"> }) {
  const { t } = useTranslation();
  return (
    <>
      <Select
        term="rewardLoss"
        value={objective.loss}
        options={(["bradley-terry", "triplet"] as const).map((id) => ({ id, label: t(`studio.rewardLoss.${id}`) }))}
        onChange={(loss) => changeObjective("reward", { loss })}
      />
      <PathEntry path="objective.margin" term="rewardMargin" step={0.1} />
      <RewardDimensions dimensions={objective.dimensions} />
    </>
  );
}

function GrpoFields({ objective }: { objective: ObjectiveOf<"grpo"> }) {
  const { t } = useTranslation();
  return (
    <>
      <Select
        term="grpoLoss"
        value={objective.loss}
        options={(["dapo", "grpo", "bnpo", "dr_grpo"] as const).map((id) => ({
          id,
          label: t(`studio.grpoLoss.${id}`),
        }))}
        onChange={(loss) => changeObjective("grpo", { loss })}
      />
      <Select
        term="scaleRewards"
        value={objective.scaleRewards}
        options={(["group", "batch", "none"] as const).map((id) => ({ id, label: t(`studio.scaleRewards.${id}`) }))}
        onChange={(scaleRewards) => changeObjective("grpo", { scaleRewards })}
      />
    </>
  );
}

function ReplayToggle({ objective: { replay, ...rest } }: { objective: ObjectiveOf<"ppo"> }) {
  return (
    <Toggle
      term="replayOn"
      value={replay !== undefined}
      onChange={(isOn) =>
        changeRecipe((draft) => ({
          ...draft,
          objective: isOn ? { ...rest, replay: { capacity: 512, share: 0.25 } } : rest,
        }))
      }
    />
  );
}

function RejectionFields({ objective }: { objective: ObjectiveOf<"rejection"> }) {
  const { t } = useTranslation();
  return (
    <>
      <Select
        term="keepAnswers"
        value={objective.keep}
        options={(["all", "best"] as const).map((id) => ({ id, label: t(`studio.keepAnswers.${id}`) }))}
        onChange={(keep) => changeObjective("rejection", { keep })}
      />
      <PathEntry path="objective.threshold" term="threshold" step={0.1} />
    </>
  );
}

function FirstFields({ sftFirst }: Pick<Recipe, "sftFirst">) {
  const error = useFieldError("sftFirst");
  return (
    <>
      <div className="col-span-full border-t border-line pt-3">
        <Toggle
          term="sftFirst"
          value={sftFirst !== undefined}
          onChange={(isOn) =>
            changeRecipe(({ sftFirst: _, ...draft }) => {
              if (!isOn) return draft;
              return { ...draft, sftFirst: firstImitation(draft.adaptation, parametersOf(draft) ?? 0) };
            })
          }
        />
        {error && (
          <p role="alert" className="text-xs text-bad">
            {error}
          </p>
        )}
      </div>
      {sftFirst && (
        <>
          <PathEntry path="sftFirst.rows" term="sftRows" unit="rows" step={50} />
          <PathEntry path="sftFirst.steps" term="sftSteps" unit="steps" step={50} />
          <PathEntry path="sftFirst.learningRate" term="sftRate" step="double" />
        </>
      )}
    </>
  );
}
