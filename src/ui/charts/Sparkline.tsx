/** @file A curve the size of a word. */

import { downsample } from "./downsample";

type SparklineProps = {
  values: ArrayLike<number>;
  color: string;
  label: string;
  width?: number;
  height?: number;
};

export function Sparkline({ values, color, label, width = 96, height = 20 }: SparklineProps) {
  const xs = Array.from(values, (_, i) => i);
  const kept = [...downsample(xs, values, width)];
  const ys = kept.map((i) => values[i] ?? 0);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const points = kept.map((i, k) => {
    const x = xs.length > 1 ? (i / (xs.length - 1)) * (width - 4) : 0;
    const y = high > low ? ((high - (ys[k] ?? 0)) / (high - low)) * (height - 4) : (height - 4) / 2;
    return `${(x + 2).toFixed(1)},${(y + 2).toFixed(1)}`;
  });
  if (points.length < 2) return <span className="text-faint">–</span>;
  const [endX, endY] = (points.at(-1) ?? "0,0").split(",");
  return (
    <svg width={width} height={height} role="img" aria-label={label} className="block">
      <polyline points={points.join(" ")} fill="none" stroke={color} strokeWidth={1.25} strokeLinejoin="round" />
      <circle cx={endX} cy={endY} r={1.75} fill={color} />
    </svg>
  );
}
