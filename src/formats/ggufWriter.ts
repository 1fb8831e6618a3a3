/**
 * @file A GGUF file (version 3) written from its beginning: what its head says and where each tensor will lie, and then
 * the tensors' bytes as they come. Source: docs/gguf.md of https://github.com/ggml-org/ggml; the same bytes as gguf-py's.
 */

import type { GgufWeightType } from "../core/exportFormat";
import { ggmlLayout } from "./ggmlEncode";
import type { GgufValue } from "./ggufHeader";

/** A value of the metadata with its type, which readers insist on; the lists are arrays of one type. */
export type GgufTyped =
  | { type: "uint32" | "int32" | "float32" | "int64" | "float64"; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "strings"; value: readonly string[] }
  | { type: "int32s" | "float32s" | "int64s" | "float64s"; value: readonly number[] }
  | { type: "bools"; value: readonly boolean[] };

export type GgufMetadata = ReadonlyMap<string, GgufTyped>;

export const uint32 = (value: number): GgufTyped => ({ type: "uint32", value });
export const float32 = (value: number): GgufTyped => ({ type: "float32", value });
export const text = (value: string): GgufTyped => ({ type: "string", value });

/** Rows first, as everywhere here. */
export type GgufTensorPlan = { shape: readonly number[]; type: GgufWeightType };

type NumberKind = "uint32" | "int32" | "float32" | "int64" | "float64";

const numbers: Record<NumberKind, [type: number, size: number, put: (view: DataView, n: number) => void]> = {
  uint32: [4, 4, (view, n) => view.setUint32(0, n, true)],
  int32: [5, 4, (view, n) => view.setInt32(0, n, true)],
  float32: [6, 4, (view, n) => view.setFloat32(0, n, true)],
  int64: [11, 8, (view, n) => view.setBigInt64(0, BigInt(n), true)],
  float64: [12, 8, (view, n) => view.setFloat64(0, n, true)],
};
const [boolType, stringType, arrayType] = [7, 8, 9];

const encoder = new TextEncoder();
const alignment = 32;
const padded = (size: number) => Math.ceil(size / alignment) * alignment;

/** Parts of a head one after another. */
function newParts() {
  let bytes = new Uint8Array(1 << 16);
  let length = 0;
  const take = (size: number): DataView => {
    if (length + size > bytes.length) {
      const larger = new Uint8Array(Math.max(2 * bytes.length, length + size));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    length += size;
    return new DataView(bytes.buffer, length - size, size);
  };
  const number = (kind: NumberKind, n: number) => {
    const [, size, put] = numbers[kind];
    put(take(size), n);
  };
  const u32 = (n: number) => number("uint32", n);
  const u64 = (n: number) => take(8).setBigUint64(0, BigInt(n), true);
  const string = (value: string) => {
    const encoded = encoder.encode(value);
    u64(encoded.length);
    take(encoded.length);
    bytes.set(encoded, length - encoded.length);
  };
  const bool = (value: boolean) => take(1).setUint8(0, value ? 1 : 0);
  return { number, u32, u64, string, bool, end: () => bytes.slice(0, padded(length)) };
}

type Parts = ReturnType<typeof newParts>;

function putValue(parts: Parts, typed: GgufTyped): void {
  const array = (type: number, length: number) => {
    parts.u32(arrayType);
    parts.u32(type);
    parts.u64(length);
  };
  switch (typed.type) {
    case "string":
      parts.u32(stringType);
      parts.string(typed.value);
      return;
    case "bool":
      parts.u32(boolType);
      parts.bool(typed.value);
      return;
    case "strings":
      array(stringType, typed.value.length);
      typed.value.forEach(parts.string);
      return;
    case "bools":
      array(boolType, typed.value.length);
      typed.value.forEach(parts.bool);
      return;
    case "int32s":
    case "float32s":
    case "int64s":
    case "float64s": {
      const kind = typed.type.slice(0, -1) as NumberKind;
      array(numbers[kind][0], typed.value.length);
      for (const value of typed.value) parts.number(kind, value);
      return;
    }
    default:
      parts.u32(numbers[typed.type][0]);
      {
        parts.number(typed.type, typed.value);
        return;
      }
  }
}

/** Bytes of a tensor; its rows are whole blocks of its type. */
export function ggufTensorSize({ shape, type }: GgufTensorPlan): number {
  const { block, bytes } = ggmlLayout[type];
  return (shape.reduce((product, n) => product * n, 1) / block) * bytes;
}

/**
 * Everything before the numbers, the order in which the tensors follow it, and the size of the whole. After each tensor
 * zeros are to follow up to the next multiple of 32 bytes (`ggufPadding`).
 */
export function planGguf(
  metadata: GgufMetadata,
  tensors: ReadonlyMap<string, GgufTensorPlan>,
): { head: Uint8Array<ArrayBuffer>; order: string[]; size: number } {
  const parts = newParts();
  parts.u32(0x46554747); // "GGUF"
  parts.u32(3);
  parts.u64(tensors.size);
  parts.u64(metadata.size);
  for (const [key, typed] of metadata) {
    parts.string(key);
    putValue(parts, typed);
  }
  let offset = 0;
  for (const [name, plan] of tensors) {
    parts.string(name);
    parts.u32(plan.shape.length);
    for (const n of plan.shape.toReversed()) parts.u64(n);
    parts.u32(ggmlLayout[plan.type].number);
    parts.u64(offset);
    offset += padded(ggufTensorSize(plan));
  }
  const head = parts.end();
  return { head, order: [...tensors.keys()], size: head.length + offset };
}

/** The zeros after a tensor. */
export const ggufPadding = (plan: GgufTensorPlan): Uint8Array => {
  const size = ggufTensorSize(plan);
  return new Uint8Array(padded(size) - size);
};

const inRange = (value: number, from: number, to: number) => Number.isInteger(value) && value >= from && value <= to;

function numbersType(values: readonly number[], key: string): "int32s" | "float32s" | "int64s" | "float64s" {
  if (key === "tokenizer.ggml.scores") return "float32s"; // whole numbers too
  if (values.every((value) => inRange(value, -(2 ** 31), 2 ** 31 - 1))) return "int32s";
  if (values.every((value) => Number.isSafeInteger(value))) return "int64s";
  return values.every((value) => Object.is(Math.fround(value), value)) ? "float32s" : "float64s";
}

function typedAs(key: string, value: GgufValue): GgufTyped {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "number") {
    if (inRange(value, 0, 2 ** 32 - 1)) return { type: "uint32", value };
    if (inRange(value, -(2 ** 31), 0)) return { type: "int32", value };
    if (Number.isSafeInteger(value)) return { type: "int64", value };
    return { type: Object.is(Math.fround(value), value) ? "float32" : "float64", value };
  }
  const list: readonly unknown[] = value;
  if (list.every((item) => typeof item === "string")) return { type: "strings", value: list };
  if (list.every((item) => typeof item === "boolean")) return { type: "bools", value: list };
  const values = list as readonly number[];
  return { type: numbersType(values, key), value: values };
}

/**
 * The tokenizer of a GGUF file's metadata as it stands, for a model made of that file. Readers of the format insist on
 * the types of ids, kinds and scores, which are given back here; the rest gets the narrowest type that holds it.
 */
export function copyGgufTokenizer(metadata: ReadonlyMap<string, GgufValue>): GgufMetadata {
  return new Map(
    [...metadata].filter(([key]) => key.startsWith("tokenizer.")).map(([key, value]) => [key, typedAs(key, value)]),
  );
}
