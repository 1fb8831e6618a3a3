/** @file Values with their intervals under each other, a line each, on one scale. */

import { innerTicks, niceTicks } from "./ticks";
import { useWidth } from "./useWidth";

export type PlottedInterval = {
  id: string;
  name: string;
  color: string;
  value: number;
  /** Null where nothing is known of how the value varies. */
  interval: { low: number; high: number } | null;
  /** What is read out. */
  label: string;
};

type IntervalPlotProps = {
  name: string;
  items: readonly PlottedInterval[];
  format: (value: number) => string;
  /** A line through all of them, to compare with. */
  reference?: number | undefined;
  /** The scale never goes beyond these. */
  atLeast: number;
  atMost: number;
};

const rowHeight = 28;
const axisHeight = 24;

export function IntervalPlot({ name, items, format, reference, atLeast, atMost }: IntervalPlotProps) {
  const { ref, width } = useWidth();
  const labels = Math.min(width * 0.36, 24 + 7.2 * Math.max(0, ...items.map((item) => item.name.length)));
  const values = 64;
  const [left, right] = [labels + 8, width - values];
  const lows = items.map(({ value, interval }) => interval?.low ?? value);
  const highs = items.map(({ value, interval }) => interval?.high ?? value);
  const count = Math.max(2, Math.floor((right - left) / 80));
  const ends = niceTicks(Math.min(...lows), Math.max(...highs), count);
  const low = Math.max(atLeast, ends[0] ?? atLeast);
  const high = Math.min(atMost, ends.at(-1) ?? atMost);
  const toX = (value: number) => left + ((value - low) / (high - low || 1)) * (right - left);
  const height = items.length * rowHeight;
  return (
    <div ref={ref} className="min-w-0 px-4">
      {width > 0 && (
        <svg width={width} height={height + axisHeight} role="img" aria-label={name} fontSize={12}>
          {innerTicks(low, high, count).map((tick) => (
            <g key={tick}>
              <line x1={toX(tick)} x2={toX(tick)} y1={0} y2={height} stroke="var(--grid)" />
              <text x={toX(tick)} y={height + 16} fill="var(--axis)" textAnchor="middle">
                {format(tick)}
              </text>
            </g>
          ))}
          {reference !== undefined && (
            <line
              x1={toX(reference)}
              x2={toX(reference)}
              y1={0}
              y2={height}
              stroke="var(--axis)"
              strokeDasharray="2 3"
            />
          )}
          {items.map(({ id, name: text, color, value, interval, label }, i) => {
            const y = (i + 0.5) * rowHeight;
            return (
              <g key={id}>
                <title>{label}</title>
                <rect x={0} y={i * rowHeight} width={width} height={rowHeight} fill="transparent" />
                <text x={0} y={y + 4} className="fill-ink">
                  {cut(text, labels)}
                </text>
                {interval && (
                  <path
                    d={`M${toX(interval.low)} ${y}H${toX(interval.high)}m0 -4v8M${toX(interval.low)} ${y - 4}v8`}
                    fill="none"
                    stroke={color}
                    strokeWidth={1.5}
                  />
                )}
                <circle cx={toX(value)} cy={y} r={4} fill={color} />
                <text x={width} y={y + 4} textAnchor="end" className="fill-ink font-mono">
                  {format(value)}
                </text>
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}

/** A name as long as there is room for. */
function cut(text: string, room: number): string {
  const most = Math.max(4, Math.floor(room / 7));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
