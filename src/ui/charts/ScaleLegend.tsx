/** @file What the colours of a heat map stand for: the colours in a row, numbers below. */

import { formatNumber } from "../formatQuantity";
import { type Scale, scaleTicks } from "./scale";

/** The same colours as `colorOf`'s, mixed by the browser. */
const gradients = {
  around: "linear-gradient(to right, var(--series-1), var(--hover), var(--series-2))",
  share: "linear-gradient(to right, var(--surface), var(--series-1))",
} as const;

const places = { 0: "left-0", 1: "right-0" } as const;

export function ScaleLegend({ label, scale }: { label: string; scale: Scale }) {
  return (
    <div role="group" aria-label={label} className="flex items-start gap-2 text-xs text-muted">
      <span className="leading-3 whitespace-nowrap">{label}</span>
      <span className="flex w-36 flex-col">
        <span className="h-2.5 border border-line" style={{ background: gradients[scale.kind] }} aria-hidden="true" />
        <span className="relative h-4 font-mono">
          {scaleTicks(scale).map(({ value, at }) => (
            <span
              key={value}
              className={`absolute ${at === 0 || at === 1 ? places[at] : "-translate-x-1/2"}`}
              style={at === 0 || at === 1 ? {} : { left: `${100 * at}%` }}
            >
              {formatNumber(value, 3)}
            </span>
          ))}
        </span>
      </span>
    </div>
  );
}
