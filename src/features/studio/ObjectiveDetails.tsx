/** @file The settings of an objective that are right for most, in the form of the whole recipe. */

import { useTranslation } from "react-i18next";
import { isPolicy, type Objective, type ObjectiveOf } from "../../core/objective";
import { changeRecipe, useStudio } from "../../state/studio";
import { NumberField } from "../../ui/NumberField";
import { Select } from "../../ui/Select";
import { TextArea } from "../../ui/TextField";
import { changeObjective } from "./objectiveChoices";
import { type NumberPath, PathEntry } from "./PathEntry";
import { useFieldError } from "./RecipeEntry";
import { Toggle } from "./Toggle";

export function ObjectiveDetails() {
  const objective = useStudio(({ draft }) => draft.objective);
  switch (objective.kind) {
    case "sft":
      return <SftDetails objective={objective} />;
    case "reward":
      return <PathEntry path="objective.centre" term="centre" step="double" />;
    case "dpo":
      return objective.sampled ? <SamplingDetails objective={objective} /> : <Nothing />;
    case "kto":
      return <Nothing />;
    case "grpo":
      return (
        <>
          <PathEntry path="objective.updates" term="updates" />
          <PathEntry path="objective.beta" term="klBeta" step={0.01} />
          <PathEntry path="objective.clipLow" term="clipLow" step={0.05} />
          <PathEntry path="objective.clipHigh" term="clipHigh" step={0.05} />
          <div className="col-span-full">
            <Toggle
              term="skipZeroSpread"
              value={objective.skipZeroSpread}
              onChange={(skipZeroSpread) => changeObjective("grpo", { skipZeroSpread })}
            />
          </div>
          <SamplingDetails objective={objective} />
        </>
      );
    case "ppo":
      return (
        <>
          <PpoDetails objective={objective} />
          <SamplingDetails objective={objective} />
        </>
      );
    case "rejection":
      return (
        <>
          <PathEntry path="objective.updates" term="updates" />
          <SamplingDetails objective={objective} />
        </>
      );
  }
}

function Nothing() {
  const { t } = useTranslation();
  return <p className="col-span-full text-xs text-muted">{t("studio.objective.noDetails")}</p>;
}

/** A weight of half is as though steps and answer were two halves of the loss. */
const firstStepWeight = 0.5;

function SftDetails({ objective }: { objective: ObjectiveOf<"sft"> }) {
  const { t } = useTranslation();
  const { stepWeight, ...rest } = objective;
  const error = useFieldError("objective.stepWeight");
  return (
    <>
      <Select
        term="lossOn"
        value={objective.lossOn}
        options={(["completion", "all"] as const).map((id) => ({ id, label: t(`studio.lossOn.${id}`) }))}
        onChange={(lossOn) => changeObjective("sft", { lossOn })}
      />
      <div className="flex flex-col gap-2">
        <Toggle
          term="stepWeight"
          value={stepWeight !== undefined}
          onChange={(isOn) =>
            changeRecipe((draft) => ({
              ...draft,
              objective: isOn ? { ...rest, stepWeight: firstStepWeight } : rest,
            }))
          }
        />
        {stepWeight !== undefined && (
          <NumberField
            label={t("terms.stepWeight.word")}
            hideLabel
            value={stepWeight}
            step={0.1}
            error={error}
            onChange={(next) => changeObjective("sft", { stepWeight: next })}
          />
        )}
      </div>
    </>
  );
}

function PpoDetails({ objective }: { objective: ObjectiveOf<"ppo"> }) {
  return (
    <>
      <PathEntry path="objective.gamma" term="gamma" step={0.01} />
      <PathEntry path="objective.lambda" term="gaeLambda" step={0.01} />
      <PathEntry path="objective.clip" term="ppoClip" step={0.05} />
      <PathEntry path="objective.valueClip" term="valueClip" step={0.05} />
      <PathEntry path="objective.valueWeight" term="valueWeight" step={0.1} />
      <PathEntry path="objective.entropyWeight" term="entropyWeight" step={0.01} />
      <PathEntry path="objective.kl.target" term="klTarget" />
      <PathEntry path="objective.kl.horizon" term="klHorizon" unit="answers" step="double" />
      {objective.replay && (
        <>
          <PathEntry path="objective.replay.capacity" term="replayCapacity" unit="answers" step="double" />
          <PathEntry path="objective.replay.share" term="replayShare" step={0.05} />
        </>
      )}
    </>
  );
}

/** How the model writes, beside what the card above has. */
function SamplingDetails({ objective }: { objective: Objective }) {
  const isOwn = isPolicy(objective);
  const at = (field: "temperature.end" | "topK" | "topP" | "minP"): NumberPath =>
    isOwn ? `objective.sampling.${field}` : `objective.sampled.sampling.${field}`;
  return (
    <>
      <PathEntry path={at("temperature.end")} term="temperatureEnd" step={0.1} />
      <PathEntry path={at("topK")} term="topK" />
      <PathEntry path={at("topP")} term="topP" step={0.05} />
      <PathEntry path={at("minP")} term="minP" step={0.01} />
      <StopTexts objective={objective} />
    </>
  );
}

function StopTexts({ objective }: { objective: Objective }) {
  const path = isPolicy(objective) ? "objective.sampling.stop" : "objective.sampled.sampling.stop";
  const problem = useStudio((state) => state.problem?.field);
  const error = useFieldError(problem?.startsWith(path) ? problem : path);
  const sampling = isPolicy(objective) ? objective.sampling : objective.kind === "dpo" && objective.sampled?.sampling;
  if (!sampling) return null;
  const set = (stop: string[]) =>
    changeRecipe((draft) => {
      const { objective: now } = draft;
      if (isPolicy(now)) return { ...draft, objective: { ...now, sampling: { ...now.sampling, stop } } };
      if (now.kind !== "dpo" || !now.sampled) return draft;
      const sampled = { ...now.sampled, sampling: { ...now.sampled.sampling, stop } };
      return { ...draft, objective: { ...now, sampled } };
    });
  return (
    <TextArea
      term="stopTexts"
      className="col-span-full"
      mono
      rows={2}
      value={sampling.stop.join("\n")}
      error={error}
      onChange={(text) => set(text === "" ? [] : text.split("\n"))}
    />
  );
}
