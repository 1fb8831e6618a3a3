/** @file The guided flow: model, data, method, train, each already chosen; one button starts the run. */

import { lazy, Suspense, useEffect, useState } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Disclosure, DisclosurePanel } from "react-aria-components/Disclosure";
import { Heading } from "react-aria-components/Heading";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { methodOf } from "../../core/adaptation";
import { stepsInAll, wrongField } from "../../core/recipe";
import { loadDatasets, useDatasets } from "../../state/datasets";
import { openEngine, useEngine } from "../../state/engine";
import { loadModels, useModels } from "../../state/models";
import { loadPlan, loadPreview, usePlan, usePreview } from "../../state/plan";
import { parseRecipeLink } from "../../state/recipeLink";
import { startRun, useActiveRun } from "../../state/runs";
import { openRecipe, useStudio } from "../../state/studio";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatDuration } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";
import { Notice } from "../../ui/Notice";
import { Page } from "../../ui/Page";
import { loadMoreWords } from "../../ui/words/i18n";
import { translate } from "../../ui/words/translate";
import { DataCard } from "./DataCard";
import { MethodCard } from "./MethodCard";
import { ModelCard } from "./ModelCard";
import { RecipeMenu } from "./RecipeMenu";
import { TrainCard } from "./TrainCard";

const ObjectiveCard = lazy(async () => (await Promise.all([import("./ObjectiveCard"), loadMoreWords()]))[0]);
const Advanced = lazy(async () => (await Promise.all([import("./Advanced"), loadMoreWords()]))[0]);

/** Opens the recipe that the address carries, once, and tells what is wrong with it. */
function useRecipeLink(): unknown {
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const open = () => {
      const { hash } = location;
      parseRecipeLink(hash).then((recipe) => {
        if (!recipe) return;
        setFailure(null);
        openRecipe(recipe);
        history.replaceState(null, "", location.pathname); // a reload must not undo what is changed from here on
      }, setFailure);
    };
    open();
    addEventListener("hashchange", open);
    return () => removeEventListener("hashchange", open);
  }, []);
  return failure;
}

function useStart() {
  const [, navigate] = useLocation();
  const [state, setState] = useState<{ isStarting: boolean; error: unknown }>({ isStarting: false, error: null });
  const start = async () => {
    setState({ isStarting: true, error: null });
    try {
      await openEngine();
      navigate(`/runs/${await startRun(useStudio.getState().recipe)}`);
    } catch (error) {
      setState({ isStarting: false, error });
    }
  };
  return { ...state, start: () => void start() };
}

/** A failure is shown where one looks, wherever the page was scrolled to. */
const scrollTo = (node: HTMLElement | null) => node?.scrollIntoView({ block: "nearest" });

/** One thing that keeps the run from starting is enough to read. */
const failureOf = (state: { status: string; error?: unknown }): unknown =>
  state.status === "failed" ? state.error : null;

export default function StudioPage() {
  const { t } = useTranslation();
  const { recipe, draft, problem } = useStudio();
  const engine = useEngine();
  const isReady = engine.status === "ready";
  const models = useModels();
  const datasets = useDatasets();
  const plan = usePlan();
  /** An expression that RE2 does not know, which only the engine can tell. */
  const badMark = wrongField(usePreview((state) => (state.status === "failed" ? state.error : null)));
  const active = useActiveRun();
  const linkFailure = useRecipeLink();
  const { isStarting, error, start } = useStart();

  useEffect(() => {
    if (!isReady) return;
    void loadModels();
    void loadDatasets();
  }, [isReady]);
  useEffect(() => {
    if (isReady) loadPlan(recipe);
  }, [isReady, recipe]);
  const { model, data, template, objective, batching } = recipe;
  const annotator = methodOf(recipe.adaptation, "loar")?.annotator;
  useEffect(() => {
    if (!isReady) return;
    const asked = useStudio.getState().recipe;
    const shown = usePreview.getState().value;
    loadPreview(asked, shown?.source === asked.data.source ? shown.row : 0);
  }, [isReady, model, data.source, template, objective, annotator, batching.contextLength]);

  const count = stepsInAll(recipe);
  const seconds = plan.value?.seconds ?? null;
  const label =
    seconds === null ? t("studio.start", { count }) : t("studio.startTime", { count, time: formatDuration(seconds) });
  const isTooLarge = plan.value?.memory.verdict === "too large";
  const failure =
    linkFailure ?? error ?? failureOf(engine) ?? failureOf(models) ?? failureOf(datasets) ?? failureOf(plan);
  return (
    <Page
      title={t("studio.title")}
      actions={
        <>
          <RecipeMenu />
          <Button
            variant="primary"
            icon="play"
            onPress={start}
            isPending={isStarting}
            isDisabled={
              problem !== null || badMark !== null || active !== null || isTooLarge || plan.status === "failed"
            }
          >
            {isStarting ? t("studio.starting") : label}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {active && (
          <Notice
            action={
              <Link href={`/runs/${active.id}`} className="text-accent-ink underline underline-offset-2">
                {t("studio.show")}
              </Link>
            }
          >
            {t("studio.active", { name: active.name })}. <span className="text-muted">{t("studio.activeHint")}</span>
          </Notice>
        )}
        {failure !== null && (
          <div ref={scrollTo} className="scroll-mt-16">
            <ErrorNotice error={failure} />
          </div>
        )}
        {(problem ?? badMark) && (
          <Notice tone="warn">
            {problem
              ? t("studio.notValid", { ...problem, message: translate(t, problem.message) })
              : badMark && t("studio.notValid", { field: badMark.field, message: translate(t, badMark.what) })}
          </Notice>
        )}
        <div className="grid gap-px overflow-hidden rounded-lg border border-line bg-line md:grid-cols-2 xl:grid-cols-4">
          <ModelCard recipe={recipe} />
          <DataCard recipe={recipe} />
          <MethodCard recipe={recipe} draft={draft} />
          <TrainCard
            recipe={recipe}
            draft={draft}
            error={problem?.field === "schedule.steps" ? translate(t, problem.message) : undefined}
          />
        </div>
        <Suspense fallback={<div className="min-h-46" />}>
          <ObjectiveCard draft={draft} />
        </Suspense>
        {plan.value && (
          <p className="px-1 text-sm text-muted">
            {recipe.evaluation.rows > 0 && plan.value.scoring !== "none"
              ? t("studio.next.measured", recipe.evaluation)
              : t("studio.next.unmeasured", recipe.evaluation)}{" "}
            {t("studio.next.saved", { checkpoint: recipe.checkpoints.every })}
          </p>
        )}
        <Disclosure className="rounded-lg border border-line bg-surface">
          {({ isExpanded }) => (
            <>
              <Heading level={2}>
                <AriaButton
                  slot="trigger"
                  className="flex w-full items-center gap-2 rounded-lg px-4 py-2.5 text-left text-sm data-hovered:bg-hover/60"
                >
                  <Icon name={isExpanded ? "down" : "right"} size={14} className="text-faint" />
                  {t("studio.advanced.title")}
                  <span className="font-normal text-muted">{t("studio.advanced.summary")}</span>
                </AriaButton>
              </Heading>
              <DisclosurePanel>
                {isExpanded && (
                  <Suspense>
                    <Advanced />
                  </Suspense>
                )}
              </DisclosurePanel>
            </>
          )}
        </Disclosure>
      </div>
    </Page>
  );
}
