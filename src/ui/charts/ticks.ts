/** @file Where an axis puts its ticks: few, at round numbers. */

/** Round numbers (1, 2, 5 times a power of ten) covering `low`…`high`, about `count` of them, ends included. */
export function niceTicks(low: number, high: number, count: number): number[] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const step = niceStep((high - low) / Math.max(1, count - 1));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => tidy((first + i) * step));
}

/** Round numbers inside `low`…`high`: for an axis whose ends are given. */
export function innerTicks(low: number, high: number, count: number): number[] {
  return niceTicks(low, high, count).filter((tick) => tick >= low - 1e-12 && tick <= high + 1e-12);
}

/** Powers of ten covering `low`…`high`, both above 0; with 2s and 5s between where there would be fewer than three. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const factors = last - first < 3 ? [1, 2, 5] : [1];
  const every = Math.ceil((last - first) / 6);
  const ticks: number[] = [];
  for (let power = first; power < last; power += every) for (const f of factors) ticks.push(tidy(f * 10 ** power));
  ticks.push(tidy(10 ** last));
  const reached = ticks.findLastIndex((tick) => tick <= low);
  const from = Math.max(0, Math.min(reached, ticks.length - 2));
  const to = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(from, to < 0 ? undefined : Math.max(to + 1, from + 2));
}

/** The whole, a half, a quarter … of it: the smallest that still holds `now`, so that a growing axis changes rarely. */
export function growingEnd(now: number, whole: number): number {
  if (!(whole > 0)) return Math.max(now, 1);
  let end = whole;
  while (end / 2 >= now && end / 2 >= whole / 16) end /= 2;
  return Math.max(end, now);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const part = rough / power;
  return (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
}

const tidy = (value: number) => Number(value.toPrecision(12));
