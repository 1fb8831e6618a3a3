/** @file Figures as a table for people. */

/** @typedef {{ case: string, backend: string, system: string, ms?: number, failed?: string, [key: string]: unknown }} Row */
/** @typedef {{ title: string, text: (row: Row, all: Row[]) => string }} Column */

/** @param {unknown} value @param {(value: number) => string} write */
const number = (value, write) => (typeof value === "number" ? write(value) : "");
/** @param {number} value */
const digits = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));
/** @param {number} value */
const megabytes = (value) => digits(value / 1e6);

/** What a unit of time gave, in the unit that the case is about. @param {Row} row */
function rate({ gflops, gbps, tokensPerSecond }) {
  if (typeof tokensPerSecond === "number") return `${digits(tokensPerSecond)} tok/s`;
  if (typeof gflops === "number") return `${digits(gflops)} GFLOP/s`;
  return number(gbps, (value) => `${digits(value)} GB/s`);
}

/** How many times our own time. @param {Row} row @param {Row[]} all */
function ratio(row, all) {
  const ours = all.find((one) => one.case === row.case && one.backend === row.backend && one.system === "anneal");
  return row.system === "anneal" || !row.ms || !ours?.ms ? "" : `${digits(row.ms / ours.ms)}×`;
}

/** @type {Column[]} */
const columns = [
  { title: "case", text: (row) => row.case },
  { title: "backend", text: (row) => row.backend },
  { title: "system", text: (row) => row.system },
  { title: "ms", text: ({ ms, failed }) => (failed === undefined ? number(ms, digits) : "failed") },
  { title: "fastest", text: ({ fastestMs }) => number(fastestMs, digits) },
  { title: "n", text: ({ repeats }) => number(repeats, String) },
  { title: "rate", text: rate },
  { title: "of peak", text: ({ shareOfPeak }) => number(shareOfPeak, (value) => `${(100 * value).toFixed(1)} %`) },
  { title: "dispatches", text: ({ dispatches }) => number(dispatches, String) },
  { title: "submits", text: ({ submits }) => number(submits, String) },
  { title: "peak MB", text: ({ peakBytes }) => number(peakBytes, megabytes) },
  { title: "in use", text: ({ usedBytes }) => number(usedBytes, megabytes) },
  { title: "× anneal", text: ratio },
];

/** A Markdown table, its columns aligned; columns without any entry are left out. @param {Row[]} rows */
export function formatTable(rows) {
  const shown = columns
    .map(({ title, text }) => ({ title, cells: rows.map((row) => text(row, rows)) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
  const isText = (/** @type {string} */ title) => ["case", "backend", "system"].includes(title);
  const widths = shown.map(({ title, cells }) => Math.max(...[title, ...cells].map((cell) => cell.length)));
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  const pad = (/** @type {string} */ cell, /** @type {number} */ i) =>
    isText(shown[i]?.title ?? "") ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return [
    line(shown.map(({ title }, i) => pad(title, i))),
    line(
      shown.map(({ title }, i) =>
        isText(title) ? "-".repeat(widths[i] ?? 0) : `${"-".repeat((widths[i] ?? 1) - 1)}:`,
      ),
    ),
    ...rows.map((_, row) => line(shown.map(({ cells }, i) => pad(cells[row] ?? "", i)))),
  ].join("\n");
}
