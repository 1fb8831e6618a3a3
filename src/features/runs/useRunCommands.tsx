/** @file Renaming and deleting a run: the dialogs, and the actions that open them. */

import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { isPolicy } from "../../core/objective";
import type { Run } from "../../core/run";
import { trainedOfRun } from "../../state/adapters";
import { askExport } from "../../state/exports";
import { deleteRun, renameRun } from "../../state/runs";
import { isActive } from "../../state/runsMirror";
import { openRecipe } from "../../state/studio";
import { Button } from "../../ui/Button";
import { ConfirmDialog, Dialog } from "../../ui/Dialog";
import type { MenuAction } from "../../ui/Menu";
import { saveFile } from "../../ui/saveFile";
import { TextField } from "../../ui/TextField";
import { useSaveGroups } from "./useSaveGroups";

export function useRunCommands(run: Run, onDeleted?: () => void): { actions: MenuAction[]; dialogs: ReactNode } {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState<"rename" | "delete" | null>(null);
  const close = () => setAsking(null);
  const isBusy = isActive(run);
  const { save: saveGroups } = useSaveGroups(run);
  const actions: MenuAction[] = [
    {
      id: "export",
      label: t("exports.open"),
      icon: "download",
      isDisabled: run.checkpoint === 0,
      onAction: () => void askExport(trainedOfRun(run)),
    },
    {
      id: "again",
      label: t("run.again"),
      icon: "studio",
      onAction: () => {
        openRecipe(run.recipe);
        navigate("/");
      },
    },
    {
      id: "recipe",
      label: t("run.recipeSave"),
      icon: "code",
      onAction: () =>
        saveFile(`${run.name}.recipe.json`, `${JSON.stringify(run.recipe, null, 2)}\n`, "application/json"),
    },
    ...(isPolicy(run.recipe.objective)
      ? [{ id: "groups", label: t("groups.export"), icon: "download" as const, onAction: () => void saveGroups() }]
      : []),
    {
      id: "rename",
      label: t("runs.rename"),
      icon: "file",
      isDisabled: isBusy,
      ...(isBusy ? { description: t("runs.renameBusy") } : {}),
      onAction: () => setAsking("rename"),
    },
    {
      id: "delete",
      label: t("runs.delete"),
      icon: "trash",
      isDanger: true,
      isDisabled: isBusy,
      onAction: () => setAsking("delete"),
    },
  ];
  const dialogs = (
    <>
      {asking === "rename" && <RenameDialog run={run} onClose={close} />}
      <ConfirmDialog
        title={t("runs.deleteTitle", { name: run.name })}
        isOpen={asking === "delete"}
        onClose={close}
        action={t("runs.delete")}
        onConfirm={() => {
          onDeleted?.();
          void deleteRun(run.id);
        }}
      >
        <p className="text-sm">{t("runs.deleteText")}</p>
      </ConfirmDialog>
    </>
  );
  return { actions, dialogs };
}

function RenameDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(run.name);
  const trimmed = name.trim();
  return (
    <Dialog
      title={t("runs.renameTitle", { name: run.name })}
      isOpen
      onClose={onClose}
      width="sm"
      actions={<Button onPress={onClose}>{t("common.cancel")}</Button>}
    >
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (trimmed === "") return;
          onClose();
          void renameRun(run.id, trimmed.slice(0, 120));
        }}
      >
        <TextField className="flex-1" label={t("runs.renameField")} value={name} onChange={setName} autoFocus />
        <Button variant="primary" type="submit" isDisabled={trimmed === ""}>
          {t("runs.save")}
        </Button>
      </form>
    </Dialog>
  );
}
