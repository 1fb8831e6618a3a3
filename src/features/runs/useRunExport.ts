/** @file Takes a run's adapter away as a file, and says so. */

import { useTranslation } from "react-i18next";
import type { RunId } from "../../core/ids";
import { exportAdapter, useExports } from "../../state/exports";
import { showMessage } from "../../state/shell";
import { saveFile } from "../../ui/saveFile";

export function useRunExport(run: RunId): { isBusy: boolean; failure: unknown; save: () => void } {
  const { t } = useTranslation();
  const isBusy = useExports(({ busy }) => busy.has(run));
  const failure = useExports(({ failure }) => (failure?.run === run ? failure.error : null));
  const save = async () => {
    const file = await exportAdapter(run);
    if (!file) return;
    saveFile(file.name, file.zip, file.zip.type);
    showMessage({ tone: "good", title: t("run.exported"), detail: t("run.exportedDetail", { name: file.name }) });
  };
  return { isBusy, failure, save: () => void save() };
}
