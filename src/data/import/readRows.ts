/** @file Any data file as rows, streamed: the same for the import, the first look and the command line. */

import type { BadRow, Row } from "../../core/dataset";
import { StudioError } from "../../core/errors";
import { say } from "../../core/say";
import { newCsvParser } from "../../formats/csv";
import { newJsonParser } from "../../formats/json";
import { newJsonlParser } from "../../formats/jsonl";
import type { Parsed, RowParser } from "../../formats/rowParser";
import { newTextParser } from "../../formats/text";
import { type Container, extensionOf, headBytes, recogniseContainer } from "./recognise";

/** A larger piece is parsed in parts, so that nothing holds the thread for long. */
const pieceBytes = 2 ** 19;
/** Milliseconds of work between two moments for others. */
const turnMillis = 25;

const byteOrderMark = [0xef, 0xbb, 0xbf];

export function newRowParser(container: Container, name: string): RowParser {
  switch (container) {
    case "jsonl":
      return newJsonlParser();
    case "json":
      return newJsonParser();
    case "csv":
      return newCsvParser(extensionOf(name) === "tsv");
    case "text":
      return newTextParser();
  }
}

function unreadable(name: string, error: unknown): StudioError {
  if (error instanceof StudioError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StudioError("file.unreadable", say`"${name}": ${reason}`, { cause: error });
}

/** The blob's bytes in pieces, from its beginning. Throws `file.unreadable`; closes the stream when the reader stops. */
async function* readPieces(blob: Blob, name: string): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  let turn = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw unreadable(name, error);
      });
      if (done) return;
      for (let at = 0; at < value.length; at += pieceBytes) {
        yield value.subarray(at, at + pieceBytes);
        if (performance.now() - turn > turnMillis) {
          await new Promise((resolve) => setTimeout(resolve));
          turn = performance.now();
        }
      }
    }
  } finally {
    // nothing more is wanted of it, and what it says to that is of no use
    reader.cancel().catch(() => undefined);
  }
}

async function readHead(blob: Blob, name: string): Promise<{ head: Uint8Array; marked: boolean }> {
  if (blob.size === 0) throw new StudioError("dataset.empty", say`"${name}" is empty: it has 0 bytes`);
  const bytes = await blob
    .slice(0, headBytes + byteOrderMark.length)
    .arrayBuffer()
    .catch((error: unknown) => {
      throw unreadable(name, error);
    });
  const head = new Uint8Array(bytes);
  const marked = byteOrderMark.every((byte, i) => head[i] === byte);
  return { head: marked ? head.subarray(byteOrderMark.length) : head, marked };
}

/** What a stretch of the file gave. `bytes` are the stretch as it stands, for the hash and the progress. */
export type Stretch = { bytes: Uint8Array; parsed: Parsed[] };

/** The kind of file, and its rows stretch by stretch. Throws `dataset.format`, `dataset.empty` or `file.unreadable`. */
export async function openRows(
  blob: Blob,
  name: string,
): Promise<{ container: Container; stretches: () => AsyncGenerator<Stretch> }> {
  const { head, marked } = await readHead(blob, name);
  const container = recogniseContainer(head, name);
  const stretches = async function* (): AsyncGenerator<Stretch> {
    const parser = newRowParser(container, name);
    let skip = marked ? byteOrderMark.length : 0;
    for await (const bytes of readPieces(blob, name)) {
      const from = Math.min(skip, bytes.length);
      skip -= from;
      yield { bytes, parsed: parser.push(bytes.subarray(from)) };
    }
    yield { bytes: new Uint8Array(), parsed: parser.end() };
  };
  return { container, stretches };
}

/** Every row of a file with its line, and every place that gives none. Throws as `openRows`. */
export async function* readRowsFromBlob(
  blob: Blob,
  name: string,
): AsyncGenerator<{ row: Row; line: number } | { bad: BadRow }> {
  const { stretches } = await openRows(blob, name);
  for await (const { parsed } of stretches()) {
    for (const item of parsed) yield "row" in item ? item : { bad: item };
  }
}
