/** @file The own reward that paused a run, mended where it failed: its code, what it gives answers of this run, and the way on. */

import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { fromWire } from "../../core/errors";
import { withRewards } from "../../core/mendRun";
import type { Sample } from "../../core/metrics";
import { rewardsOf } from "../../core/objective";
import type { Recipe } from "../../core/recipe";
import { type RewardFault, rewardFault, rewardNames, type SampleRow, type WrittenAnswer } from "../../core/reward";
import type { Run } from "../../core/run";
import { endRewardTrial, loadRewardTrial, useRewardTrial } from "../../state/rewardTrial";
import { type RunView, resumeRun } from "../../state/runs";
import { Button } from "../../ui/Button";
import { type CodeFault, RewardCode } from "../../ui/RewardCode";
import { RewardTrial } from "../../ui/RewardTrial";
import { translate } from "../../ui/words/translate";

/** Answers of the run that are shown beside those made of the data. */
const shownAnswers = 3;

type MendProps = { view: RunView; samples: readonly Sample[] };

/** Nothing where it is not known which reward failed. */
export function RewardMend({ view, samples }: MendProps) {
  const { run } = view;
  const fault = useMemo(() => (run.error ? rewardFault(fromWire(run.error)) : null), [run.error]);
  const rewards = rewardsOf(run.recipe.objective) ?? [];
  const at = rewardNames(rewards).indexOf(fault?.name ?? "");
  const reward = rewards[at];
  if (!fault || reward?.kind !== "own") return null;
  return <Mend key={run.id} view={view} samples={samples} fault={fault} at={at} original={reward.code} />;
}

/** The answer it failed on, and what the run wrote last to the problems it is asked again and again. */
function newWritten(failedOn: Run["failedOn"], samples: readonly Sample[]): WrittenAnswer[] {
  const last = samples.at(-1)?.step;
  const newest = samples.filter(({ step }) => step === last).slice(0, shownAnswers);
  const failed = failedOn ? [{ ...failedOn, kind: "failed" as const }] : [];
  return [...failed, ...newest.map(({ prompt, reference, completion }) => ({ prompt, reference, completion }))];
}

type KnownProps = MendProps & { fault: RewardFault; at: number; original: string };

function Mend({ view: { run, busy }, samples, fault, at, original }: KnownProps) {
  const { t } = useTranslation();
  const [code, setCode] = useState(original);
  const trial = useRewardTrial();
  const { recipe, failedOn } = run;
  const mended = useMemo((): Recipe => {
    const rewards = (rewardsOf(recipe.objective) ?? []).map((reward, i) =>
      i === at && reward.kind === "own" ? { ...reward, code } : reward,
    );
    return { ...recipe, objective: withRewards(recipe.objective, rewards) };
  }, [recipe, at, code]);
  const written = useMemo(() => newWritten(failedOn, samples), [failedOn, samples]);
  useEffect(() => loadRewardTrial(rewardsOf(mended.objective) ?? [], mended, written), [mended, written]);
  useEffect(() => endRewardTrial, []);

  const isSame = code === original;
  const tried = rewardFault(trial.error);
  const faultOf = (one: RewardFault, on: string): CodeFault => ({
    line: one.line,
    column: one.column,
    text: `${translate(t, one.what)}${on === "" ? "" : ` (${on})`}`,
  });
  const rowOf = (row: SampleRow | undefined) =>
    row ? t("rewards.onAnswer", { answer: t(`rewards.trial.kind.${row.kind}`) }) : "";
  const found = isSame
    ? faultOf(fault, fault.row === null ? "" : t("rewards.mend.onRow", { row: fault.row + 1 }))
    : tried?.name === fault.name
      ? faultOf(tried, rowOf(trial.rows[tried.row ?? -1]))
      : null;
  const lead = run.checkpoint > 0 ? "rewards.mend.lead" : "rewards.mend.leadStart";
  return (
    <section
      aria-label={t("rewards.mend.title")}
      className="mx-4 mt-3 flex min-w-0 flex-col gap-3 rounded-lg border border-line bg-surface p-4 lg:mx-6"
    >
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <div className="min-w-60 flex-1">
          <h2 className="text-base">{t("rewards.mend.title")}</h2>
          <p className="text-sm text-muted">{t(lead, { step: run.checkpoint, name: fault.name })}</p>
        </div>
        <div className="flex flex-wrap gap-2">
          {!isSame && (
            <Button variant="quiet" onPress={() => setCode(original)}>
              {t("rewards.mend.back")}
            </Button>
          )}
          <Button
            variant={isSame ? "plain" : "primary"}
            icon="play"
            isDisabled={busy !== null || code.trim() === ""}
            onPress={() => void resumeRun(run.id, isSame ? undefined : mended)}
          >
            {t(
              busy === "resuming"
                ? "rewards.mend.resuming"
                : isSame
                  ? "rewards.mend.resumeSame"
                  : "rewards.mend.resume",
            )}
          </Button>
        </div>
      </header>
      <div className="grid min-w-0 gap-x-8 gap-y-4 xl:grid-cols-2">
        <RewardCode label={fault.name} value={code} onChange={setCode} fault={found} />
        <RewardTrial trial={trial} isFault={tried !== null} />
      </div>
    </section>
  );
}
