/** @file What a run changed, with intervals, and what one can do next. */

import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { EvalMetrics } from "../../core/metrics";
import { recipeFromRun } from "../../core/recipeForObjective";
import type { Run } from "../../core/run";
import { type Change, compareShares } from "../../state/runsSummary";
import { openRecipe } from "../../state/studio";
import { Button } from "../../ui/Button";
import { formatNumber, formatShare } from "../../ui/formatQuantity";
import { RunProof } from "./RunProof";

export function RunSummary({ run }: { run: Run }) {
  const { t } = useTranslation();
  const { before, after } = run;
  const hasChanged = before !== null && after !== null && after.step > 0;
  if (!hasChanged && run.checkpoint === 0) return null;
  return (
    <section
      aria-label={t("run.summary.title")}
      className="flex flex-wrap items-start gap-x-10 gap-y-3 border-b border-line px-4 py-3 lg:px-6"
    >
      {hasChanged && <Changes before={before} after={after} />}
      {run.checkpoint > 0 && <RunProof run={run} />}
      <Next run={run} />
    </section>
  );
}

function Changes({ before, after }: { before: EvalMetrics; after: EvalMetrics }) {
  const { t } = useTranslation();
  const change = (key: "gsm8k/strict" | "gsm8k/flexible" | "exact_match") => {
    const [a, b] = [before[key], after[key]];
    return a === null || b === null ? null : compareShares(a, before.n, b, after.n);
  };
  const [strict, flexible, exact] = [change("gsm8k/strict"), change("gsm8k/flexible"), change("exact_match")];
  const [lossBefore, lossAfter] = [before["eval/loss"], after["eval/loss"]];
  return (
    <>
      {strict && <ShareChange name={t("run.summary.accuracy")} change={strict} isMain />}
      {exact && <ShareChange name={t("run.summary.exact")} change={exact} isMain />}
      {flexible && <ShareChange name={t("run.summary.flexible")} change={flexible} />}
      <Fractions
        name={t("run.summary.pass", { count: after.pass_at ?? 1 })}
        pair={[before["gsm8k/pass"], after["gsm8k/pass"]]}
        n={[before.n, after.n]}
      />
      <Fractions
        name={t("run.summary.preferred")}
        pair={[before["rewards/accuracies"], after["rewards/accuracies"]]}
        n={null}
      />
      {lossBefore !== null && lossAfter !== null && (
        <Fact name={t("run.summary.loss")} before={formatNumber(lossBefore, 3)} after={formatNumber(lossAfter, 3)} />
      )}
      {before["steps/valid"] !== null && after["steps/valid"] !== null && (
        <Fact
          name={t("run.summary.steps")}
          before={formatShare(before["steps/valid"])}
          after={formatShare(after["steps/valid"])}
        />
      )}
    </>
  );
}

type FractionsProps = {
  name: string;
  pair: readonly [before: number | undefined, after: number | undefined];
  /** What they are shares of; null where that is not known, and there is no interval. */
  n: readonly [before: number, after: number] | null;
};

function Fractions({ name, pair: [before, after], n }: FractionsProps) {
  if (before === undefined || after === undefined) return null;
  if (!n) return <Fact name={name} before={formatShare(before)} after={formatShare(after)} />;
  return <ShareChange name={name} change={compareShares(before, n[0], after, n[1])} />;
}

function Next({ run }: { run: Run }) {
  const { recipe, status, checkpoint } = run;
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const goOn = () => {
    openRecipe(recipeFromRun(run));
    navigate("/");
  };
  const again = (steps: number) => {
    openRecipe({ ...recipe, schedule: { ...recipe.schedule, steps } });
    navigate("/");
  };
  return (
    <div className="ml-auto flex flex-wrap gap-2">
      {status === "done" && (
        <Button size="sm" icon="studio" onPress={() => again(recipe.schedule.steps * 2)}>
          {t("run.summary.longer")}
        </Button>
      )}
      {checkpoint > 0 && recipe.objective.kind !== "reward" && (
        <Button size="sm" icon="studio" onPress={goOn}>
          {t("rewards.goOn")}
        </Button>
      )}
      <Button size="sm" icon="plus" onPress={() => again(recipe.schedule.steps)}>
        {t("run.again")}
      </Button>
    </div>
  );
}

type FactProps = { name: string; before: string; after: string; isMain?: boolean; children?: React.ReactNode };

function Fact({ name, before, after, isMain, children }: FactProps) {
  return (
    <div className="flex flex-col">
      <span className="text-xs text-muted">{name}</span>
      <span className={`font-mono ${isMain ? "text-lg" : "text-base"}`}>
        <span className="text-muted">{before} → </span>
        <span className={isMain ? "font-semibold" : ""}>{after}</span>
      </span>
      {children}
    </div>
  );
}

function ShareChange({ name, change, isMain }: { name: string; change: Change; isMain?: boolean }) {
  const { t } = useTranslation();
  const points = (value: number) => `${value < 0 ? "−" : "+"}${formatNumber(Math.abs(value * 100), 3)}`;
  return (
    <Fact
      name={name}
      before={formatShare(change.before.share)}
      after={formatShare(change.after.share)}
      isMain={isMain ?? false}
    >
      <span className="text-xs text-muted">
        {t("run.summary.change", { points: points(change.difference) })} ·{" "}
        {t("run.summary.interval", { low: points(change.interval.low), high: points(change.interval.high) })}
      </span>
      {isMain && (
        <span className="text-xs text-muted">{t(change.clear ? "run.summary.clear" : "run.summary.unclear")}</span>
      )}
    </Fact>
  );
}
