/** @file A chart's numbers as CSV: one row a step, one column a curve, under the names Hugging Face's Trainer logs. */

/** A curve's numbers; `steps` and `ys` are of one length, entries that are not finite are empty cells. */
export type CsvCurve = { id: string; steps: ArrayLike<number>; ys: ArrayLike<number> };

/** RFC 4180 text, its lines ended by CRLF, its first column `step`, ascending. */
export function chartCsv(curves: readonly CsvCurve[]): string {
  const rows = new Map<number, (number | undefined)[]>();
  curves.forEach((curve, column) => {
    for (let i = 0; i < curve.steps.length; i++) {
      const step = curve.steps[i];
      const y = curve.ys[i];
      if (step === undefined || y === undefined || !Number.isFinite(y)) continue;
      const row = rows.get(step) ?? [];
      row[column] = y;
      rows.set(step, row);
    }
  });
  const lines = [["step", ...curves.map((curve) => curve.id)].map(cell).join(",")];
  for (const [step, row] of [...rows].sort(([a], [b]) => a - b)) {
    lines.push([step, ...curves.map((_, i) => row[i] ?? "")].map((value) => cell(String(value))).join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** A cell that a spreadsheet takes as text: what would start a formula gets a leading apostrophe, unless it is a number. */
export function cell(text: string): string {
  const formula = /^[=+\-@\t\r]/.test(text) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  const safe = formula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
