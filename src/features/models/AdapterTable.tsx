/** @file The adapters of a base, a line each: what they are, where they came from, what can be done with them. */

import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { countTrained } from "../../core/adaptation";
import type { AdapterRecord } from "../../core/adapterRecord";
import type { Model } from "../../core/modelRecord";
import { deleteAdapter, renameAdapter, type Trained } from "../../state/adapters";
import { askExport } from "../../state/exports";
import { showMessage } from "../../state/shell";
import { Button, IconButton } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/Dialog";
import { explainError } from "../../ui/explainError";
import { formatBytes, formatNumber } from "../../ui/formatQuantity";
import { Menu } from "../../ui/Menu";
import { methodsText } from "../../ui/methodsText";
import { type Column, Table } from "../../ui/Table";
import { RenameDialog } from "./RenameDialog";

function originText(t: TFunction, { from }: Trained): string {
  if (from.kind === "run") return t("models.adapters.ofRun", { step: from.run.checkpoint });
  const { origin } = from.record;
  if (origin.kind === "files") return t("models.adapters.ofFiles");
  const parts = origin.parts.map(({ name, weight }) =>
    t("models.adapters.part", { name, weight: formatNumber(weight, 3) }),
  );
  return t("models.adapters.ofSum", { parts: parts.join(" + ") });
}

/** Bytes of its tensors in f32. */
function sizeOf({ facts }: Model, { from, adaptation }: Trained): string {
  if (from.kind === "library") return formatBytes(from.record.bytes);
  return facts ? formatBytes(4 * countTrained(facts.config, adaptation)) : "";
}

export function AdapterTable({ base, trained }: { base: Model; trained: readonly Trained[] }) {
  const { t } = useTranslation();
  const columns: Column<Trained>[] = [
    {
      id: "name",
      header: t("models.adapters.name"),
      cell: ({ name, id, from }) =>
        from.kind === "run" ? (
          <Link href={`/runs/${id}`} className="font-medium hover:underline">
            {name}
          </Link>
        ) : (
          <span className="font-medium">{name}</span>
        ),
    },
    {
      id: "methods",
      header: t("models.adapters.methods"),
      cell: ({ adaptation }) => <span className="text-muted">{methodsText(t, adaptation)}</span>,
    },
    {
      id: "from",
      header: t("models.adapters.from"),
      cell: (each) => <span className="text-muted">{originText(t, each)}</span>,
    },
    { id: "size", header: t("models.adapters.size"), numeric: true, cell: (each) => sizeOf(base, each) },
    {
      id: "actions",
      header: <span className="sr-only">{t("models.adapters.actionsHeader")}</span>,
      cell: (each) => <RowActions trained={each} />,
    },
  ];
  return (
    <Table
      label={t("models.adapters.table", { name: base.name })}
      columns={columns}
      rows={trained}
      rowKey={({ id }) => id}
    />
  );
}

function RowActions({ trained }: { trained: Trained }) {
  const { t } = useTranslation();
  const { id, name, from } = trained;
  const [, navigate] = useLocation();
  return (
    <div className="flex items-center justify-end gap-1">
      <Button
        size="sm"
        icon="playground"
        aria-label={t("models.adapters.talk", { name })}
        onPress={() => navigate(`/playground?run=${id}`)}
      >
        {t("models.adapters.talkShort")}
      </Button>
      <Button
        size="sm"
        icon="download"
        aria-label={t("models.adapters.export", { name })}
        onPress={() => void askExport(trained)}
      >
        {t("models.adapters.exportShort")}
      </Button>
      {from.kind === "library" && <LibraryMenu record={from.record} />}
    </div>
  );
}

function LibraryMenu({ record }: { record: AdapterRecord }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const { id, name } = record;
  const close = () => setOpen(null);
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title, detail });
    }
  };
  const label = t("models.adapters.more", { name });
  return (
    <>
      <Menu
        label={label}
        actions={[
          { id: "rename", label: t("models.adapters.rename"), icon: "file", onAction: () => setOpen("rename") },
          {
            id: "delete",
            label: t("models.adapters.delete"),
            icon: "trash",
            isDanger: true,
            onAction: () => setOpen("delete"),
          },
        ]}
      >
        <IconButton size="sm" icon="more" label={label} />
      </Menu>
      {open === "rename" && (
        <RenameDialog
          title={t("models.adapters.renameTitle", { name })}
          name={name}
          onClose={close}
          onRename={(next) => void attempt(() => renameAdapter(id, next))}
        />
      )}
      <ConfirmDialog
        title={t("models.adapters.deleteTitle", { name })}
        isOpen={open === "delete"}
        onClose={close}
        action={t("models.adapters.delete")}
        onConfirm={() => void attempt(() => deleteAdapter(id))}
      >
        {t("models.adapters.deleteDetail", { size: formatBytes(record.bytes) })}
      </ConfirmDialog>
    </>
  );
}
