/** @file The bytes behind token ids, so that text streams without ever showing half a character. */

import type { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { StudioError } from "../core/errors";
import { say } from "../core/say";

/** GPT-2's alphabet of 256 printable symbols, one for each byte (openai/gpt-2, encoder.py, bytes_to_unicode). */
export const byteOfSymbol: ReadonlyMap<string, number> = (() => {
  const isPrintable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  const symbols = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) symbols.set(String.fromCodePoint(isPrintable(byte) ? byte : next++), byte);
  return symbols;
})();

export type TokenBytes = {
  decode: (ids: readonly number[]) => string;
  newDecoder: () => (ids: readonly number[]) => string;
  tokenText: (id: number) => string;
};

const encoder = new TextEncoder();

/** All names of decoders in a tokenizer.json, through its sequences. */
function listDecoders(config: unknown): Record<string, unknown>[] {
  if (typeof config !== "object" || config === null) return [];
  const decoder = config as Record<string, unknown>;
  if (decoder["type"] !== "Sequence" || !Array.isArray(decoder["decoders"])) return [decoder];
  return decoder["decoders"].flatMap(listDecoders);
}

/** How one token becomes bytes: null where the decoder needs its neighbours (WordPiece, CTC, …). */
function newByteReader(
  decoders: Record<string, unknown>[],
  added: ReadonlySet<string>,
): ((token: string) => Uint8Array) | null {
  const types = decoders.map((decoder) => decoder["type"]);
  if (types.length === 1 && types[0] === "ByteLevel") {
    return (token) => {
      const bytes = added.has(token) ? undefined : Array.from(token, (symbol) => byteOfSymbol.get(symbol));
      if (!bytes || bytes.includes(undefined)) return encoder.encode(token);
      return Uint8Array.from(bytes, (byte) => byte ?? 0);
    };
  }
  if (!types.includes("ByteFallback") || !decoders.every(isSentencePiece)) return null;
  return (token) => {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    return byte ? Uint8Array.of(Number.parseInt(byte, 16)) : encoder.encode(token.replaceAll("▁", " "));
  };
}

/** The decoders of SentencePiece's kind, whose work on one token does not hang on its neighbours but for the first space. */
function isSentencePiece(decoder: Record<string, unknown>): boolean {
  switch (decoder["type"]) {
    case "ByteFallback":
    case "Fuse":
      return true;
    case "Replace":
      return JSON.stringify(decoder["pattern"]) === '{"String":"▁"}' && decoder["content"] === " ";
    case "Strip":
      return decoder["content"] === " " && decoder["start"] === 1 && decoder["stop"] === 0;
    default:
      return false;
  }
}

/** How many last bytes may still become a character: an unfinished UTF-8 sequence, at most three. */
function unfinishedBytes(bytes: readonly number[]): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** Decoding over a loaded tokenizer. `special` tokens are left out of decoded text and named in `tokenText`. */
export function newTokenBytes(
  library: HuggingFaceTokenizer,
  json: Record<string, unknown>,
  special: ReadonlyMap<number, string>,
): TokenBytes {
  const decoders = listDecoders(json["decoder"]);
  const added = new Set<string>();
  for (const token of library.get_added_tokens_decoder().values()) added.add(token.content);
  const read = newByteReader(decoders, added);
  const stripsFirstSpace = decoders.some(({ type }) => type === "Strip");
  const bytesOf = (id: number): Uint8Array => {
    const token = library.id_to_token(id);
    return token === undefined || !read ? new Uint8Array(0) : read(token);
  };
  const text = (bytes: readonly number[]) =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  const libraryDecode = (ids: readonly number[]) => {
    const known = ids.filter((id) => !special.has(id) && library.id_to_token(id) !== undefined);
    if (known.length === 0) return "";
    try {
      return library.decode(known, { clean_up_tokenization_spaces: false });
    } catch (error) {
      throw new StudioError("tokenizer.invalid", say`The decoder in tokenizer.json cannot be used`, { cause: error });
    }
  };

  const newDecoder = () => {
    let pending: number[] = [];
    let started = false;
    const ids: number[] = [];
    let shown = 0;
    return (more: readonly number[]): string => {
      if (!read) {
        // Decoders that look at neighbours: decode all again, hold back what may still change.
        ids.push(...more);
        const certain = libraryDecode(ids).replace(/\uFFFD+$/, "");
        const fresh = certain.slice(shown);
        shown = Math.max(shown, certain.length);
        return fresh;
      }
      for (const id of more) if (!special.has(id)) for (const byte of bytesOf(id)) pending.push(byte);
      if (!started && pending.length > 0) {
        started = true;
        if (stripsFirstSpace && pending[0] === 0x20) pending.shift();
      }
      const keep = pending.length - unfinishedBytes(pending);
      const fresh = text(pending.slice(0, keep));
      pending = pending.slice(keep);
      return fresh;
    };
  };

  const decode = (ids: readonly number[]): string => {
    if (!read) return libraryDecode(ids);
    const bytes: number[] = [];
    for (const id of ids) if (!special.has(id)) for (const byte of bytesOf(id)) bytes.push(byte);
    if (stripsFirstSpace && bytes[0] === 0x20) bytes.shift();
    return text(bytes);
  };

  const tokenText = (id: number): string => {
    const name = special.get(id);
    if (name !== undefined) return name;
    if (!read) return library.id_to_token(id) ?? `<${id}>`;
    if (library.id_to_token(id) === undefined) return `<${id}>`;
    const bytes = bytesOf(id);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      // Part of a character: shown as the bytes it is.
      return Array.from(bytes, (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`).join("");
    }
  };
  return { decode, newDecoder, tokenText };
}
