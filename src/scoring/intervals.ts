/** @file Means with their 95 % intervals, over seeds and over problems. Pure. */

/** A 95 % interval. */
export type Interval = { low: number; high: number };
/** A mean and its 95 % interval; null where one value alone says nothing of how it varies. */
export type Estimate = { mean: number; interval: Interval | null };

const z = 1.959963984540054; // two-sided 95 %

/** Wilson's score interval: right also for 0 of n and n of n, where ±1.96·se claims certainty. */
export function wilson(share: number, n: number): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Lanczos' approximation with g = 7 and n = 9: ln Γ(x) for x > 0, to 15 digits. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const y = x - 1;
  const t = y + 7.5;
  const sum = coefficients.reduce((total, c, i) => total + c / (y + i + 1), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** I_x(a, b), the incomplete beta function over the whole one, by its continued fraction (DLMF 8.17.22), Lentz's way. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    let factor = 1;
    for (const numerator of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / (1 + numerator * d || tiny);
      c = 1 + numerator / c || tiny;
      factor = c * d;
      fraction *= factor;
    }
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** The t that 95 % of Student's distribution lie within, for `df` > 0 degrees of freedom, whole or not. */
export function studentT(df: number): number {
  if (df > 1e7) return z;
  // P(|T| > t) = I_{df / (df + t²)}(df / 2, 1 / 2), which falls as t grows
  let [low, high] = [0, 1e9];
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(df / (df + middle * middle), df / 2, 0.5) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean of values that were drawn independently, by Student's t. Throws RangeError for none. */
export function estimateMean(values: readonly number[]): Estimate {
  if (values.length === 0) throw new RangeError("no values");
  const n = values.length;
  const mean = meanOf(values);
  if (n < 2) return { mean, interval: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = studentT(n - 1) * Math.sqrt(variance / n);
  return { mean, interval: { low: mean - half, high: mean + half } };
}

/**
 * The mean of a table [seeds][problems], for other seeds and other problems than these: both are random and crossed, so
 * that Var = (MS_seed + max(0, MS_problem − MS_rest)) / (S·N), by Student's t with Satterthwaite's degrees of freedom.
 * One seed leaves the problems alone. The form is that of studies in which several readers read the same cases
 * (Obuchowski and Rockette 1995, Hillis 2007). Never narrower than the interval over the seeds' means alone, as the
 * degrees of freedom are taken too high where two or three seeds happen to agree.
 * Throws RangeError where the table is empty or ragged.
 */
export function estimateCrossed(table: readonly (readonly number[])[]): Estimate {
  const S = table.length;
  const N = table[0]?.length ?? 0;
  if (N === 0 || table.some((row) => row.length !== N)) throw new RangeError("a table of seeds by problems is full");
  const seedMeans = table.map(meanOf);
  const mean = meanOf(seedMeans);
  if (N < 2) return S < 2 ? { mean, interval: null } : estimateMean(seedMeans);
  const problemMeans = Array.from({ length: N }, (_, j) => table.reduce((sum, row) => sum + (row[j] ?? 0), 0) / S);
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const ofProblems = (S * squares(problemMeans)) / (N - 1);
  if (S < 2) return withHalf(mean, studentT(N - 1) * Math.sqrt(ofProblems / N));
  const ofSeeds = (N * squares(seedMeans)) / (S - 1);
  const all = table.reduce((sum, row) => sum + squares(row), 0);
  const ofRest = Math.max(0, all - (S - 1) * ofSeeds - (N - 1) * ofProblems) / ((S - 1) * (N - 1));
  const beyond = Math.max(0, ofProblems - ofRest);
  const total = ofSeeds + beyond;
  if (total === 0) return withHalf(mean, 0);
  const df = total ** 2 / (ofSeeds ** 2 / (S - 1) + beyond ** 2 / (N - 1));
  const bySeeds = studentT(S - 1) * Math.sqrt(ofSeeds / (S * N));
  return withHalf(mean, Math.max(bySeeds, studentT(df) * Math.sqrt(total / (S * N))));
}

const withHalf = (mean: number, half: number): Estimate => ({
  mean,
  interval: { low: mean - half, high: mean + half },
});

/** Whether an interval of a difference leaves 0 out. */
export const isClear = ({ interval }: Estimate): boolean =>
  interval !== null && (interval.low > 0 || interval.high < 0);
