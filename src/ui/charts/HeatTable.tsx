/** @file A heat map's numbers as a table: the same for eyes, screen readers and keyboards. */

type HeatTableProps = {
  label: string;
  /** Names of the rows: some cells each, under these headings. */
  headings: readonly string[];
  rows: readonly (readonly string[])[];
  columns: readonly string[];
  /** Row by row; a cell stays empty where it is not finite. [rows · columns] */
  values: ArrayLike<number>;
  format: (value: number) => string;
  height: number;
};

/** More columns are thinned out; a file has them all. */
const mostColumns = 24;

export function HeatTable({ label, headings, rows, columns, values, format, height }: HeatTableProps) {
  const every = Math.max(1, Math.ceil((columns.length - 1) / (mostColumns - 1)));
  const kept = columns.flatMap((_, i) => (i % every === 0 || i === columns.length - 1 ? [i] : []));
  return (
    <div tabIndex={0} role="region" aria-label={label} className="overflow-auto" style={{ height }}>
      <table aria-label={label} className="border-collapse text-xs">
        <thead className="sticky top-0 bg-page text-muted">
          <tr className="border-b border-line">
            {headings.map((heading) => (
              <th key={heading} scope="col" className="h-7 pl-4 text-left font-normal">
                {heading}
              </th>
            ))}
            {kept.map((column) => (
              <th key={column} scope="col" className="h-7 pl-4 text-right font-normal whitespace-nowrap">
                {columns[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="font-mono">
          {rows.map((names, row) => (
            <tr key={names.join(" ")} className="border-b border-line/60">
              {names.map((name, i) => (
                <th key={headings[i]} scope="row" className="h-6 pl-4 text-left font-normal">
                  {name}
                </th>
              ))}
              {kept.map((column) => {
                const value = values[row * columns.length + column] ?? Number.NaN;
                return (
                  <td key={column} className="h-6 pl-4 text-right">
                    {Number.isFinite(value) ? format(value) : ""}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
