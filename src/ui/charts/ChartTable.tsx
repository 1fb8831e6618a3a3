/** @file A chart's numbers as a table: the same for eyes, screen readers and keyboards. */

import { useTranslation } from "react-i18next";
import { chartRows } from "./chartRows";
import type { Curve } from "./curve";

type ChartTableProps = { curves: readonly Curve[]; format: (value: number) => string; height: number; label: string };

export function ChartTable({ curves, format, height, label }: ChartTableProps) {
  const { t } = useTranslation();
  return (
    <div tabIndex={0} role="region" aria-label={label} className="overflow-auto" style={{ height }}>
      <table aria-label={label} className="w-full border-collapse text-xs">
        <thead className="sticky top-0 bg-page text-muted">
          <tr className="border-b border-line">
            <th scope="col" className="h-7 pl-4 text-left font-normal">
              {t("charts.step")}
            </th>
            {curves.map(({ id, label }) => (
              <th key={id} scope="col" className="h-7 pr-4 text-right font-normal">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="font-mono">
          {chartRows(curves, 200).map(({ step, values }) => (
            <tr key={step} className="border-b border-line/60">
              <th scope="row" className="h-6 pl-4 text-left font-normal">
                {step}
              </th>
              {values.map((value, i) => (
                <td key={curves[i]?.id} className="h-6 pr-4 text-right">
                  {value === undefined ? "" : format(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
