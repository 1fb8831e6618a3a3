/** @file Reads a safetensors header by its own small grammar, so that nothing JSON hides (duplicate keys, depth) gets in. */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

export type HeaderEntry = { dtype: string; shape: number[]; begin: number; end: number };
export type Header = { entries: Map<string, HeaderEntry>; metadata: Record<string, string> };

/** More tensors than any model has; keeps a hostile header from filling the memory. */
const maximumTensors = 200_000;

function fail(detail: Said): never {
  throw new StudioError("model.tensor", say`safetensors: ${detail}`);
}

/** A name from a file as a message shows it: a hostile one may be megabytes long. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A cursor over the header's bytes that knows the four things the grammar is made of. */
function newCursor(bytes: Uint8Array) {
  let at = 0;
  const skipSpace = () => {
    for (let c = bytes[at]; c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = bytes[at]) at++;
  };
  const peek = () => {
    skipSpace();
    return bytes[at] ?? 0;
  };
  const expect = (character: string) => {
    if (peek() !== character.charCodeAt(0)) fail(say`expected ${character} at byte ${at + 8}`);
    at++;
  };
  const string = (): string => {
    expect('"');
    const start = at;
    let plain = true;
    for (let c = bytes[at]; c !== 0x22; c = bytes[++at]) {
      if (c === undefined) fail(say`a string from byte ${start + 8} does not end`);
      if (c < 0x20 || c === 0x5c) plain = false;
      if (c === 0x5c) at++;
    }
    const inside = bytes.subarray(start, at);
    at++;
    try {
      const text = decoder.decode(inside);
      return plain ? text : (JSON.parse(`"${text}"`) as string);
    } catch (error) {
      throw new StudioError("model.tensor", say`safetensors: unreadable string at byte ${start + 8}`, { cause: error });
    }
  };
  const whole = (): number => {
    const first = peek();
    const start = at;
    while ((bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39 && at - start < 17) at++;
    const n = Number(String.fromCharCode(...bytes.subarray(start, at)));
    const tooShort = at === start || (first === 0x30 && at - start > 1);
    if (tooShort || !Number.isSafeInteger(n)) fail(say`expected a whole number at byte ${start + 8}`);
    return n;
  };
  /** Calls `item` for each comma-separated item between two brackets. */
  const list = (open: string, close: string, item: () => void) => {
    expect(open);
    if (peek() === close.charCodeAt(0)) {
      at++;
      return;
    }
    for (;;) {
      item();
      if (peek() !== 0x2c) break;
      at++;
    }
    expect(close);
  };
  const end = () => {
    skipSpace();
    if (at !== bytes.length) fail(say`unexpected text after the header, at byte ${at + 8}`);
  };
  return { string, whole, list, expect, end };
}

type Cursor = ReturnType<typeof newCursor>;

function newKey(cursor: Cursor, seen: { has: (key: string) => boolean }, where: Said): string {
  const key = cursor.string();
  if (key === "__proto__") fail(say`${where}: the key "__proto__" is not allowed`);
  if (seen.has(key)) fail(say`${where}: the key ${quote(key)} stands twice`);
  cursor.expect(":");
  return key;
}

function parseEntry(cursor: Cursor, name: string): HeaderEntry {
  const where = say`tensor ${quote(name)}`;
  const seen = new Set<string>();
  let dtype = "";
  const shape: number[] = [];
  const offsets: number[] = [];
  cursor.list("{", "}", () => {
    const key = newKey(cursor, seen, where);
    seen.add(key);
    if (key === "dtype") dtype = cursor.string();
    else if (key === "shape")
      cursor.list("[", "]", () => {
        if (shape.push(cursor.whole()) > 32) fail(say`${where}: more than 32 dimensions`);
      });
    else if (key === "data_offsets")
      cursor.list("[", "]", () => {
        if (offsets.push(cursor.whole()) > 2) fail(say`${where}: data_offsets has more than two numbers`);
      });
    else fail(say`${where}: unknown field ${quote(key)}`);
  });
  for (const key of ["dtype", "shape", "data_offsets"]) if (!seen.has(key)) fail(say`${where}: ${key} is missing`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || end < begin) fail(say`${where}: data_offsets is not [begin, end]`);
  return { dtype, shape, begin, end };
}

/**
 * Parses the bytes between the length and the data.
 * Throws `model.tensor`, naming the byte of the file or the tensor.
 */
export function parseHeader(bytes: Uint8Array): Header {
  if (bytes[0] !== 0x7b) fail(say`the header does not begin with {`);
  const cursor = newCursor(bytes);
  const entries = new Map<string, HeaderEntry>();
  const metadata = new Map<string, string>();
  let hasMetadata = false;
  cursor.list("{", "}", () => {
    const name = newKey(cursor, entries, say`header`);
    if (name !== "__metadata__") {
      entries.set(name, parseEntry(cursor, name));
      if (entries.size > maximumTensors) fail(say`more than ${maximumTensors} tensors`);
      return;
    }
    if (hasMetadata) fail(say`header: the key "__metadata__" stands twice`);
    hasMetadata = true;
    cursor.list("{", "}", () => {
      const key = newKey(cursor, metadata, say`__metadata__`);
      metadata.set(key, cursor.string());
    });
  });
  cursor.end();
  return { entries, metadata: Object.fromEntries(metadata) };
}
