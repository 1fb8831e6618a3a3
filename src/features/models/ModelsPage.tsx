/** @file The models that can be taught: what is here, how others come in. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { loadAdapters } from "../../state/adapters";
import { useEngine } from "../../state/engine";
import {
  dismissModelTask,
  importModel,
  loadModels,
  type ModelTask,
  stopModelTask,
  useModels,
  useModelTask,
} from "../../state/models";
import { loadRuns } from "../../state/runs";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatBytes } from "../../ui/formatQuantity";
import { Menu } from "../../ui/Menu";
import { Page } from "../../ui/Page";
import { ProgressBar } from "../../ui/ProgressBar";
import { modelFiles, pickFiles } from "../../ui/pickFile";
import { AskBaseDialog } from "./AskBaseDialog";
import { DownloadDialog } from "./DownloadDialog";
import { ModelDetails } from "./ModelDetails";

export default function ModelsPage() {
  const { t } = useTranslation();
  const models = useModels();
  const engine = useEngine();
  const task = useModelTask();
  const [isDownloading, setDownloading] = useState(false);
  useEffect(() => {
    if (engine.status === "ready") void loadModels();
  }, [engine.status]);
  useEffect(() => {
    void loadAdapters();
    void loadRuns();
  }, []);
  const failure = engine.status === "failed" ? engine.error : models.status === "failed" ? models.error : null;
  const isBusy = task.status === "working";
  return (
    <Page
      title={t("models.title")}
      actions={
        <>
          <Button icon="download" isDisabled={isBusy} onPress={() => setDownloading(true)}>
            {t("models.fromHub")}
          </Button>
          <Menu
            label={t("models.bring")}
            actions={[
              {
                id: "files",
                label: t("models.bringFiles"),
                description: t("models.bringFilesHint"),
                icon: "file",
                onAction: () => pickFiles({ accept: modelFiles, multiple: true }, (files) => void importModel(files)),
              },
              {
                id: "folder",
                label: t("models.bringFolder"),
                description: t("models.bringFolderHint"),
                icon: "upload",
                onAction: () => pickFiles({ webkitdirectory: true }, (files) => void importModel(files)),
              },
            ]}
          >
            <Button variant="primary" icon="upload" isDisabled={isBusy}>
              {t("models.bring")}
            </Button>
          </Menu>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {task.status === "working" && <Working task={task} />}
        {task.status === "failed" && (
          <div className="flex max-w-240 flex-col items-start gap-2">
            <ErrorNotice error={task.error} className="w-full" />
            <Button size="sm" variant="quiet" onPress={dismissModelTask}>
              {t("common.dismiss")}
            </Button>
          </div>
        )}
        {failure !== null ? (
          <ErrorNotice error={failure} className="max-w-160" />
        ) : models.status === "ready" ? (
          models.models.map((model) => <ModelDetails key={model.id} model={model} />)
        ) : (
          <p className="text-muted">{t("common.loading")}</p>
        )}
        {models.status === "ready" && models.models.length === 1 && task.status === "idle" && (
          <p className="max-w-160 text-sm text-muted">{t("models.invite")}</p>
        )}
      </div>
      <DownloadDialog isOpen={isDownloading} onClose={() => setDownloading(false)} />
      {models.status === "ready" && <AskBaseDialog models={models.models} />}
    </Page>
  );
}

function Working({ task }: { task: Extract<ModelTask, { status: "working" }> }) {
  const { t } = useTranslation();
  const { what, name, file, done, total } = task;
  return (
    <section
      aria-label={t(`models.task.${what}`, { name })}
      className="flex max-w-240 items-center gap-4 rounded-lg border border-line bg-surface px-4 py-3"
    >
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        <ProgressBar
          label={t(`models.task.${what}`, { name })}
          showLabel
          value={total > 0 ? done / total : undefined}
        />
        <p className="truncate font-mono text-xs text-muted">
          {total > 0
            ? t("models.task.at", { file, done: formatBytes(done), total: formatBytes(total) })
            : t("models.task.looking")}
        </p>
      </div>
      <Button onPress={stopModelTask}>{t("models.task.stop")}</Button>
    </section>
  );
}
