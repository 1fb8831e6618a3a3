/** @file A matrix turned over. */

/** [rows, cols] → [cols, rows] */
export function transposed(values: Float32Array, rows: number): Float32Array {
  const cols = values.length / rows;
  const turned = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) turned[c * rows + r] = values[r * cols + c] ?? 0;
  return turned;
}
