/** @file A chart's numbers as CSV: one row a step, one column a curve, under the names Hugging Face's Trainer logs. */

import { chartRows } from "./chartRows";
import type { Curve } from "./curve";

/** RFC 4180 text, its lines ended by CRLF, its first column `step`, ascending; empty cells where a curve has no value. */
export function chartCsv(curves: readonly Pick<Curve, "id" | "steps" | "y">[]): string {
  const head = ["step", ...curves.map(({ id }) => id)];
  const rows = chartRows(curves).map(({ step, values }) => [step, ...values].map((value) => String(value ?? "")));
  return [head, ...rows].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

/** A cell that a spreadsheet takes as text: what would start a formula gets a leading apostrophe, unless it is a number. */
export function cell(text: string): string {
  const formula = /^[=+\-@\t\r]/.test(text) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  const safe = formula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
