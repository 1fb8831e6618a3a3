/** @file A matrix as colours, with a cell (or a row) that pointer and keys move over it. */

import { type KeyboardEvent, type MouseEvent, type ReactNode, useMemo } from "react";
import { raster } from "./raster";
import { colorOf, type Palette, type Scale } from "./scale";

export type Cell = { row: number; column: number };
export type Box = { left: number; top: number; width: number; height: number };

export type HeatMapProps = {
  /** What it shows and how it is moved over, for screen readers. */
  label: string;
  /** Row by row; not finite where there is nothing. [rows · columns] */
  values: ArrayLike<number>;
  rows: number;
  columns: number;
  scale: Scale;
  palette: Palette;
  /** The drawing's size, and where the cells lie in it. */
  width: number;
  height: number;
  box: Box;
  at: Cell | null;
  /** Null when the pointer or the focus leaves. */
  onMove: (at: Cell | null) => void;
  /** Where keys begin. */
  start: Cell;
  /** Outlined: the cell, or its whole row. */
  outline: "cell" | "row";
  /** The cell in words. */
  describe: (at: Cell) => string;
  /** Shown beside the cell, where it hides nothing of the row. */
  tip?: ReactNode;
  /** Axes: SVG in the drawing's own pixels. */
  children?: ReactNode;
};

const within = (value: number, count: number) => Math.min(Math.max(value, 0), count - 1);

/** Where a key leads; null where it leads nowhere. */
function moved({ key, shiftKey }: KeyboardEvent, { row, column }: Cell, rows: number, columns: number): Cell | null {
  const stride = shiftKey ? 10 : 1;
  const moves: Record<string, [down: number, right: number]> = {
    ArrowUp: [-stride, 0],
    ArrowDown: [stride, 0],
    ArrowLeft: [0, -stride],
    ArrowRight: [0, stride],
    PageUp: [-10, 0],
    PageDown: [10, 0],
    Home: [0, -columns],
    End: [0, columns],
  };
  const move = moves[key];
  return move ? { row: within(row + move[0], rows), column: within(column + move[1], columns) } : null;
}

export function HeatMap(props: HeatMapProps) {
  const { label, values, rows, columns, scale, palette, width, height, box, at, onMove, start, describe } = props;
  const picture = useMemo(
    () => raster(values, rows, columns, (value) => colorOf(scale, palette, value)),
    [values, rows, columns, scale, palette],
  );
  const here = at ?? start;
  const [wide, high] = [box.width / columns, box.height / rows];
  const outlined = props.outline === "cell" ? { x: here.column * wide, width: wide } : { x: 0, width: box.width };
  const pointed = (event: MouseEvent<HTMLElement>): Cell => {
    const bounds = event.currentTarget.getBoundingClientRect();
    return {
      row: within(Math.floor(((event.clientY - bounds.top) / bounds.height) * rows), rows),
      column: within(Math.floor(((event.clientX - bounds.left) / bounds.width) * columns), columns),
    };
  };
  return (
    <div className="relative" style={{ width, height }}>
      <svg width={width} height={height} aria-hidden="true" className="block">
        <image
          href={picture}
          x={box.left}
          y={box.top}
          width={box.width}
          height={box.height}
          preserveAspectRatio="none"
          imageRendering="pixelated"
        />
        {props.children}
        {at && (
          <rect
            x={box.left + outlined.x + 0.5}
            y={box.top + here.row * high + 0.5}
            width={Math.max(1, outlined.width - 1)}
            height={Math.max(1, high - 1)}
            fill="none"
            stroke="var(--ink)"
          />
        )}
      </svg>
      <div
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={rows * columns - 1}
        aria-valuenow={here.row * columns + here.column}
        aria-valuetext={describe(here)}
        className="absolute touch-pan-y"
        style={box}
        onPointerMove={(event) => onMove(pointed(event))}
        onClick={(event) => onMove(pointed(event))}
        onPointerLeave={() => onMove(null)}
        onFocus={(event) => {
          if (event.currentTarget.matches(":focus-visible") && !at) onMove(start);
        }}
        onBlur={() => onMove(null)}
        onKeyDown={(event) => {
          const next = event.key === "Escape" ? null : moved(event, here, rows, columns);
          if (!next && event.key !== "Escape") return;
          event.preventDefault();
          onMove(next);
        }}
      />
      {at && props.tip && (
        <div
          aria-hidden="true"
          className="pointer-events-none absolute z-10 flex flex-col rounded-md border border-line bg-surface/95 px-2 py-1 text-xs whitespace-nowrap"
          style={{
            ...(here.column * wide > box.width / 2
              ? { right: width - box.left - here.column * wide + 6 }
              : { left: box.left + (here.column + 1) * wide + 6 }),
            ...(here.row * high > box.height / 2
              ? { bottom: height - box.top - here.row * high + 4 }
              : { top: box.top + (here.row + 1) * high + 4 }),
          }}
        >
          {props.tip}
        </div>
      )}
    </div>
  );
}
