/** @file Where the tensors of a safetensors file lie, checked, and how each dtype's numbers are widened to f32. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { aligned, bf16, f16, f32 } from "./ggmlTypes";
import { type Header, type HeaderEntry, parseHeader, quote } from "./safetensorsHeader";
import type { NumberType } from "./weightFiles";

/** The reference implementation's own limit. */
const maximumHeader = 100_000_000;

function newDtype(
  name: string,
  bytes: number,
  widen: (...range: [ArrayBuffer, number, number]) => ArrayLike<number>,
): NumberType {
  return {
    name,
    block: 1,
    bytes,
    decode: (from, to) => {
      to.set(widen(...aligned(from, bytes)));
    },
    packing: null,
  };
}

/** Each dtype we read; 64-bit values are rounded. */
const dtypes: ReadonlyMap<string, NumberType> = new Map(
  [
    f32,
    f16,
    bf16,
    newDtype("F64", 8, (...range) => new Float64Array(...range)),
    newDtype("I64", 8, (...range) => Float32Array.from(new BigInt64Array(...range), Number)),
    newDtype("U64", 8, (...range) => Float32Array.from(new BigUint64Array(...range), Number)),
    newDtype("I32", 4, (...range) => new Int32Array(...range)),
    newDtype("U32", 4, (...range) => new Uint32Array(...range)),
    newDtype("I16", 2, (...range) => new Int16Array(...range)),
    newDtype("U16", 2, (...range) => new Uint16Array(...range)),
    newDtype("I8", 1, (...range) => new Int8Array(...range)),
    newDtype("U8", 1, (...range) => new Uint8Array(...range)),
    newDtype("BOOL", 1, (...range) => new Uint8Array(...range).map((x) => (x ? 1 : 0))),
  ].map((dtype) => [dtype.name, dtype]),
);

export function failSafetensors(detail: Said): never {
  throw new StudioError("model.tensor", say`safetensors: ${detail}`);
}

/** Bytes of the header, from the first 8 of a file of `size` bytes. Throws `model.tensor`. */
export function readHeaderLength(first: Uint8Array, size: number): number {
  if (size < 8) failSafetensors(say`the file has ${size} bytes, fewer than a header's length takes`);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maximumHeader))
    failSafetensors(say`the header claims ${String(length)} bytes, more than ${maximumHeader}`);
  if (8 + Number(length) > size)
    failSafetensors(say`the header claims ${String(length)} bytes, the file has ${size - 8} after its length`);
  return Number(length);
}

export type Placed = HeaderEntry & { type: NumberType };

/**
 * Parses a header and checks it against the bytes of data behind it: every byte belongs to exactly one tensor, and each
 * tensor has the bytes its shape asks for. Offsets are from the beginning of the data.
 */
export function parseLayout(
  header: Uint8Array,
  dataLength: number,
): { entries: Map<string, Placed>; metadata: Header["metadata"] } {
  const { entries, metadata } = parseHeader(header);
  const placed = new Map<string, Placed>();
  for (const [name, entry] of entries) {
    const type =
      dtypes.get(entry.dtype) ??
      failSafetensors(say`tensor ${quote(name)}: the dtype ${quote(entry.dtype)} is not supported`);
    placed.set(name, { ...entry, type });
  }
  checkLayout(placed, dataLength);
  return { entries: placed, metadata };
}

function checkLayout(entries: ReadonlyMap<string, Placed>, dataLength: number): void {
  let expected = 0;
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { dtype, shape, begin, end, type }] of inOrder) {
    const where = say`tensor ${quote(name)}`;
    if (end > dataLength)
      failSafetensors(say`${where}: its data ends at byte ${end} of ${dataLength}; the file may be cut short`);
    if (begin < expected) failSafetensors(say`${where}: its data overlaps the tensor before it`);
    if (begin > expected) failSafetensors(say`${where}: a gap of ${begin - expected} bytes lies before its data`);
    const size = shape.reduce((product, n) => product * n, type.bytes);
    if (size !== end - begin)
      failSafetensors(say`${where}: ${dtype} [${shape.join(", ")}] does not fill ${end - begin} bytes`);
    expected = end;
  }
  if (expected !== dataLength) failSafetensors(say`${dataLength - expected} bytes at the end belong to no tensor`);
}
