/** @file The kinds of objective side by side; those that the data has nothing for are there, and say what it lacks. */

import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import { useTranslation } from "react-i18next";
import type { Mapping } from "../../core/dataset";
import { type Objective, type ObjectiveKind, objectiveKinds } from "../../core/objective";
import { beginObjective, lackOf } from "../../core/recipeForObjective";
import { chooseObjective } from "./objectiveChoices";

type TilesProps = { objective: Objective; mapping: Mapping | undefined; labelledBy: string };

export function ObjectiveTiles({ objective, mapping, labelledBy }: TilesProps) {
  return (
    <RadioGroup
      aria-labelledby={labelledBy}
      value={objective.kind}
      onChange={(id) => {
        const kind = objectiveKinds.find((each) => each === id);
        if (kind) chooseObjective(kind, mapping);
      }}
      className="grid grid-cols-2 gap-2 sm:grid-cols-3 md:grid-cols-4 xl:grid-cols-7"
    >
      {objectiveKinds.map((kind) => (
        <Tile key={kind} kind={kind} objective={objective} mapping={mapping} />
      ))}
    </RadioGroup>
  );
}

type TileProps = { kind: ObjectiveKind; objective: Objective; mapping: Mapping | undefined };

function Tile({ kind, objective, mapping }: TileProps) {
  const { t } = useTranslation();
  const isChosen = objective.kind === kind;
  const lack = lackOf(isChosen ? objective : beginObjective(kind, objective, mapping), mapping);
  return (
    <RadioField value={kind} className="relative" isDisabled={lack !== null && !isChosen}>
      <RadioButton className="group flex h-full flex-col gap-0.5 rounded-md border border-line px-2.5 py-2 text-sm outline-offset-2 data-disabled:bg-sunken/50 data-focus-visible:outline-2 data-focus-visible:outline-accent data-hovered:bg-hover/60 data-selected:border-accent data-selected:bg-accent-soft">
        <span className="font-medium group-data-disabled:font-normal group-data-disabled:text-muted group-data-selected:text-accent-ink">
          {t(`studio.objective.kind.${kind}`)}
        </span>
        <span className={`text-xs ${lack && isChosen ? "text-bad" : "text-muted"}`}>
          {lack ? t(`studio.objective.lack.${lack}`) : t(`studio.objective.short.${kind}`)}
        </span>
      </RadioButton>
    </RadioField>
  );
}
