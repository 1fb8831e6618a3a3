/** @file One number of the objective, or of the imitation before it, by its place in the recipe; bounds are the recipe's own. */

import { useTranslation } from "react-i18next";
import type { Objective } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { changeRecipe, useStudio } from "../../state/studio";
import { NumberField } from "../../ui/NumberField";
import type { TermName } from "../../ui/Term";
import { useFieldError } from "./RecipeEntry";

type Paths<T> = T extends readonly unknown[]
  ? never
  : {
      [K in keyof T & string]-?: NonNullable<T[K]> extends number
        ? K
        : NonNullable<T[K]> extends object
          ? `${K}.${Paths<NonNullable<T[K]>>}`
          : never;
    }[keyof T & string];
type ObjectivePaths = Objective extends infer O ? (O extends Objective ? Paths<O> : never) : never;

/** Where a number stands: `objective.sampling.temperature.start`. */
export type NumberPath = `objective.${ObjectivePaths}` | `sftFirst.${Paths<NonNullable<Recipe["sftFirst"]>>}`;

const partOf = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The same value with another number at the end of the path. */
function withNumber<T>(value: T, [key, ...rest]: readonly string[], number: number): T {
  if (key === undefined) return number as T;
  return { ...value, [key]: withNumber(partOf(value, key), rest, number) };
}

type EntryProps = {
  path: NumberPath;
  term: TermName;
  unit?: "steps" | "rows" | "tokens" | "prompts" | "answers" | "pairs";
  /** What an arrow key adds; `double` for quantities on a log scale. */
  step?: number | "double";
};

export function PathEntry({ path, term, unit, step = 1 }: EntryProps) {
  const { t } = useTranslation();
  const keys = path.split(".");
  const value = useStudio(({ draft }) => keys.reduce(partOf, draft));
  const error = useFieldError(path);
  return (
    <NumberField
      term={term}
      {...(unit ? { unit: t(`studio.unit.${unit}`) } : {})}
      value={typeof value === "number" ? value : 0}
      step={step}
      error={error}
      onChange={(number) => changeRecipe((draft) => withNumber(draft, keys, number))}
    />
  );
}
