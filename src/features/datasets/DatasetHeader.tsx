/** @file What a data set is, what was left out of it, and what can be done with it. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Dataset } from "../../core/dataset";
import { embeddedDataset } from "../../core/ids";
import { deleteDataset, exportRows, sourceOf } from "../../state/datasets";
import { showMessage } from "../../state/shell";
import { changeRecipe } from "../../state/studio";
import { Badge } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { ConfirmDialog, Dialog } from "../../ui/Dialog";
import { explainError } from "../../ui/explainError";
import { formatBytes, formatCount, formatTime } from "../../ui/formatQuantity";
import { saveFile } from "../../ui/saveFile";
import { BadRows } from "./BadRows";

export function DatasetHeader({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const [open, setOpen] = useState<"delete" | "skipped" | null>(null);
  const close = () => setOpen(null);
  const { name, id } = dataset;
  const isEmbedded = id === embeddedDataset;
  const use = () => {
    changeRecipe((draft) => ({
      ...draft,
      name: isEmbedded ? "quickstart" : name.slice(0, 120),
      data: { ...draft.data, source: sourceOf(id) },
    }));
    navigate("/");
  };
  const remove = async () => {
    try {
      await deleteDataset(id);
      showMessage({ tone: "good", title: t("datasets.deleted", { name }) });
      navigate("/datasets");
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title: t("datasets.deleteFailed", { name }), detail: detail || title });
    }
  };
  const save = async () => {
    try {
      saveFile(`${name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")}.jsonl`, await exportRows(id), "application/jsonl");
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title: t("datasets.exportFailed", { name }), detail: detail || title });
    }
  };
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2">
      <h2 className="min-w-0 truncate text-base">{name}</h2>
      <Badge>{t(`datasets.format.${dataset.mapping.format}`)}</Badge>
      <p className="text-xs text-muted" title={dataset.hash && `${t("datasets.hash")} ${dataset.hash}`}>
        {[
          t("datasets.rows", { count: dataset.rows }),
          formatBytes(dataset.bytes),
          isEmbedded ? t("datasets.embedded") : t("datasets.imported", { time: formatTime(dataset.createdAt) }),
        ].join(" · ")}
      </p>
      {dataset.skippedCount > 0 && (
        <Button size="sm" variant="quiet" icon="warning" onPress={() => setOpen("skipped")}>
          {t("datasets.skipped", { count: dataset.skippedCount })}
        </Button>
      )}
      <span className="flex-1" />
      <Button size="sm" icon="studio" onPress={use}>
        {t("datasets.use")}
      </Button>
      <IconButton size="sm" icon="download" label={t("datasets.export")} onPress={() => void save()} />
      {!isEmbedded && (
        <IconButton size="sm" icon="trash" label={t("datasets.delete")} onPress={() => setOpen("delete")} />
      )}
      <ConfirmDialog
        title={t("datasets.deleteTitle", { name })}
        isOpen={open === "delete"}
        onClose={close}
        action={t("datasets.delete")}
        onConfirm={() => void remove()}
      >
        {t("datasets.deleteDetail")}
      </ConfirmDialog>
      <Dialog title={t("datasets.skippedTitle", { name })} isOpen={open === "skipped"} onClose={close}>
        <BadRows bad={dataset.skipped} />
        {dataset.skippedCount > dataset.skipped.length && (
          <p className="mt-2 text-xs text-muted">
            {t("datasets.skippedMore", {
              shown: formatCount(dataset.skipped.length),
              count: dataset.skippedCount,
            })}
          </p>
        )}
      </Dialog>
    </header>
  );
}
