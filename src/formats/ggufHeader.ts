/**
 * @file A GGUF file's header, read strictly: what it says of itself, and where its tensors lie.
 *
 * Versions 2 and 3, little endian. Source: docs/gguf.md of https://github.com/ggml-org/ggml.
 */

import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";
import { ggmlTypes, otherGgmlTypes } from "./ggmlTypes";
import { quote } from "./safetensorsHeader";
import type { StoredTensor } from "./weightFiles";

/** Whole numbers beyond 2^53 are rounded to the nearest double; arrays are of one kind and not nested. */
export type GgufValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];

export type GgufHeader = {
  version: number;
  metadata: ReadonlyMap<string, GgufValue>;
  /** Under the file's own names, shapes with the rows first as everywhere here. */
  tensors: ReadonlyMap<string, StoredTensor>;
};

/** Several times what the largest vocabularies with their scores and merges take. */
const maximumHeader = 64 << 20;
const maximumTensors = 200_000;
/** In all arrays together: they take more memory as values than as bytes. */
const maximumElements = 4 << 20;

function fail(detail: Said): never {
  throw new StudioError("model.tensor", say`GGUF: ${detail}`);
}

/** What a reader throws, and only to its caller, where the bytes at hand end before the header does. */
const short = { wanted: 0 };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the header's parts one after another. `limit` is where the header must have ended. */
function newCursor(bytes: Uint8Array<ArrayBuffer>, limit: number, name: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let elements = 0;
  /** Moves past `length` bytes and says where they began. */
  const take = (length: number, where: Said): number => {
    if (length > limit - at) {
      if (limit === maximumHeader) fail(say`${where}: the header is longer than ${maximumHeader} bytes`);
      fail(say`${where}: ${name} ends before ${length} bytes from byte ${at} on`);
    }
    if (at + length > bytes.length) {
      short.wanted = at + length;
      // Not an error: caught where the bytes are had from.
      throw short as unknown as Error;
    }
    at += length;
    return at - length;
  };
  const u32 = (where: Said) => view.getUint32(take(4, where), true);
  const u64 = (where: Said) => Number(view.getBigUint64(take(8, where), true));
  const string = (where: Said): string => {
    const length = u64(where);
    const start = take(length, where);
    // Most are short and plain, and a decoder's call costs more than they do.
    if (length <= 24) {
      let text = "";
      for (let i = start; i < at; i++) {
        const byte = bytes[i] ?? 0;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (text.length === length) return text;
    }
    try {
      return decoder.decode(bytes.subarray(start, at));
    } catch (cause) {
      throw new StudioError("model.tensor", say`GGUF: ${where}: not UTF-8 at byte ${start}`, { cause });
    }
  };
  /** Before an array is filled: its length is believed only as far as there is room for it. */
  const count = (length: number, size: number, where: Said) => {
    elements += length;
    if (elements > maximumElements) fail(say`${where}: ${length} elements, more than ${maximumElements} in all`);
    if (length * size > limit - at) fail(say`${where}: ${name} ends before ${length} elements from byte ${at} on`);
  };
  return { view, take, u32, u64, string, count, position: () => at };
}

type Cursor = ReturnType<typeof newCursor>;

/** Each type of metadata's numbers, by its number: its bytes and how it is read. */
const scalars: ReadonlyMap<number, [size: number, read: (view: DataView, at: number) => number]> = new Map([
  [0, [1, (view, at) => view.getUint8(at)]],
  [1, [1, (view, at) => view.getInt8(at)]],
  [2, [2, (view, at) => view.getUint16(at, true)]],
  [3, [2, (view, at) => view.getInt16(at, true)]],
  [4, [4, (view, at) => view.getUint32(at, true)]],
  [5, [4, (view, at) => view.getInt32(at, true)]],
  [6, [4, (view, at) => view.getFloat32(at, true)]],
  [10, [8, (view, at) => Number(view.getBigUint64(at, true))]],
  [11, [8, (view, at) => Number(view.getBigInt64(at, true))]],
  [12, [8, (view, at) => view.getFloat64(at, true)]],
]);
const [boolType, stringType, arrayType] = [7, 8, 9];

function readBool({ view, take }: Cursor, where: Said): boolean {
  const byte = view.getUint8(take(1, where));
  if (byte > 1) fail(say`${where}: the truth value ${byte} is neither 0 nor 1`);
  return byte === 1;
}

function readArray(cursor: Cursor, where: Said): GgufValue {
  const type = cursor.u32(where);
  const length = cursor.u64(where);
  const fixed = scalars.get(type);
  if (fixed) {
    const [size, read] = fixed;
    cursor.count(length, size, where);
    const start = cursor.take(length * size, where);
    return Array.from({ length }, (_, i) => read(cursor.view, start + i * size));
  }
  if (type === boolType) {
    cursor.count(length, 1, where);
    return Array.from({ length }, () => readBool(cursor, where));
  }
  if (type !== stringType)
    fail(type === arrayType ? say`${where}: an array within an array` : say`${where}: unknown type ${type}`);
  cursor.count(length, 8, where); // each has at least its length
  const values: string[] = [];
  for (let i = 0; i < length; i++) values.push(cursor.string(where));
  return values;
}

function readValue(cursor: Cursor, where: Said): GgufValue {
  const type = cursor.u32(where);
  if (type === stringType) return cursor.string(where);
  if (type === boolType) return readBool(cursor, where);
  if (type === arrayType) return readArray(cursor, where);
  const [size, read] = scalars.get(type) ?? fail(say`${where}: unknown type ${type}`);
  return read(cursor.view, cursor.take(size, where));
}

type Info = { shape: number[]; type: number; offset: number };

function readInfo(cursor: Cursor, where: Said): Info {
  const dimensions = cursor.u32(where);
  if (dimensions > 4) fail(say`${where}: ${dimensions} dimensions, more than 4`);
  const shape = Array.from({ length: dimensions }, () => cursor.u64(where)).reverse();
  return { shape, type: cursor.u32(where), offset: cursor.u64(where) };
}

/** Throws `short` where the bytes do not hold the whole header. */
function readParts(bytes: Uint8Array<ArrayBuffer>, limit: number, name: string) {
  const cursor = newCursor(bytes, limit, name);
  const start = say`header`;
  const magic = cursor.u32(start);
  if (magic !== 0x46554747) fail(say`${name} does not begin with "GGUF"`);
  const version = cursor.u32(start);
  if (version >= 1 << 16) fail(say`the file is big endian, which is not supported`);
  if (version !== 2 && version !== 3) fail(say`version ${version} is not supported, only 2 and 3`);
  const tensorCount = cursor.u64(start);
  const keyCount = cursor.u64(start);
  if (tensorCount > maximumTensors) fail(say`${tensorCount} tensors, more than ${maximumTensors}`);
  // A key with its type and value takes 13 bytes at least.
  if (keyCount * 13 > limit) fail(say`${keyCount} keys, more than the header has room for`);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string(say`key ${i}`);
    if (metadata.has(key)) fail(say`the key ${quote(key)} stands twice`);
    metadata.set(key, readValue(cursor, say`key ${quote(key)}`));
  }
  const infos = new Map<string, Info>();
  for (let i = 0; i < tensorCount; i++) {
    const tensor = cursor.string(say`tensor ${i}`);
    if (infos.has(tensor)) fail(say`tensor ${quote(tensor)} stands twice`);
    infos.set(tensor, readInfo(cursor, say`tensor ${quote(tensor)}`));
  }
  return { version, metadata, infos, end: cursor.position() };
}

