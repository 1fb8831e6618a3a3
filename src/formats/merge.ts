/**
 * @file Trained adapters merged into plain weights, some rows at a time: what the decoder adds to a linear layer, in its
 * order (model/adaptedLinear.ts), as one weight and one bias.
 *
 *   W' = l_out · m · V / ‖V‖ · l_in,  V = W + s · B · A        b' = l_out · b
 *
 * W and b are the method's own where it trains them (full, last, bias), m / ‖V‖ by row is DoRA's, l_out and l_in are
 * IA3's. Sums are in double precision. Conv1D weights lie the other way round, [in, out].
 */

import {
  type Adaptation,
  adaptationTensors,
  biasableNames,
  loraScale,
  type MethodKind,
  methodOf,
} from "../core/adaptation";
import { type LinearName, linearNamesOf, linearPath, linearShape } from "../core/adapter";
import { architectures } from "../core/architectures";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { type Said, say } from "../core/say";
import { tensorShapes } from "../core/tensorNames";
import { transposed } from "../core/transposed";
import { type AdapterTensors, checkTensors } from "./peft";

/** Rows `from` … `to` − 1 of a tensor by Hugging Face's name. */
export type ReadRows = (name: string, from: number, to: number) => Promise<Float32Array>;

export type Merger = {
  /** Of what comes out. */
  config: ModelConfig;
  /** Every tensor of what comes out, also one that the base has not. */
  shapes: Map<string, number[]>;
  /** Of the merged model, where `base` reads the base. */
  rows: (base: ReadRows) => ReadRows;
};

/** Why a method leaves no weights behind, and what to take instead; null where it merges. */
const unmergeable: Record<MethodKind, Said | null> = {
  lora: null,
  full: null,
  last: null,
  bias: null,
  ia3: null,
  prefix: say`prefix tuning puts keys and values before every text, and no weight of the base holds them: take the PEFT folder`,
  prompt: say`prompt tuning puts embeddings before every text, and no weight of the base holds them: take the PEFT folder`,
  bottleneck: say`bottleneck adapters have a non-linearity of their own, which no weight of the base holds: take the studio's own folder`,
  loar: say`LoAR's gates depend on each text, so that no weight of the base holds them: take its Python module, or the studio's own folder`,
  head: say`a reward model reads out rewards, for which a language model has no place: take the studio's own folder`,
};

/** Null where all its methods can be merged into the base, else why not and what there is instead. */
export function canMerge(adaptation: Adaptation): Said | null {
  return adaptation.map(({ kind }) => unmergeable[kind]).find((reason) => reason !== null) ?? null;
}

/** The configuration of the merged model: biases that were trained where there were none are in it. */
export function mergedConfig(config: ModelConfig, adaptation: Adaptation): ModelConfig {
  return methodOf(adaptation, "bias") ? { ...config, biases: biasableNames(config) } : config;
}

/** What a weight's rows go through, as the file has rows and columns. */
type Change = {
  /** Of left [rows, R] · right [R, columns]. */
  product: { left: Float32Array; right: Float32Array; rank: number; scale: number } | null;
  /** DoRA's lengths, of rows or (transposed) of columns. */
  magnitudes: Float32Array | null;
  rowFactors: Float32Array | null;
  columnFactors: Float32Array | null;
};

type Context = { config: ModelConfig; adaptation: Adaptation; tensors: AdapterTensors; isTransposed: boolean };

const numbersOf = ({ tensors }: Context, name: string): Float32Array =>
  tensors.get(name)?.values ?? new Float32Array(0); // all that is asked for was counted

function newProduct(context: Context, name: LinearName, path: string): Change["product"] {
  const lora = methodOf(context.adaptation, "lora");
  if (!lora?.targetModules.includes(name)) return null;
  const { rank, scale } = loraScale(lora, name);
  const A = numbersOf(context, `${path}.lora_A.weight`); // [R, in]
  const B = numbersOf(context, `${path}.lora_B.weight`); // [out, R]
  const [out] = linearShape(context.config, name);
  return context.isTransposed
    ? { left: transposed(A, rank), right: transposed(B, out), rank, scale }
    : { left: B, right: A, rank, scale };
}

function newChange(context: Context, name: LinearName, path: string): Change {
  const { adaptation, isTransposed } = context;
  const lora = methodOf(adaptation, "lora");
  const ia3 = methodOf(adaptation, "ia3");
  const isScaled = ia3?.targetModules.includes(name) ?? false;
  const isFed = ia3?.feedForwardModules.includes(name) ?? false;
  const factors = isScaled ? numbersOf(context, `${path}.ia3_l`) : null;
  const isOfRows = isFed === isTransposed; // what is given counts along `in`, what is made along `out`
  return {
    product: newProduct(context, name, path),
    magnitudes:
      lora?.dora && lora.targetModules.includes(name) ? numbersOf(context, `${path}.lora_magnitude_vector`) : null,
    rowFactors: isOfRows ? factors : null,
    columnFactors: isOfRows ? null : factors,
  };
}

const isChange = ({ product, rowFactors, columnFactors }: Change) =>
  product !== null || rowFactors !== null || columnFactors !== null;

/**
 * Throws `adapter.invalid` where a method does not merge, saying what to take instead, and where an adapter's tensor is
 * missing or does not fit.
 */
