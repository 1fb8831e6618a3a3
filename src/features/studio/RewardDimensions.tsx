/** @file What a reward model rates apart: a name and a weight each. */

import { useTranslation } from "react-i18next";
import type { ObjectiveOf } from "../../core/objective";
import { Button, IconButton } from "../../ui/Button";
import { NumberField } from "../../ui/NumberField";
import { Term } from "../../ui/Term";
import { TextField } from "../../ui/TextField";
import { changeObjective } from "./objectiveChoices";
import { useFieldError } from "./RecipeEntry";

type Dimensions = ObjectiveOf<"reward">["dimensions"];
const change = (dimensions: Dimensions) => changeObjective("reward", { dimensions });

/** As many as a recipe takes. */
const most = 16;

/** A name that no dimension has yet. */
function newName(dimensions: Dimensions): string {
  let count = dimensions.length + 1;
  while (dimensions.some(({ name }) => name === `dimension ${count}`)) count++;
  return `dimension ${count}`;
}

export function RewardDimensions({ dimensions }: { dimensions: Dimensions }) {
  const { t } = useTranslation();
  const error = useFieldError("objective.dimensions");
  return (
    <div
      role="group"
      aria-label={t("terms.dimensions.word")}
      className="col-span-2 flex flex-col gap-1.5 border-t border-line pt-3 md:border-0 md:pt-0"
    >
      <span className="text-xs text-muted">
        <Term name="dimensions" />
      </span>
      {dimensions.map((_, at) => (
        // A dimension is its place: its number in the read-out.
        <Dimension key={at} at={at} dimensions={dimensions} />
      ))}
      {error && (
        <p role="alert" className="text-xs text-bad">
          {error}
        </p>
      )}
      <Button
        size="sm"
        variant="quiet"
        icon="plus"
        className="self-start"
        isDisabled={dimensions.length >= most}
        onPress={() => change([...dimensions, { name: newName(dimensions), weight: 1 }])}
      >
        {t("studio.objective.addDimension")}
      </Button>
    </div>
  );
}

function Dimension({ at, dimensions }: { at: number; dimensions: Dimensions }) {
  const { t } = useTranslation();
  const path = `objective.dimensions.${at}`;
  const [nameError, weightError] = [useFieldError(`${path}.name`), useFieldError(`${path}.weight`)];
  const set = (fields: Partial<Dimensions[number]>) =>
    change(dimensions.map((each, i) => (i === at ? { ...each, ...fields } : each)));
  const number = at + 1;
  return (
    <div className="flex items-start gap-2">
      <TextField
        label={t("studio.objective.dimension", { number })}
        hideLabel
        className="flex-1"
        value={dimensions[at]?.name ?? ""}
        error={nameError}
        onChange={(name) => set({ name })}
      />
      <NumberField
        label={t("studio.objective.dimensionWeight", { number })}
        hideLabel
        className="w-20"
        step={0.1}
        value={dimensions[at]?.weight ?? 0}
        error={weightError}
        onChange={(weight) => set({ weight })}
      />
      <IconButton
        icon="close"
        label={t("studio.objective.removeDimension", { number })}
        isDisabled={dimensions.length === 1}
        onPress={() => change(dimensions.filter((_, i) => i !== at))}
      />
    </div>
  );
}
