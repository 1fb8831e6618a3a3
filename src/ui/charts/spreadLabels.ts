/** @file Labels beside the ends of curves, moved apart until none covers another. */

/** Places, in the order given, at least `gap` apart and within `low`…`high` where there is room, as near as can be. */
export function spreadLabels(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const places = wanted.map((place) => Math.min(Math.max(place, low), high));
  let floor = low;
  for (const i of order) {
    places[i] = Math.max(places[i] ?? low, floor);
    floor = (places[i] ?? low) + gap;
  }
  let ceiling = high;
  for (const i of order.toReversed()) {
    places[i] = Math.min(places[i] ?? high, ceiling);
    ceiling = (places[i] ?? high) - gap;
  }
  return places;
}
