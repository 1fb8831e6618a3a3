/** @file A variant's colour, the same in table, chart and form: the palette in order of the variants. */

export const colorOfVariant = (i: number) => `var(--series-${(Math.max(0, i) % 8) + 1})`;
