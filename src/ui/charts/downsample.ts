/** @file Fewer points for the same picture: largest-triangle-three-buckets. */

/**
 * Indices, ascending, of at most `count` points that keep the curve's look (Steinarsson 2013, "Downsampling time series
 * for visual representation"): the first, the last, and of each bucket between them the point that spans the largest
 * triangle with the point kept before and the next bucket's mean. Points whose y is not finite are never chosen.
 */
export function downsample(xs: ArrayLike<number>, ys: ArrayLike<number>, count: number): Uint32Array {
  const finite = finiteIndices(ys);
  const n = finite.length;
  if (count < 3 || n <= count) return n <= count ? finite : finite.filter((_, i) => i === 0 || i === n - 1);
  const kept = new Uint32Array(count);
  const x = (i: number) => xs[finite[i] ?? 0] ?? 0;
  const y = (i: number) => ys[finite[i] ?? 0] ?? 0;
  const edge = (bucket: number) => Math.floor((bucket * (n - 2)) / (count - 2)) + 1;
  let last = 0;
  kept[0] = finite[0] ?? 0;
  for (let bucket = 0; bucket < count - 2; bucket++) {
    const [start, end] = [edge(bucket), edge(bucket + 1)];
    const nextEnd = Math.min(edge(bucket + 2), n);
    let meanX = 0;
    let meanY = 0;
    for (let i = end; i < nextEnd; i++) {
      meanX += x(i);
      meanY += y(i);
    }
    meanX /= nextEnd - end;
    meanY /= nextEnd - end;
    let largest = -1;
    let chosen = start;
    for (let i = start; i < end; i++) {
      const area = Math.abs((x(last) - meanX) * (y(i) - y(last)) - (x(last) - x(i)) * (meanY - y(last)));
      if (area > largest) [largest, chosen] = [area, i];
    }
    kept[bucket + 1] = finite[chosen] ?? 0;
    last = chosen;
  }
  kept[count - 1] = finite[n - 1] ?? 0;
  return kept;
}

function finiteIndices(ys: ArrayLike<number>): Uint32Array {
  const indices = new Uint32Array(ys.length);
  let n = 0;
  for (let i = 0; i < ys.length; i++) if (Number.isFinite(ys[i])) indices[n++] = i;
  return indices.subarray(0, n);
}