function findAlignment(metadata: ReadonlyMap<string, GgufValue>): number {
  const value = metadata.get("general.alignment") ?? 32;
  const isPower = typeof value === "number" && value >= 1 && value <= 1 << 24 && Number.isInteger(Math.log2(value));
  return isPower ? value : fail(say`key "general.alignment": not a power of two`);
}

/** Where each tensor lies, checked: none beyond the file, none over another, each of whole blocks. */
function placeTensors(
  source: ByteSource,
  infos: ReadonlyMap<string, Info>,
  dataStart: number,
  alignment: number,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const spans: { name: string; begin: number; end: number }[] = [];
  for (const [name, { shape, type: number, offset }] of infos) {
    const where = say`tensor ${quote(name)}`;
    const other = otherGgmlTypes.get(number);
    const type =
      ggmlTypes.get(number) ??
      fail(other ? say`${where}: its type ${other} is not supported` : say`${where}: unknown type ${number}`);
    const size = shape.reduce((product, n) => product * n, 1);
    if (!Number.isSafeInteger(size) || shape.some((n) => !Number.isSafeInteger(n)))
      fail(say`${where}: its shape [${shape.join(", ")}] is too large`);
    if ((shape.at(-1) ?? 1) % type.block !== 0)
      fail(say`${where}: rows of ${shape.at(-1) ?? 1} numbers are not whole blocks of ${type.name}, of ${type.block}`);
    const begin = dataStart + offset;
    const end = begin + (size / type.block) * type.bytes;
    if (offset % alignment !== 0) fail(say`${where}: its offset ${offset} is no multiple of ${alignment}`);
    if (end > source.size)
      fail(say`${where}: its data ends at byte ${end} of ${source.size}; the file may be cut short`);
    spans.push({ name, begin, end });
    tensors.set(name, { source, offset: begin, shape, type });
  }
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  spans.reduce((before, span) => {
    if (span.begin < before) fail(say`tensor ${quote(span.name)}: its data overlaps the tensor before it`);
    return span.end;
  }, 0);
  return tensors;
}

/**
 * Reads as much of the beginning as the header takes, and no more than 64 MB.
 * Throws `model.tensor`, naming the key or tensor, and `file.unreadable`.
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const limit = Math.min(source.size, maximumHeader);
  for (let length = Math.min(limit, 1 << 20); ; ) {
    const bytes = await source.read(0, length);
    try {
      const { version, metadata, infos, end } = readParts(bytes, limit, source.name);
      const alignment = findAlignment(metadata);
      const dataStart = Math.ceil(end / alignment) * alignment;
      return { version, metadata, tensors: placeTensors(source, infos, dataStart, alignment) };
    } catch (reason) {
      if (reason !== short) throw reason;
      length = Math.min(limit, Math.max(4 * length, short.wanted));
    }
  }
}
