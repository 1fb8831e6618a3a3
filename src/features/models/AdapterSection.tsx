/** @file What was trained on a base: its runs and the library's adapters, and how others come in. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "../../core/modelRecord";
import {
  canAddUp,
  dismissAdapterTask,
  importAdapter,
  listTrained,
  type Trained,
  useAdapters,
  useAdapterTask,
} from "../../state/adapters";
import { modelName } from "../../state/models";
import { useRuns } from "../../state/runs";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Menu } from "../../ui/Menu";
import { ProgressBar } from "../../ui/ProgressBar";
import { adapterFiles, pickFiles } from "../../ui/pickFile";
import { UnreadableNotice } from "../../ui/UnreadableNotice";
import { AdapterTable } from "./AdapterTable";
import { AddUpDialog } from "./AddUpDialog";

/** The runs with a checkpoint on this base, then the library's. */
function useTrainedOn(base: string): { trained: Trained[]; failure: unknown; unreadable: number } {
  const library = useAdapters();
  const runs = useRuns();
  const all = listTrained(runs.status === "ready" ? runs.runs : [], library.status === "ready" ? library.adapters : []);
  const failure = library.status === "failed" ? library.error : runs.status === "failed" ? runs.error : null;
  const unreadable = library.status === "ready" ? library.unreadable : 0;
  return { trained: all.filter(({ model }) => model === base), failure, unreadable };
}

export function AdapterSection({ model }: { model: Model }) {
  const { t } = useTranslation();
  const base = modelName(model.id);
  const { trained, failure, unreadable } = useTrainedOn(base);
  const [isAdding, setAdding] = useState(false);
  const canAdd = trained.filter(({ adaptation }) => canAddUp(adaptation)).length > 1;
  return (
    // a drop anywhere on the page asks which base the adapter is for; here it is known
    <section aria-label={t("models.adapters.table", { name: model.name })} data-adapters-of={base} className="mt-5">
      <header className="mb-1 flex flex-wrap items-center justify-between gap-2">
        <h3 className="text-sm">{t("models.adapters.title")}</h3>
        <div className="flex gap-2">
          {canAdd && (
            <Button size="sm" icon="plus" onPress={() => setAdding(true)}>
              {t("models.adapters.add")}
            </Button>
          )}
          <Bring base={base} />
        </div>
      </header>
      <TaskNotice base={base} />
      {failure !== null && <ErrorNotice error={failure} className="mb-2" />}
      {base === "embedded" && <UnreadableNotice count={unreadable} />}
      {trained.length > 0 ? (
        <AdapterTable base={model} trained={trained} />
      ) : (
        <p className="text-sm text-muted">{t("models.adapters.none")}</p>
      )}
      {isAdding && <AddUpDialog trained={trained} onClose={() => setAdding(false)} />}
    </section>
  );
}

function Bring({ base }: { base: string }) {
  const { t } = useTranslation();
  const isBusy = useAdapterTask(({ status }) => status === "working");
  const take = (files: File[]) => void importAdapter(files, base);
  return (
    <Menu
      label={t("models.adapters.bring")}
      actions={[
        {
          id: "files",
          label: t("models.adapters.bringFiles"),
          description: t("models.adapters.bringFilesHint"),
          icon: "file",
          onAction: () => pickFiles({ accept: adapterFiles, multiple: true }, take),
        },
        {
          id: "folder",
          label: t("models.adapters.bringFolder"),
          description: t("models.adapters.bringFolderHint"),
          icon: "upload",
          onAction: () => pickFiles({ webkitdirectory: true }, take),
        },
      ]}
    >
      <Button size="sm" icon="upload" isDisabled={isBusy}>
        {t("models.adapters.bring")}
      </Button>
    </Menu>
  );
}

/** What is coming in for this base, what came, or why it did not. */
function TaskNotice({ base }: { base: string }) {
  const { t } = useTranslation();
  const task = useAdapterTask();
  const isHere = "model" in task && task.model === base;
  return (
    <>
      <p role="status" className={isHere && task.status === "done" ? "mb-2 text-sm text-good" : "sr-only"}>
        {isHere && task.status === "working" && t("models.adapters.bringing", { name: task.name })}
        {isHere && task.status === "done" && t("models.adapters.brought", { name: task.name })}
      </p>
      {isHere && task.status === "working" && (
        <ProgressBar label={t("models.adapters.bringing", { name: task.name })} showLabel className="mb-2 max-w-80" />
      )}
      {isHere && task.status === "failed" && (
        <ErrorNotice
          error={task.error}
          className="mb-2"
          action={
            <Button size="sm" onPress={dismissAdapterTask}>
              {t("common.dismiss")}
            </Button>
          }
        />
      )}
    </>
  );
}
