/** @file The look of a table: header line, rows that can be chosen. For long ones bring your own virtual rows. */

import type { ReactNode } from "react";

export type Column<R> = {
  id: string;
  header: ReactNode;
  /** Right-aligned, in the mono face. */
  numeric?: boolean;
  className?: string;
  cell: (row: R) => ReactNode;
};

type TableProps<R> = {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  /** Makes rows links or choices; the first cell should hold the focusable element. */
  onRowPress?: (row: R) => void;
  isSelected?: (row: R) => boolean;
};

export function Table<R>({ label, columns, rows, rowKey, onRowPress, isSelected }: TableProps<R>) {
  return (
    <div className="overflow-x-auto">
      <table aria-label={label} className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-line text-left text-xs text-muted">
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                className={`h-8 px-2 font-normal whitespace-nowrap first:pl-4 last:pr-4 ${column.numeric ? "text-right" : ""} ${column.className ?? ""}`}
              >
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              aria-selected={isSelected ? isSelected(row) : undefined}
              className={`border-b border-line/70 last:border-0 ${onRowPress ? "cursor-default hover:bg-hover/60" : ""} ${isSelected?.(row) ? "bg-accent-soft/60" : ""}`}
              onClick={onRowPress ? () => onRowPress(row) : undefined}
            >
              {columns.map((column) => (
                <td
                  key={column.id}
                  className={`h-9 px-2 first:pl-4 last:pr-4 ${column.numeric ? "text-right font-mono whitespace-nowrap" : ""} ${column.className ?? ""}`}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
