/** @file Bytes that lie somewhere and are read a part at a time, so that no file need ever be whole in memory. */

import { StudioError } from "./errors";
import { say } from "./say";

export type ByteSource = {
  /** As messages name it. */
  name: string;
  size: number; // bytes
  /** Fresh memory of exactly `length` bytes. Throws `file.unreadable` where they cannot be had. */
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
};

function checkRange({ name, size }: { name: string; size: number }, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > size) {
    throw new StudioError("file.unreadable", say`${name} has no bytes ${offset} to ${offset + length}, only ${size}`);
  }
}

/** A dropped file, or one in the browser's private file system. */
export function blobSource(blob: Blob, name: string): ByteSource {
  const source = { name, size: blob.size };
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        throw new StudioError("file.unreadable", say`${name} cannot be read`, { cause });
      }
    },
  };
}

export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  const source = { name, size: bytes.length };
  return {
    ...source,
    read(offset, length) {
      checkRange(source, offset, length);
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}
