/** @file All answers of a run with what they were worth, saved as JSON lines. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Run } from "../../core/run";
import { exportGroups } from "../../state/groups";
import { showMessage } from "../../state/shell";
import { explainError } from "../../ui/explainError";
import { saveFile } from "../../ui/saveFile";

export function useSaveGroups({ id, name }: Run): { isSaving: boolean; save: () => Promise<void> } {
  const { t } = useTranslation();
  const [isSaving, setSaving] = useState(false);
  const save = async () => {
    setSaving(true);
    try {
      const lines = await exportGroups(id);
      saveFile(`${name}.groups.jsonl`, lines, lines.type);
    } catch (error) {
      const { title, detail, hint } = explainError(t, error);
      showMessage({ tone: "bad", title, detail: detail || hint });
    } finally {
      setSaving(false);
    }
  };
  return { isSaving, save };
}
