/** @file Lines out of bytes that come in pieces, none kept in memory beyond the longest allowed. */

const newline = 0x0a;
const carriageReturn = 0x0d;

export type Line = {
  /** 1-based. */
  line: number;
  /** Without its end; null where it is longer than allowed. */
  bytes: Uint8Array | null;
  length: number;
};

/** Ends are \n and \r\n. The last line needs none. */
export function newLineSplitter(maxBytes: number) {
  let parts: Uint8Array[] = [];
  let length = 0;
  let line = 0;

  const add = (part: Uint8Array) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const take = (): Line => {
    line++;
    let bytes: Uint8Array | null = null;
    if (length <= maxBytes) {
      bytes = parts.length === 1 ? (parts[0] ?? null) : joinBytes(parts, length);
      if (bytes?.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1);
    }
    const taken = { line, bytes, length };
    parts = [];
    length = 0;
    return taken;
  };

  return {
    push(piece: Uint8Array): Line[] {
      const lines: Line[] = [];
      let from = 0;
      for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, from)) {
        add(piece.subarray(from, at));
        lines.push(take());
        from = at + 1;
      }
      // a copy: the piece's memory may be its owner's to use again
      if (from < piece.length) add(length + piece.length - from > maxBytes ? piece.subarray(from) : piece.slice(from));
      return lines;
    },
    end: (): Line[] => (length > 0 ? [take()] : []),
  };
}

export function joinBytes(parts: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