export function newMerger(config: ModelConfig, adaptation: Adaptation, tensors: AdapterTensors): Merger {
  const reason = canMerge(adaptation);
  if (reason) throw new StudioError("adapter.invalid", reason);
  checkTensors(adaptationTensors(config, adaptation), tensors);
  const merged = mergedConfig(config, adaptation);
  const { isTransposed } = architectures[config.architecture];
  const context: Context = { config, adaptation, tensors, isTransposed };
  const shapes = tensorShapes(merged);
  const changes = new Map<string, Change>();
  const biasFactors = new Map<string, Float32Array>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of linearNamesOf(config)) {
      const path = linearPath(layer, name);
      const change = newChange(context, name, path);
      if (isChange(change)) changes.set(`${path}.weight`, change);
      const made = isTransposed ? change.columnFactors : change.rowFactors;
      if (made) biasFactors.set(`${path}.bias`, made);
    }
  }
  return {
    config: merged,
    shapes,
    rows: (base) => newReader({ base, tensors, shapes, changes, biasFactors, isTransposed }),
  };
}

type Parts = {
  base: ReadRows;
  tensors: AdapterTensors;
  shapes: ReadonlyMap<string, number[]>;
  changes: ReadonlyMap<string, Change>;
  biasFactors: ReadonlyMap<string, Float32Array>;
  isTransposed: boolean;
};

function newReader({ base, tensors, shapes, changes, biasFactors, isTransposed }: Parts): ReadRows {
  /** Rows as they are before a change: the method's own, or the base's. */
  const plainRows: ReadRows = async (name, from, to) => {
    const own = tensors.get(name);
    if (!own) return base(name, from, to);
    const width = own.values.length / (own.shape[0] ?? 1);
    return own.values.slice(from * width, to * width);
  };
  const columnLengths = new Map<string, Promise<Float64Array>>();
  const lengthsOf = (name: string, change: Change) => {
    const known = columnLengths.get(name) ?? sumColumns(plainRows, name, shapes.get(name) ?? [], change);
    columnLengths.set(name, known);
    return known;
  };
  return async (name, from, to) => {
    const values = await plainRows(name, from, to);
    const bias = biasFactors.get(name);
    if (bias) return values.map((value, i) => value * (bias[from + i] ?? 1));
    const change = changes.get(name);
    if (!change) return values;
    const columns = change.magnitudes && isTransposed ? await lengthsOf(name, change) : null;
    return changeRows(values, from, values.length / (to - from), change, columns);
  };
}

/** Numbers read at a time: 8 MB as f32. */
const numbersAtATime = 2 ** 21;

/** ‖V‖ of each column, for which the whole weight is read once more. */
async function sumColumns(
  rows: ReadRows,
  name: string,
  [height = 0, width = 0]: readonly number[],
  { product }: Change,
): Promise<Float64Array> {
  const squares = new Float64Array(width);
  const atATime = Math.max(1, Math.floor(numbersAtATime / width));
  for (let from = 0; from < height; from += atATime) {
    const to = Math.min(height, from + atATime);
    const values = await rows(name, from, to);
    const row = new Float64Array(width);
    for (let r = from; r < to; r++) {
      addRow(row, values.subarray((r - from) * width, (r + 1 - from) * width), product, r);
      for (let c = 0; c < width; c++) squares[c] = (squares[c] ?? 0) + (row[c] ?? 0) ** 2;
    }
  }
  return squares.map(Math.sqrt);
}

/** Rows of W + s · B · A, lengthened and scaled: [rows, width], of which the first is the weight's row `from`. */
function changeRows(
  values: Float32Array,
  from: number,
  width: number,
  { product, magnitudes, rowFactors, columnFactors }: Change,
  columnLengths: Float64Array | null,
): Float32Array {
  const changed = new Float32Array(values.length);
  const columnScale = newColumnScale(width, columnFactors, columnLengths && magnitudes, columnLengths);
  const row = new Float64Array(width);
  for (let r = 0; r * width < values.length; r++) {
    addRow(row, values.subarray(r * width, (r + 1) * width), product, from + r);
    let factor = rowFactors?.[from + r] ?? 1;
    if (magnitudes && !columnLengths) factor *= over(magnitudes[from + r] ?? 0, Math.sqrt(sumOfSquares(row)));
    for (let c = 0; c < width; c++) changed[r * width + c] = factor * (columnScale?.[c] ?? 1) * (row[c] ?? 0);
  }
  return changed;
}

function newColumnScale(
  width: number,
  factors: Float32Array | null,
  magnitudes: Float32Array | null,
  lengths: Float64Array | null,
): Float64Array | null {
  if (!factors && !lengths) return null;
  return Float64Array.from(
    { length: width },
    (_, c) => (factors?.[c] ?? 1) * (lengths ? over(magnitudes?.[c] ?? 0, lengths[c] ?? 0) : 1),
  );
}

/** A row of zeros has no direction to be given a length. */
const over = (magnitude: number, length: number) => (length === 0 ? 0 : magnitude / length);

function sumOfSquares(row: Float64Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return sum;
}

/** Row r of W + s · left · right, into `row`. */
function addRow(row: Float64Array, values: Float32Array, product: Change["product"], r: number): void {
  if (!product) {
    row.set(values);
    return;
  }
  const { left, right, rank, scale } = product;
  const width = row.length;
  row.fill(0);
  for (let k = 0; k < rank; k++) {
    const b = left[r * rank + k] ?? 0;
    for (let c = 0; c < width; c++) row[c] = (row[c] ?? 0) + b * (right[k * width + c] ?? 0);
  }
  for (let c = 0; c < width; c++) row[c] = (values[c] ?? 0) + scale * (row[c] ?? 0);
}
