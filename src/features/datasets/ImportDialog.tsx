/** @file The import, step by step: what the file is, how its columns are read, how far it is, what cannot be used. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { Dataset } from "../../core/dataset";
import { cancelImport, type ImportState, inspectFile, startImport, useImport } from "../../state/imports";
import { showMessage } from "../../state/shell";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatBytes, formatCount } from "../../ui/formatQuantity";
import { ProgressBar } from "../../ui/ProgressBar";
import { datasetFiles, pickFile } from "../../ui/pickFile";
import { BadRows } from "./BadRows";
import { MappingForm } from "./MappingForm";

type Step<S extends ImportState["status"]> = Extract<ImportState, { status: S }>;

export function ImportDialog({ onDone }: { onDone: (dataset: Dataset) => void }) {
  const { t } = useTranslation();
  const state = useImport();
  useEffect(() => {
    if (state.status !== "done") return;
    const { dataset } = state;
    cancelImport();
    showMessage({
      tone: "good",
      title: t("datasets.import.done", { name: dataset.name }),
      detail: t("datasets.import.doneDetail", { count: dataset.rows }),
    });
    onDone(dataset);
  }, [state, onDone, t]);
  if (state.status === "idle" || state.status === "done") return null;
  const file = state.file.name;
  const title =
    state.status === "failed" ? t("datasets.import.failed", { file }) : t("datasets.import.title", { file });
  return (
    <Dialog
      title={title}
      isOpen
      onClose={cancelImport}
      width={state.status === "mapping" ? "lg" : "md"}
      actions={<Actions state={state} />}
    >
      {state.status === "inspecting" && <ProgressBar label={t("datasets.import.looking", { file })} showLabel />}
      {state.status === "mapping" && <MappingForm {...state} />}
      {state.status === "importing" && <Importing state={state} />}
      {state.status === "bad" && <Bad state={state} />}
      {state.status === "failed" && <ErrorNotice error={state.error} />}
    </Dialog>
  );
}

function Actions({ state }: { state: Exclude<ImportState, Step<"idle"> | Step<"done">> }) {
  const { t } = useTranslation();
  return (
    <>
      <Button onPress={cancelImport}>{t("datasets.import.cancel")}</Button>
      {state.status === "mapping" && (
        <Button variant="primary" isDisabled={state.name.trim() === ""} onPress={() => void startImport("report")}>
          {t("datasets.import.start")}
        </Button>
      )}
      {state.status === "bad" && state.rows > 0 && (
        <Button variant="primary" onPress={() => void startImport("skip")}>
          {t("datasets.import.skip", { count: state.badCount })}
        </Button>
      )}
      {state.status === "failed" && (
        <Button variant="primary" onPress={() => pickFile(datasetFiles, (file) => void inspectFile(file))}>
          {t("datasets.import.another")}
        </Button>
      )}
    </>
  );
}

function Importing({ state: { name, progress } }: { state: Step<"importing"> }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-2">
      <ProgressBar
        label={t("datasets.import.importing", { name })}
        showLabel
        value={progress.total > 0 ? progress.done / progress.total : undefined}
      />
      <p className="font-mono text-xs text-muted">
        {t("datasets.import.progress", {
          done: formatBytes(progress.done),
          total: formatBytes(progress.total),
          rows: formatCount(progress.rows),
        })}
      </p>
      <p className="text-xs text-faint">{t("datasets.import.undone")}</p>
    </div>
  );
}

function Bad({ state: { bad, badCount, rows } }: { state: Step<"bad"> }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-2">
      <p className="text-base font-medium">{t("datasets.import.badTitle", { count: badCount })}</p>
      <p className="text-muted">
        {rows > 0 ? t("datasets.import.badDetail", { rows: formatCount(rows) }) : t("datasets.import.badAll")}
      </p>
      <BadRows bad={bad} />
      {badCount > bad.length && (
        <p className="text-xs text-muted">
          {t("datasets.import.badMore", { shown: formatCount(bad.length), count: badCount })}
        </p>
      )}
    </div>
  );
}
