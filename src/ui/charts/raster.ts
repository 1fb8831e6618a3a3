/** @file A matrix of numbers as a picture, a pixel each: the browser stretches it, and a saved drawing holds it. */

import { colorOf, type Palette, type Scale } from "./scale";

/** A PNG as a data URL; clear where a value is no number. `values` [rows · columns], row by row. */
export function raster(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  scale: Scale,
  palette: Palette,
): string {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  if (!context || rows === 0 || columns === 0) return "";
  const picture = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const color = colorOf(scale, palette, values[i] ?? Number.NaN);
    if (color) picture.data.set([...color, 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}
