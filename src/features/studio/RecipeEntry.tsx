/** @file One numeric field of the recipe's form: its term, unit and error; bounds are the recipe's own. */

import { useTranslation } from "react-i18next";
import type { Recipe } from "../../core/recipe";
import { useStudio } from "../../state/studio";
import { NumberField } from "../../ui/NumberField";
import type { TermName } from "../../ui/Term";
import { translate } from "../../ui/words/translate";
import { changeSection, type Section } from "./changeSection";

type NumberKey<S extends Section> = {
  [K in keyof Recipe[S]]: Recipe[S][K] extends number ? K : never;
}[keyof Recipe[S]] &
  string;

type EntryProps<S extends Section> = {
  section: S;
  field: NumberKey<S>;
  term: TermName;
  unit?: "steps" | "rows" | "tokens" | "passes" | "prompts" | "times";
  /** What an arrow key adds; `double` for quantities on a log scale. */
  step?: number | "double";
};

/** The error of a field, where the recipe's problem is its own. */
export function useFieldError(field: string): string | undefined {
  const { t } = useTranslation();
  const message = useStudio(({ problem }) => (problem?.field === field ? problem.message : undefined));
  return message && translate(t, message);
}

export function RecipeEntry<S extends Section>({ section, field, term, unit, step = 1 }: EntryProps<S>) {
  const { t } = useTranslation();
  const value = useStudio(({ draft }) => draft[section][field] as number);
  const error = useFieldError(`${section}.${field}`);
  return (
    <NumberField
      term={term}
      {...(unit ? { unit: t(`studio.unit.${unit}`) } : {})}
      value={value}
      step={step}
      error={error}
      onChange={(number) => changeSection(section, { [field]: number } as unknown as Partial<Recipe[S]>)}
    />
  );
}
