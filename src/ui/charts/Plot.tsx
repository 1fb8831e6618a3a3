/** @file A chart's surface: axes and grid by recharts, the curves on its scales, the cursor above. Loaded lazily. */

import { memo } from "react";
import { CartesianGrid, LineChart, XAxis, YAxis } from "recharts";
import { CursorLayer, type CursorLayerProps } from "./CursorLayer";
import type { Axis } from "./curve";
import { type PlotContent, PlotContext, PlotLayers } from "./PlotLayers";

type SurfaceProps = {
  width: number;
  height: number;
  xAxis: Axis;
  yAxis: Axis;
  /** The axis' name and unit, under its right end; null leaves its numbers out too: a chart below carries them. */
  xTitle: string | null;
  /** The unit of the values, above the axis; may be empty. */
  yTitle: string;
  /** Room for the labels at the ends of the curves. */
  right: number;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
};

export type PlotProps = SurfaceProps & PlotContent & Pick<CursorLayerProps, "name" | "stops" | "isTitled">;

const inset = 16;
const axisWidth = 60;
const tickText = { fontSize: 12, fill: "var(--axis)" };

/** Recharts takes its scales from the axes' domains; the one row only keeps it from thinking that there is nothing. */
const rows = [{ x: 0, y: 0 }];

const bottomOf = (xTitle: string | null) => (xTitle === null ? 6 : 42);
const topOf = (yTitle: string) => (yTitle === "" ? 10 : 30);

/** Drawn again only when an axis or the size changes. */
const Surface = memo(function Surface({ width, height, xAxis, yAxis, xTitle, yTitle, right, ...format }: SurfaceProps) {
  const bottom = bottomOf(xTitle);
  const top = topOf(yTitle);
  return (
    <LineChart
      width={width}
      height={height}
      data={rows}
      margin={{ top, right, bottom: 0, left: 0 }}
      accessibilityLayer={false}
      tabIndex={-1}
    >
      <CartesianGrid vertical={false} stroke="var(--grid)" />
      <XAxis
        type="number"
        dataKey="x"
        domain={[xAxis.low, xAxis.high]}
        ticks={xAxis.ticks}
        tickFormatter={format.formatX}
        allowDataOverflow
        interval="preserveStartEnd"
        height={bottom}
        tickLine={false}
        tickMargin={6}
        axisLine={{ stroke: "var(--line)" }}
        tick={xTitle === null ? false : tickText}
      />
      <YAxis
        type="number"
        dataKey="y"
        scale={yAxis.isLog ? "log" : "linear"}
        domain={[yAxis.low, yAxis.high]}
        ticks={yAxis.ticks}
        tickFormatter={format.formatY}
        allowDataOverflow
        interval={0}
        width={axisWidth}
        tickLine={false}
        tickMargin={6}
        axisLine={false}
        tick={tickText}
      />
      <text x={inset} y={14} fontSize={12} fill="var(--axis)">
        {yTitle}
      </text>
      {xTitle !== null && (
        <text x={width - right} y={height - 4} fontSize={12} fill="var(--axis)" textAnchor="end">
          {xTitle}
        </text>
      )}
      <PlotLayers />
    </LineChart>
  );
});

export function Plot({ curves, marks, endLabel, name, stops, isTitled, ...surface }: PlotProps) {
  const { width, height, right, xAxis, yAxis, xTitle, yTitle } = surface;
  const top = topOf(yTitle);
  const bounds = { left: axisWidth, top, width: width - axisWidth - right, height: height - top - bottomOf(xTitle) };
  return (
    <PlotContext value={{ curves, marks, endLabel }}>
      <Surface {...surface} />
      <CursorLayer
        name={name}
        bounds={bounds}
        curves={curves}
        stops={stops}
        xAxis={xAxis}
        yAxis={yAxis}
        formatX={surface.formatX}
        formatY={surface.formatY}
        isTitled={isTitled}
      />
    </PlotContext>
  );
}
