/** @file One reward of the list: what it is, its weight and its settings, each with its error. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { newReward, type Reward } from "../../core/reward";
import { IconButton } from "../../ui/Button";
import { NumberField } from "../../ui/NumberField";
import { type CodeFault, RewardCode } from "../../ui/RewardCode";
import { Select } from "../../ui/Select";
import { TextField } from "../../ui/TextField";
import { useFieldError } from "./RecipeEntry";

/** A trained reward model that can be chosen, and what it judges. */
export type RewardModel = { id: string; label: string; dimensions: readonly string[] };

type EntryProps = {
  reward: Reward;
  /** What its curve is called: its own name in the list. */
  name: string;
  /** Where it stands in the recipe: `objective.rewards.0`. */
  path: string;
  models: readonly RewardModel[];
  /** Where the user's own function failed. */
  fault: CodeFault | null;
  onChange: (reward: Reward) => void;
  /** Left out where it is the last one. */
  onRemove: (() => void) | null;
};

export function RewardEntry({ reward, name, path, models, fault, onChange, onRemove }: EntryProps) {
  const { t } = useTranslation();
  const kind = t(`rewards.kind.${reward.kind}`);
  const error = useFieldError(`${path}.weight`);
  return (
    <li aria-label={name} className="flex flex-col gap-2 border-t border-line py-3 first:border-0">
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <h3 className="text-sm font-semibold">
            {kind} <code className="ml-1 text-xs font-normal text-faint">{name}</code>
          </h3>
          <p className="text-xs text-muted">{t(`rewards.why.${reward.kind}`)}</p>
        </div>
        <IconButton
          icon="close"
          size="sm"
          label={t("rewards.remove", { name })}
          isDisabled={!onRemove}
          onPress={() => onRemove?.()}
        />
      </div>
      <div className="grid grid-cols-2 gap-x-4 gap-y-2 sm:grid-cols-4">
        <NumberField
          label={t("rewards.weight")}
          value={reward.weight}
          step={0.1}
          error={error}
          onChange={(weight) => onChange({ ...reward, weight })}
        />
        <Settings reward={reward} path={path} models={models} onChange={onChange} />
      </div>
      {reward.kind === "own" && (
        <RewardCode
          label={t("rewards.code")}
          value={reward.code}
          onChange={(code) => onChange({ ...reward, code })}
          fault={fault}
        />
      )}
    </li>
  );
}

type SettingsProps = Pick<EntryProps, "reward" | "path" | "models" | "onChange">;

function Settings({ reward, path, models, onChange }: SettingsProps): ReactNode {
  const { t } = useTranslation();
  switch (reward.kind) {
    case "answer":
      return (
        <Select
          label={t("rewards.rule")}
          value={reward.rule}
          options={(["strict", "flexible", "exact"] as const).map((id) => ({ id, label: t(`rewards.rules.${id}`) }))}
          onChange={(rule) => onChange({ ...reward, rule })}
        />
      );
    case "format":
      return (
        <Select
          label={t("rewards.form")}
          className="col-span-2"
          value={reward.form}
          options={(["answer-mark", "think-tags"] as const).map((id) => ({ id, label: t(`rewards.forms.${id}`) }))}
          onChange={(form) => onChange({ ...reward, form })}
        />
      );
    case "efficiency":
      return (
        <>
          <Select
            label={t("rewards.unit")}
            value={reward.unit}
            options={(["steps", "tokens"] as const).map((id) => ({ id, label: t(`rewards.units.${id}`) }))}
            onChange={(unit) => onChange({ ...reward, unit })}
          />
          <Count
            field="target"
            unit={t(`rewards.${reward.unit}`)}
            {...{ path, value: reward.target }}
            onChange={(target) => onChange({ ...reward, target })}
          />
        </>
      );
    case "length":
      return (
        <Count
          field="target"
          {...{ path, value: reward.target }}
          onChange={(target) => onChange({ ...reward, target })}
        />
      );
    case "overlong":
      return (
        <>
          <Count
            field="maxTokens"
            {...{ path, value: reward.maxTokens }}
            onChange={(maxTokens) => onChange({ ...reward, maxTokens })}
          />
          <Count
            field="margin"
            {...{ path, value: reward.margin }}
            onChange={(margin) => onChange({ ...reward, margin })}
          />
        </>
      );
    case "model":
      return <ModelSettings reward={reward} models={models} onChange={onChange} />;
    case "own":
      return <OwnName value={reward.name} path={path} onChange={(name) => onChange({ ...reward, name })} />;
    default:
      return null;
  }
}

type CountProps = {
  field: "target" | "maxTokens" | "margin";
  path: string;
  value: number;
  unit?: string;
  onChange: (value: number) => void;
};

function Count({ field, path, value, unit, onChange }: CountProps) {
  const { t } = useTranslation();
  const error = useFieldError(`${path}.${field}`);
  return (
    <NumberField
      label={t(`rewards.${field}`)}
      unit={unit ?? t("rewards.tokens")}
      value={value}
      error={error}
      onChange={onChange}
    />
  );
}

type OwnNameProps = { value: string; path: string; onChange: (name: string) => void };

function OwnName({ value, path, onChange }: OwnNameProps) {
  const { t } = useTranslation();
  return (
    <TextField label={t("rewards.name")} value={value} error={useFieldError(`${path}.name`)} onChange={onChange} />
  );
}

/** What the list of dimensions calls all of them. */
const all = "";

type ModelProps = Omit<SettingsProps, "path" | "reward"> & { reward: Reward & { kind: "model" } };

function ModelSettings({ reward, models, onChange }: ModelProps) {
  const { t } = useTranslation();
  const chosen = models.find(({ id }) => id === reward.model);
  if (models.length === 0)
    return <p className="col-span-1 self-end pb-2 text-xs text-warn sm:col-span-3">{t("rewards.noModel")}</p>;
  return (
    <>
      <Select
        label={t("rewards.model")}
        className="sm:col-span-2"
        value={reward.model}
        options={models.map(({ id, label }) => ({ id, label }))}
        onChange={(model) => onChange(newReward("model", { weight: reward.weight, model }))}
      />
      {chosen && chosen.dimensions.length > 1 && (
        <Select
          label={t("rewards.dimension")}
          value={reward.dimension ?? all}
          options={[all, ...chosen.dimensions].map((id) => ({ id, label: id || t("rewards.allDimensions") }))}
          onChange={(dimension) => {
            const { dimension: _, ...rest } = reward;
            onChange(dimension === all ? rest : { ...rest, dimension });
          }}
        />
      )}
    </>
  );
}
