/** @file Asks which base a dropped adapter is for. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "../../core/modelRecord";
import { dismissAdapterTask, importAdapter, useAdapterTask } from "../../state/adapters";
import { modelName } from "../../state/models";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Select } from "../../ui/Select";

export function AskBaseDialog({ models }: { models: readonly Model[] }) {
  const { t } = useTranslation();
  const task = useAdapterTask();
  const usable = models.filter(({ facts }) => facts);
  const [chosen, setChosen] = useState<string | null>(null);
  const base = chosen ?? (usable[0] ? modelName(usable[0].id) : null);
  if (task.status !== "asking" || base === null) return null;
  return (
    <Dialog
      title={t("models.adapters.askTitle", { name: task.name })}
      isOpen
      onClose={dismissAdapterTask}
      width="sm"
      actions={
        <>
          <Button onPress={dismissAdapterTask}>{t("common.cancel")}</Button>
          <Button variant="primary" icon="upload" onPress={() => void importAdapter(task.files, base, task.name)}>
            {t("models.adapters.take")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-sm text-muted">{t("models.adapters.askHint")}</p>
        <Select
          label={t("models.adapters.base")}
          options={usable.map(({ id, name }) => ({ id: modelName(id), label: name }))}
          value={base}
          onChange={setChosen}
        />
      </div>
    </Dialog>
  );
}
