/** @file What can be done with a run now: pause, go on, stop, resume, talk to it, take it away. */

import { memo } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { isPolicy } from "../../core/objective";
import { needsMending } from "../../core/run";
import { trainedOfRun } from "../../state/adapters";
import { askExport } from "../../state/exports";
import { continueRun, pauseRun, type RunView, resumeRun, stopRun } from "../../state/runs";
import { canResume } from "../../state/runsMirror";
import { Button, IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { useRunCommands } from "./useRunCommands";

/** Steps pass by without it being drawn again. */
export const RunActions = memo(RunActionsNow, ({ view: a }, { view: b }) => {
  const same = a.where === b.where && a.busy === b.busy && a.run.status === b.run.status;
  return same && a.run.checkpoint === b.run.checkpoint && a.run.name === b.run.name && a.run.recipe === b.run.recipe;
});

function RunActionsNow({ view }: { view: RunView }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { run, where, busy } = view;
  const hasAdapter = run.checkpoint > 0;
  const { actions, dialogs } = useRunCommands(run, () => navigate("/runs"));
  return (
    <>
      {where === "here" && <LiveActions view={view} />}
      {where === "nowhere" && canResume(run) && !needsMending(run) && (
        <Button icon="play" isDisabled={busy !== null} onPress={() => void resumeRun(run.id)}>
          {busy === "resuming"
            ? t("run.resuming")
            : run.checkpoint > 0
              ? t("run.resume", { step: run.checkpoint })
              : t("run.resumeStart")}
        </Button>
      )}
      {where !== "here" && hasAdapter && (
        <Button icon="download" onPress={() => void askExport(trainedOfRun(run))}>
          {t("exports.open")}
        </Button>
      )}
      {isPolicy(run.recipe.objective) && (
        <Button icon="datasets" onPress={() => navigate(`/runs/${run.id}/groups`)}>
          {t("groups.open")}
        </Button>
      )}
      <Button
        variant={where === "here" ? "plain" : "primary"}
        icon="playground"
        isDisabled={!hasAdapter}
        onPress={() => navigate(`/playground?run=${run.id}`)}
      >
        {t("run.talk")}
      </Button>
      <Menu label={t("run.more")} actions={actions}>
        <IconButton label={t("run.more")} icon="more" />
      </Menu>
      {dialogs}
    </>
  );
}

function LiveActions({ view: { run, busy } }: { view: RunView }) {
  const { t } = useTranslation();
  const isPaused = run.status === "paused";
  const discardHint =
    run.checkpoint > 0 ? t("run.stopDiscardHint", { step: run.checkpoint }) : t("run.stopDiscardNone");
  return (
    <>
      {isPaused ? (
        <Button variant="primary" icon="play" isDisabled={busy !== null} onPress={() => void continueRun(run.id)}>
          {t("run.continue")}
        </Button>
      ) : (
        <Button icon="pause" isDisabled={busy !== null} onPress={() => void pauseRun(run.id)}>
          {busy === "pausing" ? t("run.pausing") : t("run.pause")}
        </Button>
      )}
      <Menu
        label={t("run.stop")}
        actions={[
          {
            id: "keep",
            label: t("run.stopKeep"),
            description: t("run.stopKeepHint"),
            onAction: () => void stopRun(run.id, true),
          },
          {
            id: "discard",
            label: t("run.stopDiscard"),
            description: discardHint,
            isDanger: true,
            onAction: () => void stopRun(run.id, false),
          },
        ]}
      >
        <Button icon="stop" isDisabled={busy === "stopping"}>
          {busy === "stopping" ? t("run.stopping") : t("run.stop")}
        </Button>
      </Menu>
    </>
  );
}
