/** @file What can be done with a comparison: go on, pause, stop, save, delete. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Ablation } from "../../core/ablation";
import { goOn, pauseAblation, removeAblation, stopAblation } from "../../state/ablations";
import type { QueueView } from "../../state/ablationsQueue";
import { type AblationTable, newAblationCsv, newAblationMarkdown } from "../../state/ablationsTable";
import { openRecipe } from "../../state/studio";
import { Button, IconButton } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { Menu } from "../../ui/Menu";
import { saveFile } from "../../ui/saveFile";

type ActionsProps = { ablation: Ablation; view: QueueView; table: AblationTable };

const fileNameOf = ({ name }: Ablation) => name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").toLowerCase();

export function AblationActions({ ablation, view: { status }, table }: ActionsProps) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const [isDeleting, setDeleting] = useState(false);
  const { id, name } = ablation;
  const isGoing = status === "going";
  const rests = status === "paused" || status === "stopped" || status === "interrupted";
  const save = (ending: "md" | "csv") => {
    const text = ending === "md" ? newAblationMarkdown(ablation, table) : newAblationCsv(table);
    saveFile(`${fileNameOf(ablation)}.${ending}`, text, ending === "md" ? "text/markdown" : "text/csv;charset=utf-8");
  };
  return (
    <>
      {isGoing && (
        <Button icon="pause" onPress={() => void pauseAblation(id)}>
          {t("ablation.pause")}
        </Button>
      )}
      {(isGoing || status === "paused") && (
        <Button icon="stop" onPress={() => void stopAblation(id)}>
          {t("ablation.stop")}
        </Button>
      )}
      {rests && (
        <Button variant="primary" icon="play" onPress={() => void goOn(id)}>
          {t("ablation.goOn")}
        </Button>
      )}
      <Menu
        label={t("ablation.more")}
        actions={[
          { id: "md", label: t("ablation.saveMarkdown"), icon: "download", onAction: () => save("md") },
          { id: "csv", label: t("ablation.saveCsv"), icon: "download", onAction: () => save("csv") },
          {
            id: "recipe",
            label: t("ablation.openRecipe"),
            icon: "studio",
            onAction: () => {
              openRecipe(ablation.recipe);
              navigate("/");
            },
          },
          {
            id: "delete",
            label: t("ablation.delete"),
            icon: "trash",
            isDanger: true,
            isDisabled: isGoing || status === "elsewhere",
            onAction: () => setDeleting(true),
          },
        ]}
      >
        <IconButton label={t("ablation.more")} icon="more" />
      </Menu>
      <ConfirmDialog
        title={t("ablation.deleteTitle", { name })}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        action={t("ablation.delete")}
        onConfirm={() => {
          void removeAblation(id).then(() => navigate("/compare"));
        }}
      >
        {t("ablation.deleteText")}
      </ConfirmDialog>
    </>
  );
}
