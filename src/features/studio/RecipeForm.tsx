/** @file The recipe as a form: sections as in the JSON, in the recipe's own terms. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { weightFormats } from "../../core/packing";
import { changeRecipe, useStudio } from "../../state/studio";
import { NumberField } from "../../ui/NumberField";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { TextArea, TextField } from "../../ui/TextField";
import { AdaptationFields } from "./AdaptationFields";
import { changeSection } from "./changeSection";
import { ObjectiveDetails } from "./ObjectiveDetails";
import { RecipeEntry, useFieldError } from "./RecipeEntry";

function Group({ title, children, wide }: { title: string; children: ReactNode; wide?: boolean }) {
  return (
    <fieldset className={`min-w-0 border-t border-line pt-3 ${wide ? "md:col-span-2" : ""}`}>
      <legend className="float-left mb-2 w-full text-sm font-semibold">{title}</legend>
      <div className={`clear-both grid gap-x-4 gap-y-3 ${wide ? "sm:grid-cols-2" : "grid-cols-2"}`}>{children}</div>
    </fieldset>
  );
}

export function RecipeForm() {
  return (
    <div className="grid gap-x-8 gap-y-5 md:grid-cols-2 xl:grid-cols-4">
      <div className="flex flex-col gap-y-5">
        <General />
        <Data />
      </div>
      <Adaptation />
      <div className="flex flex-col gap-y-5 md:col-span-2">
        <Template />
        <Objective />
      </div>
      <Batching />
      <Optimizer />
      <Schedule />
      <Evaluation />
    </div>
  );
}

const asInFile = "file";

function General() {
  const { t } = useTranslation();
  const { name, seed, precision } = useStudio(({ draft }) => draft);
  return (
    <Group title={t("studio.advanced.general")}>
      <TextField
        term="name"
        value={name}
        error={useFieldError("name")}
        onChange={(value) => changeRecipe((draft) => ({ ...draft, name: value }))}
      />
      <NumberField
        term="seed"
        value={seed}
        error={useFieldError("seed")}
        onChange={(value) => changeRecipe((draft) => ({ ...draft, seed: value }))}
      />
      <RecipeEntry section="checkpoints" field="every" term="checkpointEvery" unit="steps" step={5} />
      <Select
        term="precision"
        value={precision ?? asInFile}
        options={([asInFile, ...weightFormats] as const).map((id) => ({ id, label: t(`studio.precision.${id}`) }))}
        onChange={(value) =>
          changeRecipe(({ precision: _, ...draft }) => (value === asInFile ? draft : { ...draft, precision: value }))
        }
      />
    </Group>
  );
}

function Data() {
  const { t } = useTranslation();
  const shuffle = useStudio(({ draft }) => draft.data.shuffleAnswers);
  return (
    <Group title={t("studio.advanced.data")}>
      <RecipeEntry section="data" field="evaluationShare" term="evaluationShare" step={0.01} />
      <RecipeEntry section="data" field="limit" term="limit" unit="rows" step={100} />
      <div className="col-span-2">
        <Switch value={shuffle} onChange={(shuffleAnswers) => changeSection("data", { shuffleAnswers })}>
          {t("terms.shuffleAnswers.word")}
        </Switch>
        <p className="mt-1 text-xs text-faint">{t("terms.shuffleAnswers.why")}</p>
      </div>
    </Group>
  );
}

function Template() {
  const { t } = useTranslation();
  const template = useStudio(({ draft }) => draft.template);
  return (
    <Group title={t("studio.advanced.template")} wide>
      <TextArea
        term="templatePrompt"
        mono
        rows={3}
        value={template.prompt}
        error={useFieldError("template.prompt")}
        onChange={(prompt) => changeSection("template", { prompt })}
      />
      <TextArea
        term="templateCompletion"
        mono
        rows={3}
        value={template.completion}
        error={useFieldError("template.completion")}
        onChange={(completion) => changeSection("template", { completion })}
      />
    </Group>
  );
}

function Adaptation() {
  const { t } = useTranslation();
  return (
    <Group title={t("studio.advanced.adaptation")}>
      <AdaptationFields />
    </Group>
  );
}

function Objective() {
  const { t } = useTranslation();
  return (
    <Group title={t("studio.objective.details")} wide>
      <div className="col-span-full grid grid-cols-2 items-start gap-x-4 gap-y-3 lg:grid-cols-4">
        <ObjectiveDetails />
      </div>
    </Group>
  );
}

function Batching() {
  const { t } = useTranslation();
  const mode = useStudio(({ draft }) => draft.batching.mode);
  return (
    <Group title={t("studio.advanced.batching")}>
      <RecipeEntry section="batching" field="rows" term="batchRows" unit="rows" />
      <RecipeEntry section="batching" field="accumulation" term="accumulation" unit="passes" />
      <RecipeEntry section="batching" field="contextLength" term="contextLength" unit="tokens" step={16} />
      <Select
        term="batchMode"
        value={mode}
        error={useFieldError("batching.mode")}
        options={(["bucket", "pack"] as const).map((id) => ({ id, label: t(`studio.mode.${id}`) }))}
        onChange={(next) => changeSection("batching", { mode: next })}
      />
    </Group>
  );
}

function Optimizer() {
  const { t } = useTranslation();
  return (
    <Group title={t("studio.advanced.optimizer")}>
      <RecipeEntry section="optimizer" field="learningRate" term="learningRate" step="double" />
      <RecipeEntry section="optimizer" field="weightDecay" term="weightDecay" step={0.01} />
      <RecipeEntry section="optimizer" field="beta1" term="beta1" step={0.01} />
      <RecipeEntry section="optimizer" field="beta2" term="beta2" step={0.001} />
      <RecipeEntry section="optimizer" field="epsilon" term="epsilon" step="double" />
      <RecipeEntry section="optimizer" field="maxGradNorm" term="maxGradNorm" step={0.1} />
    </Group>
  );
}

function Schedule() {
  const { t } = useTranslation();
  const kind = useStudio(({ draft }) => draft.schedule.kind);
  return (
    <Group title={t("studio.advanced.schedule")}>
      <RecipeEntry section="schedule" field="steps" term="steps" unit="steps" step={50} />
      <RecipeEntry section="schedule" field="warmupSteps" term="warmupSteps" unit="steps" step={5} />
      <Select
        term="scheduleKind"
        value={kind}
        options={(["cosine", "linear", "constant"] as const).map((id) => ({ id, label: t(`studio.kind.${id}`) }))}
        onChange={(next) => changeSection("schedule", { kind: next })}
      />
    </Group>
  );
}

function Evaluation() {
  const { t } = useTranslation();
  const passAt = useStudio(({ draft }) => draft.evaluation.passAt ?? 0);
  const passError = useFieldError("evaluation.passAt");
  return (
    <Group title={t("studio.advanced.evaluation")}>
      <RecipeEntry section="evaluation" field="every" term="evaluationEvery" unit="steps" step={10} />
      <RecipeEntry section="evaluation" field="rows" term="evaluationRows" unit="rows" step={10} />
      <RecipeEntry section="evaluation" field="lossRows" term="lossRows" unit="rows" step={10} />
      <RecipeEntry section="evaluation" field="maxTokens" term="maxTokens" unit="tokens" step={16} />
      <RecipeEntry section="evaluation" field="samples" term="samples" unit="prompts" />
      <RecipeEntry section="evaluation" field="patience" term="patience" unit="times" />
      <NumberField
        term="passAtK"
        unit={t("studio.unit.answers")}
        value={passAt}
        error={passError}
        onChange={(next) =>
          changeRecipe((draft) => {
            const { passAt: _, ...evaluation } = draft.evaluation;
            return { ...draft, evaluation: next === 0 ? evaluation : { ...evaluation, passAt: next } };
          })
        }
      />
    </Group>
  );
}
