/** @file The group inspector: what a run wrote at a step, what that was worth, and which tokens it pushed. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams, useSearchParams } from "wouter";
import type { RunId } from "../../core/ids";
import type { Run } from "../../core/run";
import type { Found } from "../../state/groupSearch";
import { openGroups, showGroups, useGroups } from "../../state/groups";
import { loadRuns, useRuns, viewRun } from "../../state/runs";
import { isActive } from "../../state/runsMirror";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Page } from "../../ui/Page";
import { ProgressBar } from "../../ui/ProgressBar";
import { GroupSearch } from "./GroupSearch";
import { GroupStepPicker } from "./GroupStepPicker";
import { GroupStepView } from "./GroupStepView";
import { useSaveGroups } from "./useSaveGroups";

/** `/runs/ID/groups?step=12&group=3&answer=5`, group and answer from 1; without a step the latest is followed. */
export default function GroupsPage() {
  const { t } = useTranslation();
  const { id } = useParams<{ id: RunId }>();
  const state = useRuns();
  useEffect(() => void loadRuns(), []);
  if (state.status === "failed") {
    return (
      <Page title={t("groups.open")}>
        <ErrorNotice error={state.error} />
      </Page>
    );
  }
  if (state.status === "loading") {
    return (
      <Page title={t("groups.open")}>
        <Loading />
      </Page>
    );
  }
  const run = viewRun(state, id)?.run;
  if (!run) {
    return (
      <Page title={t("run.missing")} fill>
        <EmptyState
          icon="runs"
          title={t("run.missing")}
          action={
            <Link href="/runs" className="text-accent-ink underline">
              {t("run.allRuns")}
            </Link>
          }
        >
          {t("run.missingHint")}
        </EmptyState>
      </Page>
    );
  }
  return <KnownGroups key={id} run={run} />;
}

function Loading() {
  const { t } = useTranslation();
  return <ProgressBar label={t("common.loading")} className="mx-auto max-w-60 pt-24" />;
}

/** A whole number of the address, or null. */
function numberIn(search: URLSearchParams, name: string): number | null {
  const text = search.get(name);
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

const before = (place: number | null) => (place === null ? null : place - 1);

function KnownGroups({ run }: { run: Run }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const { listing, shown, run: open } = useGroups();
  const { id } = run;
  const { isSaving, save } = useSaveGroups(run);
  useEffect(() => void openGroups(id), [id]);
  const wanted = numberIn(search, "step");
  const steps = listing.status === "ready" && open === id ? listing.steps : [];
  const step = wanted ?? steps.at(-1) ?? null;
  const isKnown = step !== null && steps.includes(step);
  useEffect(() => {
    if (step !== null && isKnown) void showGroups(id, step);
  }, [id, step, isKnown]);
  const choose = (next: number | null) => setSearch(next === null ? {} : { step: String(next) }, { replace: true });
  const find = ({ step, group, completion }: Found) =>
    setSearch({ step: String(step), group: String(group + 1), answer: String(completion + 1) }, { replace: true });
  const content = () => {
    if (open !== id || listing.status === "loading") return <Loading />;
    if (listing.status === "failed") return <ErrorNotice error={listing.error} className="m-4" />;
    if (steps.length === 0) {
      return (
        <EmptyState icon="datasets" title={t("groups.none")}>
          {t(isActive(run) ? "groups.noneHint" : "groups.noneEnded")}
        </EmptyState>
      );
    }
    if (!isKnown) {
      return (
        <EmptyState icon="datasets" title={t("groups.stepGone", { step: step ?? 0 })}>
          {t("groups.stepGoneHint")}
        </EmptyState>
      );
    }
    if (shown?.status === "failed" && shown.step === step) return <ErrorNotice error={shown.error} className="m-4" />;
    if (shown?.status !== "ready") return <Loading />;
    const place = { group: before(numberIn(search, "group")), answer: before(numberIn(search, "answer")) };
    const isThere = shown.step === step;
    return <GroupStepView groups={shown.groups} recipe={run.recipe} place={isThere ? place : nowhere} />;
  };
  return (
    <Page
      title={t("groups.title", { name: run.name })}
      aside={
        <Link href={`/runs/${id}`} className="text-accent-ink underline">
          {t("groups.back")}
        </Link>
      }
      actions={
        <Button icon="download" isDisabled={steps.length === 0 || isSaving} onPress={() => void save()}>
          {t(isSaving ? "groups.exporting" : "groups.export")}
        </Button>
      }
      fill
    >
      {steps.length > 0 && (
        <GroupStepPicker
          steps={steps}
          step={step}
          isFollowing={wanted === null}
          isLive={isActive(run)}
          onChoose={choose}
        />
      )}
      <div className="flex min-h-0 flex-1 max-lg:flex-col max-lg:overflow-y-auto">
        <div className="flex min-w-0 flex-1 flex-col lg:order-1 lg:overflow-y-auto max-lg:order-2">{content()}</div>
        {steps.length > 0 && <GroupSearch run={run} onFound={find} />}
      </div>
    </Page>
  );
}

const nowhere = { group: null, answer: null };
