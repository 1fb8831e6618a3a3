/** @file An annotator as a function: text to the spans of it that carry logic. */

import type { Annotator, Profile } from "../core/annotator";
import type { Span } from "../core/dataset";
import { annotateCode } from "./logicCode";
import { annotateContract } from "./logicContract";
import { annotateMaths } from "./logicMaths";
import { newPatternAnnotator } from "./logicPatterns";
import { mergeSpans } from "./logicText";

/**
 * Spans [start, end) in UTF-16 units, sorted, apart, within the text. `spans` are those of the data set's row, which only
 * the annotator of that kind reads: a text without any is logic throughout.
 */
export type Annotate = (text: string, spans?: readonly Span[]) => Span[];

const profiles: Readonly<Record<Profile, (text: string) => Span[]>> = {
  maths: annotateMaths,
  contract: annotateContract,
  code: annotateCode,
};

function withinText(spans: readonly Span[], text: string): Span[] {
  return spans.map(([start, end]) => [Math.max(0, start), Math.min(end, text.length)]);
}

/** Loads what the annotator needs. Throws `recipe.invalid`, naming the pattern that is wrong. */
export async function newAnnotate(annotator: Annotator): Promise<Annotate> {
  if (annotator.kind === "spans") return (text, spans = [[0, text.length]]) => mergeSpans(withinText(spans, text));
  if (annotator.kind !== "patterns") return profiles[annotator.kind];
  const find = await newPatternAnnotator(annotator.patterns);
  return (text) => mergeSpans(find(text));
}
