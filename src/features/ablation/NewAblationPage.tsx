/** @file A new comparison: the studio's recipe, variants to begin with, seeds; one button starts the runs. */

import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import type { Variant } from "../../core/ablation";
import { type PresetName, presetNames, variantsOfPreset } from "../../core/ablationVariants";
import type { Recipe } from "../../core/recipe";
import { createAblation } from "../../state/ablations";
import { useEngine } from "../../state/engine";
import { loadModels, modelOf, useModels } from "../../state/models";
import { loadPlan, usePlan } from "../../state/plan";
import { useStudio } from "../../state/studio";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount, formatDuration } from "../../ui/formatQuantity";
import { Notice } from "../../ui/Notice";
import { NumberField } from "../../ui/NumberField";
import { Page } from "../../ui/Page";
import { Select } from "../../ui/Select";
import { translate } from "../../ui/words/translate";
import { VariantList } from "./VariantList";

/** What the form changes of the studio's recipe itself. */
type Budget = { steps: number; finalRows: number };

/** The curve's shape stays; early stopping has no last evaluation of its own. */
function withBudget(recipe: Recipe, { steps, finalRows }: Budget): Recipe {
  const { schedule, evaluation } = recipe;
  const warmupSteps = Math.round((schedule.warmupSteps * steps) / schedule.steps);
  const asksMore = evaluation.patience === 0 && finalRows > evaluation.rows;
  return {
    ...recipe,
    schedule: { ...schedule, steps, warmupSteps },
    evaluation: asksMore ? { ...evaluation, finalRows } : evaluation,
  };
}

/** So many problems at the end make an interval of about ± 5 points. */
const usualProblems = 300;

/** The layers of the recipe's model, once they are known. */
function useLayers({ model }: Recipe): number {
  const state = useModels();
  const found = state.status === "ready" ? modelOf(model, state.models) : undefined;
  return found?.facts?.config.layers ?? 4;
}

export default function NewAblationPage() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { recipe: base, problem } = useStudio();
  const isReady = useEngine(({ status }) => status === "ready");
  const plan = usePlan();
  const layers = useLayers(base);
  const [preset, setPreset] = useState<PresetName>("loar");
  const [chosen, setChosen] = useState<readonly Variant[] | null>(null);
  const [seedCount, setSeedCount] = useState(3);
  const [budget, setBudget] = useState<Budget>({
    steps: base.schedule.steps,
    finalRows: Math.max(base.evaluation.rows, usualProblems),
  });
  const [starting, setStarting] = useState<{ isStarting: boolean; error: unknown }>({ isStarting: false, error: null });
  useEffect(() => {
    if (!isReady) return;
    void loadModels();
    loadPlan(base);
  }, [isReady, base]);

  const recipe = useMemo(() => withBudget(base, budget), [base, budget]);
  const variants = useMemo(() => chosen ?? variantsOfPreset(recipe, preset, layers), [chosen, recipe, preset, layers]);
  const total = variants.length * seedCount;
  const perRun = plan.value?.seconds == null ? null : (plan.value.seconds * budget.steps) / base.schedule.steps;
  const counts = { variants: formatCount(variants.length), seeds: formatCount(seedCount), total: formatCount(total) };

  const start = async () => {
    setStarting({ isStarting: true, error: null });
    try {
      const seeds = Array.from({ length: seedCount }, (_, i) => i + 1);
      const name = `${recipe.name} · ${t(`ablation.presets.${preset}`)}`.slice(0, 80);
      navigate(`/compare/${await createAblation({ name, recipe, variants: [...variants], seeds })}`);
    } catch (error) {
      setStarting({ isStarting: false, error });
    }
  };
  return (
    <Page
      title={t("ablation.new")}
      aside={
        <Link href="/compare" className="underline underline-offset-2">
          {t("ablation.all")}
        </Link>
      }
      actions={
        <Button
          variant="primary"
          icon="play"
          onPress={() => void start()}
          isPending={starting.isStarting}
          isDisabled={problem !== null || variants.length === 0}
        >
          {starting.isStarting ? t("ablation.creating") : t("ablation.create", counts)}
        </Button>
      }
    >
      <div className="flex max-w-240 flex-col gap-5">
        {starting.error !== null && <ErrorNotice error={starting.error} />}
        {problem && <Notice tone="warn">{t("ablation.notValid", { problem: translate(t, problem.message) })}</Notice>}
        <section className="flex flex-col gap-1 text-sm">
          <h2 className="text-sm">{t("ablation.base")}</h2>
          <p>
            {t("ablation.baseLine", {
              name: recipe.name,
              model: recipe.model,
              rows: recipe.data.source,
              steps: formatCount(recipe.schedule.steps),
            })}{" "}
            <Link href="/" className="text-accent-ink underline underline-offset-2">
              {t("ablation.change")}
            </Link>
          </p>
          <p className="text-xs text-muted">{t("ablation.baseHint")}</p>
        </section>
        <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-4">
          <Select
            label={t("ablation.preset")}
            value={preset}
            options={presetNames.map((id) => ({
              id,
              label: t(`ablation.presets.${id}`),
              description: t(`ablation.presetHints.${id}`),
            }))}
            onChange={(id) => {
              setPreset(id);
              setChosen(null);
            }}
          />
          <NumberField
            label={t("ablation.seedCount")}
            note={t("ablation.seedsNote")}
            value={seedCount}
            minimum={1}
            maximum={20}
            onChange={(value) => setSeedCount(Math.round(value))}
          />
          <NumberField
            label={t("ablation.steps")}
            value={budget.steps}
            minimum={1}
            maximum={1_000_000}
            step={50}
            onChange={(steps) => setBudget({ ...budget, steps: Math.round(steps) })}
          />
          {recipe.evaluation.patience === 0 && (
            <NumberField
              label={t("ablation.finalRows")}
              note={t("ablation.finalRowsNote")}
              value={budget.finalRows}
              minimum={recipe.evaluation.rows}
              maximum={100_000}
              step={100}
              onChange={(finalRows) => setBudget({ ...budget, finalRows: Math.round(finalRows) })}
            />
          )}
        </div>
        <VariantList recipe={recipe} variants={variants} onChange={setChosen} />
        <p className="text-sm text-muted">
          {perRun === null
            ? t("ablation.total", counts)
            : t("ablation.totalTime", { ...counts, time: formatDuration(perRun * total) })}
        </p>
      </div>
    </Page>
  );
}
