/** @file The variants of a new comparison: what each changes of the recipe; more of them by a word or as JSON. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { parseVariants, recipeOf, type Variant } from "../../core/ablation";
import { variantOfWord } from "../../core/ablationVariants";
import type { Recipe } from "../../core/recipe";
import { listDifferences } from "../../state/runsDifferences";
import { Button, IconButton } from "../../ui/Button";
import { explainError } from "../../ui/explainError";
import { Table } from "../../ui/Table";
import { TextArea, TextField } from "../../ui/TextField";
import { colorOfVariant } from "./colorOfVariant";

type VariantListProps = {
  recipe: Recipe;
  variants: readonly Variant[];
  onChange: (variants: readonly Variant[]) => void;
};

/** `lora.rank 4`: the fields that are not the recipe's; or why it makes none. */
function changesOf(recipe: Recipe, variant: Variant): string[] | { error: unknown } {
  try {
    const differences = listDifferences([recipe, recipeOf(recipe, variant, recipe.seed)]);
    const added = differences.filter(({ values }) => values[1] !== ""); // what a method had goes with it
    return added.map(({ path, values }) => `${path.replace("adaptation.", "")} ${values[1] ?? ""}`);
  } catch (error) {
    return { error };
  }
}

export function VariantList({ recipe, variants, onChange }: VariantListProps) {
  const { t } = useTranslation();
  return (
    <section aria-label={t("ablation.variants")} className="flex flex-col gap-3">
      <div className="rounded-lg border border-line">
        <Table
          label={t("ablation.variants")}
          rows={variants}
          rowKey={({ name }) => name}
          columns={[
            {
              id: "name",
              header: t("ablation.variant"),
              cell: ({ name }) => (
                <span className="flex items-center gap-2 font-medium whitespace-nowrap">
                  <span
                    className="size-2.5 rounded-full"
                    style={{ background: colorOfVariant(variants.findIndex((one) => one.name === name)) }}
                  />
                  {name}
                  {name === variants[0]?.name && variants.length > 1 && (
                    <span className="text-xs font-normal text-muted max-sm:hidden">{t("ablation.first")}</span>
                  )}
                </span>
              ),
            },
            {
              id: "changes",
              header: t("ablation.changes"),
              className: "text-xs text-muted",
              cell: (variant) => <Changes recipe={recipe} variant={variant} />,
            },
            {
              id: "remove",
              header: <span className="sr-only">{t("ablation.leaveOut")}</span>,
              className: "w-8",
              cell: ({ name }) => (
                <IconButton
                  size="sm"
                  icon="close"
                  label={t("ablation.remove", { name })}
                  onPress={() => onChange(variants.filter((one) => one.name !== name))}
                />
              ),
            },
          ]}
        />
      </div>
      <AddVariants recipe={recipe} variants={variants} onChange={onChange} />
    </section>
  );
}

function Changes({ recipe, variant }: { recipe: Recipe; variant: Variant }) {
  const { t } = useTranslation();
  const changes = changesOf(recipe, variant);
  if (!Array.isArray(changes)) {
    const { title, detail } = explainError(t, changes.error);
    return <span className="text-bad">{detail || title}</span>;
  }
  if (changes.length === 0) return t("ablation.asItIs");
  return <span className="font-mono break-words">{changes.join(", ")}</span>;
}

function AddVariants({ recipe, variants, onChange }: VariantListProps) {
  const { t } = useTranslation();
  const [word, setWord] = useState("");
  const [json, setJson] = useState<string | null>(null);
  const [problem, setProblem] = useState<{ field: "word" | "json"; text: string } | null>(null);
  const add = (field: "word" | "json", read: () => Variant[]) => {
    try {
      const all = parseVariants([...variants, ...read()]);
      for (const variant of all) recipeOf(recipe, variant, recipe.seed);
      onChange(all);
      setProblem(null);
      if (field === "word") setWord("");
      else setJson(null);
    } catch (error) {
      const { title, detail } = explainError(t, error);
      setProblem({ field, text: error instanceof SyntaxError ? error.message : detail || title });
    }
  };
  const addJson = () => add("json", () => parseVariants(JSON.parse(json ?? "")));
  return (
    <div className="flex flex-col gap-3">
      <form
        className="flex items-start gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          add("word", () => [variantOfWord(recipe, word.trim())]);
        }}
      >
        <div className="max-w-120 min-w-0 flex-1">
          <TextField
            label={t("ablation.word")}
            note={t("ablation.wordNote")}
            mono
            value={word}
            error={problem?.field === "word" ? problem.text : undefined}
            onChange={(text) => {
              setWord(text);
              setProblem(null);
            }}
          />
        </div>
        <Button type="submit" icon="plus" className="mt-5" isDisabled={word.trim() === ""}>
          {t("ablation.add")}
        </Button>
        {json === null && (
          <Button variant="quiet" icon="code" className="mt-5" onPress={() => setJson("")}>
            {t("ablation.json")}
          </Button>
        )}
      </form>
      {json !== null && (
        <div className="flex max-w-160 flex-col items-start gap-2 *:first:w-full">
          <TextArea
            label={t("ablation.json")}
            note={t("ablation.jsonNote")}
            mono
            rows={5}
            placeholder='[{"name": "packed", "changes": {"batching": {"mode": "pack"}}}]'
            value={json}
            error={problem?.field === "json" ? problem.text : undefined}
            onChange={(text) => {
              setJson(text);
              setProblem(null);
            }}
          />
          <Button icon="plus" onPress={addJson} isDisabled={json.trim() === ""}>
            {t("ablation.add")}
          </Button>
        </div>
      )}
    </div>
  );
}
