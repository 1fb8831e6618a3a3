/** @file An ablation's table as Markdown, for people, and as CSV, for programs. */

import type { Ablation } from "../core/ablation";
import type { AblationRow, AblationTable } from "./ablationTable";
import type { Estimate } from "./intervals";

const none = "–";

function withInterval({ mean, interval }: Estimate, say: (value: number) => string): string {
  return interval ? `${say(mean)} [${say(interval.low)}, ${say(interval.high)}]` : say(mean);
}

const orNone = <T>(value: T | null | undefined, say: (value: T) => string) =>
  value === null || value === undefined ? none : say(value);

const percent = (share: number) => (100 * share).toFixed(1);
const points = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

type Column = [head: string, of: (row: AblationRow) => string];

function columnsOf(table: AblationTable): Column[] {
  const first = table.rows[0]?.variant ?? "";
  const shown = (row: AblationRow, measure: keyof AblationRow["values"], say: (value: number) => string) => {
    const text = orNone(row.values[measure], (value) => withInterval(value, say));
    return row.best.includes(measure) ? `**${text}**` : text;
  };
  const columns: Column[] = [
    ["variant", ({ variant }) => variant],
    ["seeds", ({ seeds }) => String(seeds.length)],
    ["problems", ({ problems }) => orNone(problems, String)],
    [table.accuracy === "exact" ? "exact match, %" : "strict, %", (row) => shown(row, "accuracy", percent)],
    ["flexible, %", (row) => shown(row, "flexible", percent)],
    [`− ${first}, points`, (row) => orNone(row.difference?.accuracy, (value) => withInterval(value, points))],
    [`kept of ${first}, %`, (row) => orNone(row.kept, (value) => withInterval(value, percent))],
    ["evaluation loss", (row) => shown(row, "loss", (value) => value.toFixed(4))],
    ["trained", ({ figures }) => orNone(figures, ({ trained }) => String(trained))],
    [
      "of the base, %",
      ({ figures }) => orNone(figures, ({ trained, parameters }) => ((100 * trained) / parameters).toFixed(2)),
    ],
    ["memory planned, MiB", ({ figures }) => orNone(figures, ({ memory }) => megabytes(memory))],
    ["memory at most, MiB", (row) => orNone(row.values.peak, ({ mean }) => megabytes(mean))],
    ["s a step", (row) => shown(row, "seconds", (value) => value.toFixed(3))],
    ["file, kB", ({ figures }) => orNone(figures, ({ file }) => (file / 1000).toFixed(1))],
  ];
  return table.accuracy === "exact" ? columns.filter(([head]) => head !== "flexible, %") : columns;
}

/** How to read the intervals; the same words stand below the table in the studio. */
export const intervalNote =
  "Intervals are of 95 %. Accuracy: over seeds and problems, both random (crossed, Student's t); over seeds alone where each seed holds out rows of its own; Wilson's for one seed. Differences are paired by seed and by problem. Loss and time: Student's t over seeds. Bold: better than every other variant with an interval that leaves 0 out.";

/** A table in GitHub's Markdown. */
export function newAblationMarkdown({ name }: Pick<Ablation, "name">, table: AblationTable): string {
  const columns = columnsOf(table);
  const line = (cells: string[]) => `| ${cells.map(cell).join(" | ")} |\n`;
  const heads = line(columns.map(([head]) => head));
  const rule = line(columns.map((_, i) => (i === 0 ? "---" : "--:")));
  const rows = table.rows.map((row) => line(columns.map(([, of]) => of(row))));
  return `# ${name.replaceAll("\n", " ")}\n\n${heads}${rule}${rows.join("")}\n${intervalNote}\n`;
}

const csvHeads = (name: string) => [name, `${name}_low`, `${name}_high`];
const csvValues = (estimate: Estimate | null | undefined) => [
  estimate?.mean,
  estimate?.interval?.low,
  estimate?.interval?.high,
];
/** Quoted where it must be; a text that a spreadsheet would take for a formula is kept a text. */
const csvText = (text: string) => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** Full precision; a field is empty where there is nothing. Shares are from 0 to 1, memory and files in bytes. */
export function newAblationCsv({ rows, accuracy }: AblationTable): string {
  const share = accuracy === "exact" ? "exact_match" : "strict";
  const heads = [
    ...["variant", "seeds", "problems"],
    ...csvHeads(share),
    ...csvHeads("flexible"),
    ...csvHeads("difference"),
    ...csvHeads("kept"),
    ...csvHeads("eval_loss"),
    ...csvHeads("eval_loss_difference"),
    ...csvHeads("seconds_a_step"),
    ...["trained", "parameters", "memory_planned", "memory_peak", "file_bytes"],
  ];
  const lines = rows.map(({ variant, seeds, problems, values, figures, difference, kept }) => [
    csvText(variant),
    csvText(seeds.join(" ")),
    problems,
    ...csvValues(values.accuracy),
    ...csvValues(values.flexible),
    ...csvValues(difference?.accuracy),
    ...csvValues(kept),
    ...csvValues(values.loss),
    ...csvValues(difference?.loss),
    ...csvValues(values.seconds),
    ...[figures?.trained, figures?.parameters, figures?.memory, values.peak?.mean, figures?.file],
  ]);
  return [heads, ...lines].map((line) => `${line.map((value) => value ?? "").join(",")}\n`).join("");
}
