/**
 * @file A model as one GGUF file for llama.cpp and Ollama, written a few megabytes at a time: the inverse of gguf.ts.
 * Source of what changes on the way: conversion/ of https://github.com/ggml-org/llama.cpp.
 */

import { StudioError } from "../core/errors";
import type { GgufWeightType } from "../core/exportFormat";
import type { ModelConfig } from "../core/model";
import { type Said, say } from "../core/say";
import { tensorShapes } from "../core/tensorNames";
import { encodeGgml, ggmlLayout } from "./ggmlEncode";
import { newGgufSettings } from "./ggufMetadata";
import { ggufArchitectureOf, type HuggingFaceName, nameInGguf } from "./ggufNames";
import {
  type GgufMetadata,
  type GgufTensorPlan,
  type GgufTyped,
  ggufPadding,
  planGguf,
  text,
  uint32,
} from "./ggufWriter";
import { rotatedRow } from "./weightFiles";

/** Rows `from` … `to` − 1 of a tensor by Hugging Face's name, as its checkpoint has them. */
export type ReadRows = (name: string, from: number, to: number) => Promise<Float32Array>;

export type GgufModel = {
  config: ModelConfig;
  /** As programs that read the file show it. */
  name: string;
  /** An SPDX name, or empty. */
  licence?: string;
  type: GgufWeightType;
  /** Every key of `tokenizer.`: data/ggufTokenizerOut.ts makes them, or `copyGgufTokenizer` of the base's own file. */
  tokenizer: GgufMetadata;
  rows: ReadRows;
};

export type GgufFile = {
  size: number; // bytes
  /** Begins anew at each call. */
  bytes: () => AsyncGenerator<Uint8Array>;
  /** In what llama.cpp will differ from the studio, though it reads the file. */
  notes: Said[];
};

/** Numbers read at a time: 8 MB as f32. */
const numbersAtATime = 2 ** 21;

/** enum llama_ftype of llama.h. */
const fileTypes: Record<GgufWeightType, number> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7 };

type Written = GgufTensorPlan & { name: string; huggingFaceShape: readonly number[]; changes: HuggingFaceName };

/**
 * As llama.cpp's converter and its quantize choose: vectors, norms and learned positions stay in f32, rows that are not
 * whole blocks go as f16. With Q4_0 the embedding and the head get more bits, of which they need most; llama.cpp gives
 * them Q6_K, which we do not write, and we Q8_0.
 */
function typeOf(name: string, shape: readonly number[], type: GgufWeightType): GgufWeightType {
  if (shape.length < 2 || name.endsWith("_norm.weight") || name === "position_embd.weight") return "F32";
  if ((shape.at(-1) ?? 1) % ggmlLayout[type].block !== 0) return "F16";
  return type === "Q4_0" && (name === "token_embd.weight" || name === "output.weight") ? "Q8_0" : type;
}

function planTensors(config: ModelConfig, type: GgufWeightType): Map<string, Written> {
  const architecture = ggufArchitectureOf(config.architecture);
  const written = new Map<string, Written>();
  for (const [name, huggingFaceShape] of tensorShapes(config)) {
    const known = nameInGguf(architecture, name);
    if (!known) throw new StudioError("bug", say`${name} has no name in a GGUF file of ${architecture}`);
    const shape = known.changes.isTransposed ? huggingFaceShape.toReversed() : huggingFaceShape;
    const plan = { shape, type: typeOf(known.name, shape, type) };
    written.set(known.name, { ...plan, name, huggingFaceShape, changes: known.changes });
  }
  return written;
}

function newMetadata(model: GgufModel, settings: GgufMetadata): Map<string, GgufTyped> {
  const { config, name, licence, type, tokenizer } = model;
  const tokens = tokenizer.get("tokenizer.ggml.tokens");
  if (tokens?.type !== "strings" || tokens.value.length !== config.vocabSize)
    throw new StudioError(
      "tokenizer.invalid",
      say`GGUF: the tokenizer has ${tokens?.type === "strings" ? tokens.value.length : 0} tokens, the model ${config.vocabSize}`,
    );
  return new Map([
    ["general.architecture", text(ggufArchitectureOf(config.architecture))],
    ["general.type", text("model")],
    ["general.name", text(name)],
    ...(licence ? ([["general.license", text(licence)]] as const) : []),
    ...settings,
    ["general.file_type", uint32(fileTypes[type])],
    ["general.quantization_version", uint32(2)],
    ...tokenizer,
  ]);
}

/** Puts the two halves of each head beside each other, as they are rotated: row r of whole heads goes to rotatedRow(r). */
function rotate(values: Float32Array, D: number, width: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row * width < values.length; row++)
    turned.set(values.subarray(row * width, (row + 1) * width), rotatedRow(row, D) * width);
  return turned;
}

/** [rows, columns] → [columns, rows] */
function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column] ?? 0;
  return turned;
}

/** A tensor's numbers in the file's order, some rows at a time; GPT-2's Conv1D are read whole, as they lie across. */
async function* readNumbers(tensor: Written, config: ModelConfig, rows: ReadRows): AsyncGenerator<Float32Array> {
  const { name, changes, huggingFaceShape } = tensor;
  const [height = 1, ...rest] = huggingFaceShape;
  const width = rest.reduce((product, n) => product * n, 1);
  if (changes.isTransposed) {
    yield transpose(await rows(name, 0, height), width);
    return;
  }
  const unit = changes.rotated ? config.headDim : 1;
  const atATime = unit * Math.max(1, Math.floor(numbersAtATime / (width * unit)));
  for (let from = 0; from < height; from += atATime) {
    const values = await rows(name, from, Math.min(height, from + atATime));
    const { shift } = changes;
    const shifted = shift === null ? values : values.map((value) => value - shift);
    yield changes.rotated ? rotate(shifted, config.headDim, width) : shifted;
  }
}

function checkRange(values: Float32Array, { name, type }: Written): void {
  const most = type === "F16" ? 65519.99 : Number.POSITIVE_INFINITY; // from 65520 on a half rounds to infinity
  for (const value of values)
    if (!(Math.abs(value) <= most) || Math.abs(value) === Number.POSITIVE_INFINITY)
      throw new StudioError("model.tensor", say`tensor ${name} holds ${value}, which does not fit ${type}`);
}

/**
 * A model, its adapter merged in by `rows` or none, as llama.cpp reads it. Nothing is read before the bytes are asked
 * for. Throws `model.config` where llama.cpp would compute something else, naming it, `tokenizer.invalid` where there
 * are not as many tokens as rows; while it is written, `model.tensor` for a number that the type cannot hold.
 */
export function newGgufModel(model: GgufModel): GgufFile {
  const { config, type, rows } = model;
  const { metadata, factors, notes } = newGgufSettings(config);
  const written = planTensors(config, type);
  const plans = new Map<string, GgufTensorPlan>([
    ...[...factors].map(([name, { length }]) => [name, { shape: [length], type: "F32" }] as const),
    ...written,
  ]);
  const { head, order, size } = planGguf(newMetadata(model, metadata), plans);

  async function* write(): AsyncGenerator<Uint8Array> {
    yield head;
    for (const name of order) {
      const factor = factors.get(name);
      const tensor = written.get(name);
      if (factor) yield encodeGgml(factor, "F32");
      if (tensor) {
        for await (const values of readNumbers(tensor, config, rows)) {
          checkRange(values, tensor);
          yield encodeGgml(values, tensor.type);
        }
      }
      const plan = plans.get(name);
      if (plan) yield ggufPadding(plan);
    }
  }

  return { size, bytes: write, notes };
}
