/**
 * @file A zip of uncompressed files, as zip.ts writes it, read again a part at a time. Source: PKWARE's APPNOTE 6.3.10,
 * sections 4.3.6 to 4.3.16 and 4.5.3 (Zip64).
 */

import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { say } from "../core/say";

function fail(source: ByteSource): never {
  throw new StudioError("file.unreadable", say`${source.name} is not a zip of plain files`);
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the central directory lies, by the record at the end; the comment behind it is empty. */
async function readEnd(source: ByteSource): Promise<{ offset: number; size: number; entries: number }> {
  const tail = Math.min(source.size, 22 + 20 + 56);
  const at = view(await source.read(source.size - tail, tail));
  const end = tail - 22;
  if (end < 0 || at.getUint32(end, true) !== 0x06054b50) fail(source);
  const plain = {
    entries: at.getUint16(end + 10, true),
    size: at.getUint32(end + 12, true),
    offset: at.getUint32(end + 16, true),
  };
  const locator = end - 20;
  const record = locator - 56;
  if (record < 0 || at.getUint32(locator, true) !== 0x07064b50 || at.getUint32(record, true) !== 0x06064b50)
    return plain;
  const wide = (place: number) => Number(at.getBigUint64(record + place, true));
  return { entries: wide(32), size: wide(40), offset: wide(48) };
}

/** An entry's sizes and place, from its extra field where they are too large for their own. */
function placeOf(at: DataView, from: number, nameLength: number): { size: number; offset: number } {
  let size = at.getUint32(from + 24, true);
  let offset = at.getUint32(from + 42, true);
  const isStored = at.getUint16(from + 10, true) === 0;
  let field = from + 46 + nameLength;
  const end = field + at.getUint16(from + 30, true);
  for (; field + 4 <= end; field += 4 + at.getUint16(field + 2, true)) {
    if (at.getUint16(field, true) !== 1) continue;
    let value = field + 4;
    const next = () => {
      value += 8;
      return Number(at.getBigUint64(value - 8, true));
    };
    if (size === 0xffffffff) size = next();
    if (at.getUint32(from + 20, true) === 0xffffffff) next();
    if (offset === 0xffffffff) offset = next();
  }
  return { size: isStored ? size : Number.NaN, offset };
}

/** The files of the zip by their paths. Throws `file.unreadable` where it is no zip, or one of compressed files. */
export async function openStoredZip(source: ByteSource): Promise<Map<string, ByteSource>> {
  const { offset, size, entries } = await readEnd(source);
  const files = new Map<string, ByteSource>();
  if (offset + size > source.size) fail(source);
  const directory = await source.read(offset, size);
  const at = view(directory);
  let from = 0;
  for (let i = 0; i < entries; i++) {
    if (from + 46 > size || at.getUint32(from, true) !== 0x02014b50) fail(source);
    const nameLength = at.getUint16(from + 28, true);
    const next = from + 46 + nameLength + at.getUint16(from + 30, true) + at.getUint16(from + 32, true);
    if (next > size) fail(source);
    const name = new TextDecoder().decode(directory.subarray(from + 46, from + 46 + nameLength));
    const place = placeOf(at, from, nameLength);
    if (!Number.isFinite(place.size) || place.offset + 30 > source.size) fail(source);
    const local = view(await source.read(place.offset, 30));
    if (local.getUint32(0, true) !== 0x04034b50) fail(source);
    const start = place.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    if (start + place.size > source.size) fail(source);
    files.set(name, partOf(source, name, start, place.size));
    from = next;
  }
  return files;
}

const partOf = (source: ByteSource, name: string, start: number, size: number): ByteSource => ({
  name,
  size,
  read: (offset, length) => {
    if (offset < 0 || length < 0 || offset + length > size)
      throw new StudioError("file.unreadable", say`${name} has no bytes ${offset} to ${offset + length}, only ${size}`);
    return source.read(start + offset, length);
  },
});
