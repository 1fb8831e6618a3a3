/** @file The cursor over a chart: a line and the values there, moved by pointer or keys, shown by all charts of its group. */

import type { KeyboardEvent, PointerEvent } from "react";
import { useTranslation } from "react-i18next";
import { useCursor, useCursorState } from "./cursor";
import { type Axis, type Curve, lastFinite, nearest, place } from "./curve";

export type CursorLayerProps = {
  name: string;
  /** Where the plot lies within its surface, in pixels. */
  bounds: { left: number; top: number; width: number; height: number };
  curves: readonly Curve[];
  /** Places the cursor stops at, ascending. */
  stops: ArrayLike<number>;
  xAxis: Axis;
  yAxis: Axis;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  /** Names the step above the values. */
  isTitled: boolean;
};

type Reading = { curve: Curve; x: number; y: number; error: number | undefined };

function read(curves: readonly Curve[], x: number): Reading[] {
  return curves.flatMap((curve) => {
    const i = nearest(curve, x);
    const [cx, cy] = [curve.x[i], curve.y[i]];
    return cx === undefined || cy === undefined ? [] : [{ curve, x: cx, y: cy, error: curve.error?.[i] }];
  });
}

const snap = (stops: ArrayLike<number>, x: number) => stops[nearest({ x: stops, y: stops }, x)] ?? null;

export function CursorLayer(props: CursorLayerProps) {
  const { name, bounds, curves, stops, xAxis, yAxis, formatX, formatY } = props;
  const { t } = useTranslation();
  const cursor = useCursor();
  const { x, isPinned } = useCursorState();
  const first = stops[0] ?? 0;
  const last = stops[lastFinite(stops)] ?? 0;
  const readings = x === null ? [] : read(curves, x);
  const write = ({ curve, y, error }: Reading) =>
    `${curve.label} ${formatY(y)}${error === undefined ? "" : ` ± ${formatY(error)}`}`;

  const pointed = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    return snap(stops, xAxis.low + share * (xAxis.high - xAxis.low));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const here = nearest({ x: stops, y: stops }, x ?? last);
    const stride = Math.max(1, Math.round(stops.length / 100)) * (event.shiftKey ? 10 : 1);
    const moves: Record<string, number> = {
      ArrowLeft: here - (x === null ? 0 : stride),
      ArrowRight: here + (x === null ? 0 : stride),
      Home: 0,
      End: stops.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) cursor.move(stops[Math.min(Math.max(to, 0), stops.length - 1)] ?? last);
    else if (event.key === "Enter" || event.key === " ") {
      if (isPinned) cursor.release();
      else cursor.pin(x ?? last);
    } else if (event.key === "Escape" && x !== null) cursor.release();
    else return;
    event.preventDefault();
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={t("charts.cursor", { name })}
      aria-orientation="horizontal"
      aria-valuemin={first}
      aria-valuemax={last}
      aria-valuenow={x ?? last}
      aria-valuetext={[formatX(x ?? last), ...(x === null ? read(curves, last) : readings).map(write)].join(", ")}
      className="absolute touch-pan-y outline-offset-2"
      style={bounds}
      onKeyDown={onKeyDown}
      onPointerMove={(event) => cursor.hover(pointed(event))}
      onPointerLeave={() => cursor.hover(null)}
      onClick={(event) => {
        const at = pointed(event as unknown as PointerEvent<HTMLElement>);
        if (isPinned || at === null) cursor.release();
        else cursor.pin(at);
      }}
      onBlur={() => cursor.hover(null)}
    >
      {x !== null && x >= xAxis.low && x <= xAxis.high && (
        <CursorDrawing
          {...{ bounds, xAxis, yAxis, formatX, formatY }}
          x={x}
          isPinned={isPinned}
          readings={readings}
          isTitled={props.isTitled}
        />
      )}
    </div>
  );
}

type DrawingProps = Pick<CursorLayerProps, "bounds" | "xAxis" | "yAxis" | "formatX" | "formatY" | "isTitled"> & {
  x: number;
  isPinned: boolean;
  readings: readonly Reading[];
};

function CursorDrawing({ bounds, xAxis, yAxis, formatX, formatY, isTitled, x, isPinned, readings }: DrawingProps) {
  const left = place({ ...xAxis, isLog: false }, x, 0, bounds.width);
  const beyondMiddle = left > bounds.width / 2;
  return (
    <div aria-hidden="true" className="pointer-events-none absolute inset-0">
      <div className={`absolute inset-y-0 w-px ${isPinned ? "bg-accent" : "bg-edge"}`} style={{ left }} />
      {readings.map(({ curve, x, y }) => (
        <span
          key={curve.id}
          className="absolute size-1.5 -translate-1/2 rounded-full"
          style={{
            left: place({ ...xAxis, isLog: false }, x, 0, bounds.width),
            top: place(yAxis, y, bounds.height, 0),
            background: curve.color,
          }}
        />
      ))}
      <div
        className="absolute top-0 z-10 flex flex-col rounded-md border border-line bg-surface/95 px-2 py-1 font-mono text-xs whitespace-nowrap"
        style={beyondMiddle ? { right: bounds.width - left + 8 } : { left: left + 8 }}
      >
        {isTitled && <span className="text-muted">{formatX(x)}</span>}
        {readings.map(({ curve, x: at, y, error }) => (
          <span key={curve.id} className="flex items-center gap-1.5">
            <span
              className="h-0.5 w-2.5"
              style={{ background: curve.color, opacity: curve.look === "faint" ? 0.4 : 1 }}
            />
            {isTitled && <span className="flex-1 font-sans text-muted">{curve.label}</span>}
            {formatY(y)}
            {error !== undefined && <span className="text-muted">± {formatY(error)}</span>}
            {at !== x && <span className="text-faint">@ {formatX(at)}</span>}
          </span>
        ))}
      </div>
    </div>
  );
}
