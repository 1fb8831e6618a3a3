/** @file Takes a run's adapter, or its model with the adapter merged in, away as a file, and says so. */

import { useTranslation } from "react-i18next";
import type { RunId } from "../../core/ids";
import { exportAdapter, exportMerged, useExports } from "../../state/exports";
import { showMessage } from "../../state/shell";
import { saveFile } from "../../ui/saveFile";

export type RunExport = {
  isBusy: boolean;
  /** How far the merged model is that is being written, from 0 to 1. */
  merging: number | null;
  failure: unknown;
  save: () => void;
  saveMerged: (dtype: "float16" | "float32") => void;
};

export function useRunExport(run: RunId): RunExport {
  const { t } = useTranslation();
  const isBusy = useExports(({ busy }) => busy.has(run));
  const merging = useExports((state) => (state.merging?.run === run ? state.merging.share : null));
  const failure = useExports(({ failure }) => (failure?.run === run ? failure.error : null));
  const save = async () => {
    const file = await exportAdapter(run);
    if (!file) return;
    saveFile(file.name, file.zip, file.zip.type);
    showMessage({ tone: "good", title: t("run.exported"), detail: t("run.exportedDetail", { name: file.name }) });
  };
  const saveMerged = async (dtype: "float16" | "float32") => {
    const file = await exportMerged(run, dtype);
    if (!file) return;
    saveFile(file.name, file.zip, "application/zip");
    showMessage({ tone: "good", title: t("run.merged"), detail: t("run.mergedDetail", { name: file.name }) });
  };
  return { isBusy, merging, failure, save: () => void save(), saveMerged: (dtype) => void saveMerged(dtype) };
}
