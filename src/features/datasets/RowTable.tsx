/** @file The rows of a data set, however many: only those in view are read and drawn. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useId, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Dataset, Row } from "../../core/dataset";
import { rowAt, showRows, useDatasetRows } from "../../state/datasetRows";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatCount } from "../../ui/formatQuantity";
import { NumberField } from "../../ui/NumberField";

const rowHeight = 32;
/** More columns than this are counted, not drawn. */
const mostColumns = 12;
/** A cell shows its beginning; the whole row stands in the pane beside. */
const mostCharacters = 240;

type Props = { dataset: Dataset; chosen: number; onChoose: (row: number) => void };

export function RowTable({ dataset, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const state = useDatasetRows();
  const virtual = useVirtualizer({
    count: dataset.rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    paddingStart: rowHeight, // the header's
    scrollPaddingStart: rowHeight,
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useEffect(() => showRows(dataset.id, first, last), [dataset.id, first, last]);

  const choose = (row: number) => {
    const within = Math.min(dataset.rows - 1, Math.max(0, row));
    onChoose(within);
    virtual.scrollToIndex(within);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const moves: Partial<Record<string, number>> = {
      ArrowDown: chosen + 1,
      ArrowUp: chosen - 1,
      PageDown: chosen + page,
      PageUp: chosen - page,
      Home: 0,
      End: dataset.rows - 1,
    };
    const to = moves[event.key];
    if (to === undefined || event.altKey || event.metaKey) return;
    event.preventDefault();
    choose(to);
  };

  const columns = dataset.columns.slice(0, mostColumns);
  const more = dataset.columns.length - columns.length;
  const template = {
    gridTemplateColumns: `72px repeat(${columns.length}, minmax(160px, 1fr))${more > 0 ? " 48px" : ""}`,
  };
  if (state.error !== null && state.dataset === dataset.id) return <ErrorNotice error={state.error} className="m-4" />;
  return (
    <div className="flex min-h-60 min-w-0 flex-1 flex-col bg-surface">
      <div
        ref={scroller}
        role="grid"
        aria-label={t("datasets.rowsOf", { name: dataset.name })}
        aria-rowcount={dataset.rows + 1}
        aria-colcount={columns.length + 1}
        aria-activedescendant={`${id}-${chosen}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        className="min-h-0 flex-1 overflow-auto outline-offset-[-2px]"
      >
        <div className="relative min-w-fit" style={{ height: virtual.getTotalSize() }}>
          <div
            role="row"
            aria-rowindex={1}
            className="sticky top-0 z-10 grid h-8 items-center border-b border-line bg-surface text-xs text-muted"
            style={template}
          >
            <div role="columnheader" className="pr-3 pl-4 text-right">
              {t("datasets.number")}
            </div>
            {columns.map((column) => (
              <div key={column} role="columnheader" className="truncate px-2 font-mono">
                {column}
              </div>
            ))}
            {more > 0 && <div role="columnheader">{t("datasets.moreColumns", { count: more })}</div>}
          </div>
          {items.map((item) => (
            <div
              key={item.key}
              id={`${id}-${item.index}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={item.index === chosen}
              onClick={() => onChoose(item.index)}
              className={`absolute inset-x-0 top-0 grid cursor-default items-center border-b border-line/50 ${
                item.index === chosen ? "bg-accent-soft" : "hover:bg-hover/60"
              }`}
              style={{ ...template, height: rowHeight, transform: `translateY(${item.start}px)` }}
            >
              <div role="gridcell" className="pr-3 pl-4 text-right font-mono text-xs text-faint">
                {formatCount(item.index + 1)}
              </div>
              <Cells row={rowAt(state, item.index)} columns={columns} />
            </div>
          ))}
        </div>
      </div>
      <footer className="flex items-center justify-end gap-2 border-t border-line px-4 py-1.5 text-xs text-muted">
        <span aria-hidden="true">{t("datasets.goTo")}</span>
        <NumberField
          label={t("datasets.goTo")}
          hideLabel
          className="w-28"
          minimum={1}
          maximum={dataset.rows}
          value={chosen + 1}
          onChange={(row) => choose(Math.round(row) - 1)}
        />
      </footer>
    </div>
  );
}

function Cells({ row, columns }: { row: Row | undefined; columns: readonly string[] }) {
  return columns.map((column) => (
    <div key={column} role="gridcell" className="truncate px-2">
      {row && Object.hasOwn(row, column) ? cellText(row[column]) : ""}
    </div>
  ));
}

function cellText(value: unknown): string {
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}
