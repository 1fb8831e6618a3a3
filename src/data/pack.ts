/** @file Lays documents into the rows of a batch. */

import type { Batch } from "../core/batch";
import type { Document } from "./mask";

/** First-fit, longest first: groups of documents whose lengths sum to at most `capacity`. Order within `documents` is kept in ties. */
export function packFirstFit(documents: readonly Document[], capacity: number): Document[][] {
  const rows: { left: number; documents: Document[] }[] = [];
  for (const document of [...documents].sort((a, b) => b.tokens.length - a.tokens.length)) {
    let row = rows.find(({ left }) => left >= document.tokens.length);
    if (!row) {
      row = { left: capacity, documents: [] };
      rows.push(row);
    }
    row.documents.push(document);
    row.left -= document.tokens.length;
  }
  return rows.map((row) => row.documents);
}

/** A batch of rows, each of one or more documents one after the other; positions restart with each, segments count them. */
export function newBatch(rows: readonly (readonly Document[])[]): Batch {
  const used = rows.map((row) => row.reduce((sum, document) => sum + document.tokens.length, 0));
  const T = Math.max(1, ...used);
  const B = rows.length;
  const batch: Batch = {
    rows: B,
    length: T,
    tokens: new Int32Array(B * T),
    targets: new Int32Array(B * T),
    weights: new Float32Array(B * T),
    positions: new Int32Array(B * T),
    segments: new Int32Array(B * T),
    trained: 0,
    ...(rows[0]?.[0]?.marks ? { marks: new Int32Array(B * T) } : {}),
    ...(rows[0]?.[0]?.parts ? { parts: new Uint8Array(B * T) } : {}),
  };
  rows.forEach((row, b) => {
    let at = b * T;
    row.forEach((document, d) => {
      const n = document.tokens.length;
      for (let t = 0; t < n; t++) {
        batch.tokens[at + t] = document.tokens[t] ?? 0;
        batch.positions[at + t] = t;
        batch.segments[at + t] = d + 1;
        if (batch.marks) batch.marks[at + t] = document.marks?.[t] ?? 0;
        if (t + 1 === n) continue; // nothing follows the last token
        batch.targets[at + t] = document.tokens[t + 1] ?? 0;
        batch.weights[at + t] = document.trained[t + 1] ?? 0;
        if (batch.parts) batch.parts[at + t] = document.trained[t + 1] === 1 ? (document.parts?.[t + 1] ?? 0) : 0;
        batch.trained += document.trained[t + 1] ?? 0;
      }
      at += n;
    });
  });
  return batch;
}
