/** @file One field of one method in the recipe's form; its error is the recipe's own. */

import { useTranslation } from "react-i18next";
import { type MethodKind, type MethodOf, methodOf } from "../../core/adaptation";
import { type LinearName, linearNames, linearNamesOf } from "../../core/adapter";
import { useStudio } from "../../state/studio";
import { Checkbox } from "../../ui/Checkbox";
import { NumberField } from "../../ui/NumberField";
import { Term, type TermName } from "../../ui/Term";
import { changeMethod } from "./changeMethod";
import { useModelConfig } from "./methodChoices";
import { useFieldError } from "./RecipeEntry";

type NumberKey<K extends MethodKind> = {
  [F in keyof MethodOf<K>]: MethodOf<K>[F] extends number ? F : never;
}[keyof MethodOf<K>] &
  string;

/** Where a method stands in the recipe: `adaptation.1`. */
export function useMethodPath(kind: MethodKind): string {
  return `adaptation.${useStudio(({ draft }) => draft.adaptation.findIndex((method) => method.kind === kind))}`;
}

type EntryProps<K extends MethodKind> = {
  kind: K;
  field: NumberKey<K>;
  term: TermName;
  unit?: "tokens" | "layers" | "stages" | "times";
  /** What an arrow key adds; `double` for quantities on a log scale. */
  step?: number | "double";
};

export function MethodEntry<K extends MethodKind>({ kind, field, term, unit, step = 1 }: EntryProps<K>) {
  const { t } = useTranslation();
  const value = useStudio(({ draft }) => methodOf(draft.adaptation, kind)?.[field] as number | undefined);
  const error = useFieldError(`${useMethodPath(kind)}.${field}`);
  return (
    <NumberField
      term={term}
      {...(unit ? { unit: t(`studio.unit.${unit}`) } : {})}
      value={value ?? 0}
      step={step}
      error={error}
      onChange={(number) => changeMethod(kind, { [field]: number } as unknown as Partial<MethodOf<K>>)}
    />
  );
}

/** The matrices that the recipe's model has, or those that most have while it is not known. */
export function useLinearNames(): readonly LinearName[] {
  const config = useModelConfig(useStudio(({ draft }) => draft.model));
  return config ? linearNamesOf(config) : linearNames;
}

type BoxesProps = {
  term: TermName;
  /** The field, for its error: `adaptation.0.targetModules`. */
  field: string;
  offered: readonly LinearName[];
  chosen: readonly LinearName[];
  onChange: (chosen: LinearName[]) => void;
};

/** Matrices to tick, and the error of the choice below them. */
export function MatrixBoxes({ term, field, offered, chosen, onChange }: BoxesProps) {
  const { t } = useTranslation();
  const error = useFieldError(field);
  return (
    <div className="col-span-2 flex flex-col gap-1" role="group" aria-label={t(`terms.${term}.word`)}>
      <span className="text-xs text-muted">
        <Term name={term} />
      </span>
      <div className="grid grid-cols-2 gap-1">
        {offered.map((name) => (
          <Checkbox
            key={name}
            value={chosen.includes(name)}
            onChange={(isOn) => onChange(offered.filter((other) => (other === name ? isOn : chosen.includes(other))))}
          >
            <code className="text-xs">{name}</code>
          </Checkbox>
        ))}
      </div>
      {error && (
        <p role="alert" className="text-xs text-bad">
          {error}
        </p>
      )}
    </div>
  );
}
