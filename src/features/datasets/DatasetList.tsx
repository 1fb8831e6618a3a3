/** @file The data sets that are here, the embedded one first. */

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Dataset } from "../../core/dataset";
import { embeddedDataset } from "../../core/ids";
import { formatBytes } from "../../ui/formatQuantity";

export function DatasetList({ datasets, chosen }: { datasets: readonly Dataset[]; chosen: string }) {
  const { t } = useTranslation();
  return (
    <nav
      aria-label={t("datasets.list")}
      className="shrink-0 border-line max-md:max-h-40 max-md:overflow-y-auto max-md:border-b md:w-56 md:overflow-y-auto md:border-r"
    >
      <ul>
        {datasets.map((dataset) => (
          <li key={dataset.id}>
            <Link
              href={`/datasets/${dataset.id}`}
              aria-current={dataset.id === chosen ? "page" : undefined}
              className={`flex flex-col border-b border-line/70 px-4 py-2 outline-offset-[-2px] ${
                dataset.id === chosen ? "bg-accent-soft" : "hover:bg-hover/60"
              }`}
            >
              <span className={`truncate font-medium ${dataset.id === chosen ? "text-accent-ink" : ""}`}>
                {dataset.name}
              </span>
              <span className="truncate text-xs text-muted">
                {t("datasets.rows", { count: dataset.rows })}
                {dataset.bytes > 0 && ` · ${formatBytes(dataset.bytes)}`}
                {dataset.id === embeddedDataset && ` · ${t("datasets.embedded")}`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {datasets.length === 1 && (
        <div className="px-4 py-3 text-xs text-faint max-md:hidden">
          <p className="text-muted">{t("datasets.empty")}</p>
          <p className="mt-1">{t("datasets.emptyHint")}</p>
        </div>
      )}
    </nav>
  );
}
