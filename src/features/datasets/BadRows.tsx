/** @file Lines that could not be used, each with its number and why. */

import { useTranslation } from "react-i18next";
import type { BadRow } from "../../core/dataset";
import { formatCount } from "../../ui/formatQuantity";
import { Table } from "../../ui/Table";
import { translate } from "../../ui/words/translate";

export function BadRows({ bad }: { bad: readonly BadRow[] }) {
  const { t } = useTranslation();
  return (
    <div className="max-h-80 overflow-auto rounded-md border border-line">
      <Table
        label={t("datasets.import.badTitle", { count: bad.length })}
        rows={bad}
        rowKey={({ line }) => String(line)}
        columns={[
          {
            id: "line",
            header: t("datasets.import.line"),
            numeric: true,
            className: "w-20",
            cell: ({ line }) => formatCount(line),
          },
          { id: "reason", header: t("datasets.import.reason"), cell: ({ reason }) => translate(t, reason) },
        ]}
      />
    </div>
  );
}
