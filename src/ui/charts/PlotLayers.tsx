/** @file What a chart draws between its axes: bands, curves, error bars, dots, labels at the ends, marks. */

import { createContext, useContext, useId } from "react";
import { type PlotArea, usePlotArea, useXAxisScale, useYAxisScale } from "recharts";
import { bandPath, type Curve, lastFinite, linePath, pointLimit } from "./curve";
import { spreadLabels } from "./spreadLabels";

/** A place on the axis that something happened at; `sides` are words for what lies before it and after. */
export type PlotMark = { x: number; tone: "bad" | "warn" | "stage"; sides?: readonly [before: string, after: string] };

export type PlotContent = {
  /** The first lies on top. */
  curves: readonly Curve[];
  marks: readonly PlotMark[];
  /** The text at the end of a curve's line; null for none. */
  endLabel: (curve: Curve, last: number) => string | null;
};

/** Apart from the axes' own properties, so that new points redraw the curves and not the axes. */
export const PlotContext = createContext<PlotContent>({ curves: [], marks: [], endLabel: () => null });

type Project = (value: number) => number;
type Drawn = { curve: Curve; toX: Project; toY: Project; limit: number };

const markColors = { bad: "var(--bad)", warn: "var(--warn)", stage: "var(--axis)" } as const;
const labelHeight = 14;
const widths = { faint: 1, strong: 1.75, dashed: 1.75 } as const;

/** A child of a recharts chart; it draws on that chart's scales. */
export function PlotLayers() {
  const { curves, marks, endLabel } = useContext(PlotContext);
  const clip = useId();
  const area = usePlotArea();
  const xScale = useXAxisScale();
  const yScale = useYAxisScale();
  if (!area || !xScale || !yScale) return null;
  const toX = (value: number) => xScale(value) ?? Number.NaN;
  const toY = (value: number) => yScale(value) ?? Number.NaN;
  const drawn = curves.map((curve): Drawn => ({ curve, toX, toY, limit: pointLimit(area.width) }));
  return (
    <g>
      <clipPath id={clip}>
        <rect x={area.x - 4} y={area.y - 4} width={area.width + 8} height={area.height + 8} />
      </clipPath>
      <g clipPath={`url(#${clip})`}>
        {marks.map(({ x, tone }) => (
          <line
            key={`${tone}${x}`}
            x1={toX(x)}
            x2={toX(x)}
            y1={area.y}
            y2={area.y + area.height}
            stroke={markColors[tone]}
            strokeDasharray="2 3"
          />
        ))}
        {drawn.toReversed().map((each) => (
          <CurveDrawing key={each.curve.id} {...each} />
        ))}
      </g>
      <Sides marks={marks} area={area} toX={toX} />
      <EndLabels drawn={drawn} area={area} endLabel={endLabel} />
    </g>
  );
}

/** What lies on each side of a mark, where there is room for the words. */
function Sides({ marks, area, toX }: { marks: readonly PlotMark[]; area: PlotArea; toX: Project }) {
  return marks.flatMap(({ x, sides }) => {
    const at = toX(x);
    return (sides ?? []).flatMap((words, i) => {
      const room = i === 0 ? at - area.x : area.x + area.width - at;
      if (room < 6 + 5.6 * words.length) return [];
      const anchor = i === 0 ? "end" : "start";
      return (
        <text
          key={`${x} ${i}`}
          x={at + (i === 0 ? -5 : 5)}
          y={area.y + area.height - 6}
          fontSize={12}
          fill="var(--axis)"
          textAnchor={anchor}
          stroke="var(--page)"
          strokeWidth={3}
          paintOrder="stroke"
        >
          {words}
        </text>
      );
    });
  });
}

function CurveDrawing({ curve, toX, toY, limit }: Drawn) {
  const { color, look, error, band, dots } = curve;
  const faint = look === "faint";
  return (
    <g>
      {(error ?? band) && <path d={bandPath(curve, toX, toY)} fill={color} fillOpacity={0.1} stroke="none" />}
      <path
        d={linePath(curve, toX, toY, limit)}
        fill="none"
        stroke={color}
        strokeWidth={widths[look]}
        strokeOpacity={faint ? 0.42 : 1}
        strokeLinejoin="round"
        strokeLinecap={curve.x.length === 1 ? "round" : "butt"}
        {...(look === "dashed" ? { strokeDasharray: "5 3" } : {})}
      />
      {error && <path d={errorPath(curve, toX, toY)} fill="none" stroke={color} strokeWidth={1} strokeOpacity={0.7} />}
      {dots && <Dots curve={curve} toX={toX} toY={toY} />}
    </g>
  );
}

/** A bar with two ends at every point. */
function errorPath({ x, y, error }: Curve, toX: Project, toY: Project): string {
  let path = "";
  for (let i = 0; i < x.length; i++) {
    const [value, half, at] = [y[i], error?.[i], x[i]];
    if (value === undefined || half === undefined || at === undefined || !Number.isFinite(value) || half === 0)
      continue;
    const [px, low, high] = [toX(at), toY(value - half), toY(value + half)].map((v) => v.toFixed(1));
    path += `M${px} ${low}V${high}m-2.5 0h5M${px} ${low}m-2.5 0h5`;
  }
  return path;
}

function Dots({ curve, toX, toY }: Omit<Drawn, "limit">) {
  const filled = curve.look !== "dashed";
  return Array.from(curve.x, (x, i) => {
    const y = curve.y[i] ?? Number.NaN;
    return (
      Number.isFinite(y) && (
        <circle
          key={x}
          cx={toX(x)}
          cy={toY(y)}
          r={2.5}
          fill={filled ? curve.color : "var(--page)"}
          stroke={curve.color}
          strokeWidth={1.25}
        />
      )
    );
  });
}

type EndLabelsProps = { drawn: readonly Drawn[]; area: PlotArea; endLabel: PlotContent["endLabel"] };

function EndLabels({ drawn, area, endLabel }: EndLabelsProps) {
  const labels = drawn.flatMap(({ curve, toX, toY }) => {
    const last = lastFinite(curve.y);
    const text = last < 0 ? null : endLabel(curve, last);
    if (text === null) return [];
    return [{ curve, text, x: toX(curve.x[last] ?? 0), y: toY(curve.y[last] ?? 0) }];
  });
  const places = spreadLabels(
    labels.map(({ y }) => y),
    labelHeight,
    area.y + 4,
    area.y + area.height - 4,
  );
  const right = Math.max(...labels.map(({ x }) => x));
  return labels.map(({ curve, text }, i) => (
    <text
      key={curve.id}
      x={right + 8}
      y={(places[i] ?? 0) + 4}
      fill={curve.color}
      fontSize={12}
      fontFamily="var(--font-mono)"
      stroke="var(--page)"
      strokeWidth={3}
      paintOrder="stroke"
    >
      {text}
    </text>
  ));
}
