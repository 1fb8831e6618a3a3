/** @file What the adapter begins as, where that is not new: named, checked against the recipe, and to be taken back. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Recipe } from "../../core/recipe";
import { loadAdapters, useAdapters } from "../../state/adapters";
import { loadRuns, useRuns } from "../../state/runs";
import { changeRecipe } from "../../state/studio";
import { Button } from "../../ui/Button";

const sameMethods = (a: Recipe["adaptation"], b: Recipe["adaptation"]) =>
  JSON.stringify(a.filter(({ kind }) => kind !== "head")) === JSON.stringify(b.filter(({ kind }) => kind !== "head"));

function removeStart() {
  changeRecipe(({ start: _, ...draft }) => draft);
}

export function StartLine({ draft, start }: { draft: Recipe; start: string }) {
  const { t } = useTranslation();
  const runs = useRuns();
  const adapters = useAdapters();
  useEffect(() => {
    if (useRuns.getState().status !== "ready") void loadRuns();
    void loadAdapters();
  }, []);
  const run = runs.status === "ready" ? runs.runs.find(({ id }) => id === start) : undefined;
  const adapter = adapters.status === "ready" ? adapters.adapters.find(({ id }) => id === start) : undefined;
  const isKnown = runs.status === "ready" && adapters.status === "ready";
  const [model, adaptation] = run
    ? [run.recipe.model, run.recipe.adaptation]
    : [adapter?.model, adapter?.adaptation ?? []];
  const isOther = (run ?? adapter) && (model !== draft.model || !sameMethods(adaptation, draft.adaptation));
  return (
    <section
      aria-label={t("rewards.start.label")}
      className="flex flex-wrap items-center gap-x-4 gap-y-1 rounded-md border border-line px-3 py-2 text-sm"
    >
      <div className="min-w-60 flex-1">
        {run && (
          <p>
            <Link href={`/runs/${run.id}`} className="underline-offset-2 hover:underline">
              {t("rewards.start.from", { name: run.name, step: run.checkpoint })}
            </Link>
          </p>
        )}
        {adapter && <p>{t("rewards.start.adapter", { name: adapter.name })}</p>}
        {isKnown && !run && !adapter && <p className="text-bad">{t("rewards.start.gone")}</p>}
        {isOther && (
          <p role="status" className="text-xs text-bad">
            {t("rewards.start.other")}
          </p>
        )}
      </div>
      <Button size="sm" icon="close" onPress={removeStart}>
        {t("rewards.start.remove")}
      </Button>
    </section>
  );
}
