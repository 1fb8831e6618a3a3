/** @file A matrix of numbers as a picture, a pixel each: the browser stretches it, and a saved drawing holds it. */

import type { Rgb } from "./scale";

/** A PNG as a data URL; clear where a value has no colour. `values` [rows · columns], row by row. */
export function raster(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  colorOf: (value: number) => Rgb | null,
): string {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  if (!context || rows === 0 || columns === 0) return "";
  const picture = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const color = colorOf(values[i] ?? Number.NaN);
    if (color) picture.data.set([...color, 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}
