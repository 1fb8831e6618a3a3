/** @file What carries logic in a word problem: numbers, relations, the things that are counted, and the question. */

import type { Span } from "../core/dataset";
import { type Lexeme, newLexemes, spansOfMarks, stemOf } from "./logicText";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const numberWords = words(
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half twice " +
    "thrice double triple dozen couple pair third quarter fifth percent once",
);
const relations = words(
  "more less fewer than times each every per total left altogether together remaining remain remains rest sum " +
    "difference product quotient divided multiplied plus minus equal equals equally average combined another " +
    "additional extra most least ratio",
);
/** What may stand between a number and the noun it counts. */
const between = words("more less fewer other additional extra new old of");
/** Words that are no noun though they follow a number. */
const functionWords = words(
  "a an the and or but if then than to from in on at by for with as is are was were be has have had of off out up " +
    "each per every more less fewer times he she it they them his her their its who that this these those will would " +
    "do does did can could away now today also too",
);
const signs = "+-−–×÷/*=<>≤≥≠≈%％‰^√±$€£¥￥½¼¾";

const hanNumerals = "零〇一二三四五六七八九十百千万亿两半倍";
const hanRelations = "共剩每比减加乘除余几均各";
const hanWords = words(
  "多少 等于 大于 小于 一共 总共 总数 总和 平均 剩下 还剩 分之 分给 分成 平分 增加 减少 超过 至少 最多 相差 合计 还有 多出 少于 多于 更多 更少",
);
/** Words for units of counting, and characters that end what is counted. */
const hanMeasures = "个只本支枝元块条张头匹辆件双米克吨斤岁人天年月周时分秒页排组箱盒包袋瓶棵朵颗粒次名位层段升";
const hanStops = `的了给又在是有和后再把被从到与及也都就而但则那这他她它们吃卖买用走跑做${hanRelations}${hanNumerals}`;

const asks = words("how what which find calculate compute determine");

const isNumber = (lexeme: Lexeme | undefined): boolean =>
  lexeme?.kind === "number" ||
  (lexeme?.kind === "word" && numberWords.has(lexeme.text)) ||
  (lexeme?.kind === "han" && hanNumerals.includes(lexeme.text));

/** A sign of arithmetic; a hyphen or slash between letters is none. `####` heads an answer. */
function isOperator(lexemes: readonly Lexeme[], i: number): boolean {
  const [before, sign, after] = [lexemes[i - 1], lexemes[i], lexemes[i + 1]];
  if (sign?.kind !== "sign") return false;
  const touches = (other: Lexeme | undefined, kind: Lexeme["kind"], text?: string) =>
    other?.kind === kind &&
    (other.end === sign.start || other.start === sign.end) &&
    (text ?? other.text) === other.text;
  if (sign.text === "#") return touches(before, "sign", "#") || touches(after, "sign", "#");
  if ("-–/".includes(sign.text)) return !(touches(before, "word") && touches(after, "word"));
  return signs.includes(sign.text);
}

/** The noun that a number at `i` counts: the next word, or the one behind an adjective. */
function countedWords(lexemes: readonly Lexeme[], i: number): Lexeme[] {
  const at = (j: number) => {
    const lexeme = lexemes[j];
    return lexeme?.kind === "word" ? lexeme : undefined;
  };
  let j = i + 1;
  if (between.has(at(j)?.text ?? "")) j++;
  const first = at(j);
  if (!first || functionWords.has(first.text) || numberWords.has(first.text)) return [];
  const second = at(j + 1);
  if (first.text.endsWith("s") || !second?.text.endsWith("s") || functionWords.has(second.text)) return [first];
  return [first, second];
}

/** Chinese: how many characters behind the numeral at `i` are a measure word, and then what is counted, two at most. */
function countedHan(lexemes: readonly Lexeme[], i: number): { measure: number; noun: number } {
  const at = (j: number) => (lexemes[j]?.kind === "han" ? lexemes[j].text : "");
  const first = at(i + 1);
  const measure = first !== "" && hanMeasures.includes(first) ? 1 : 0;
  let noun = 0;
  while (noun < 2) {
    const next = at(i + 1 + measure + noun);
    if (next === "" || hanStops.includes(next)) break;
    noun++;
  }
  return { measure, noun };
}

/** Whether the lexeme at `i` asks, where its clause began at `from`. */
function isAsking(lexemes: readonly Lexeme[], i: number, from: number): boolean {
  const { kind, text } = lexemes[i] ?? { kind: "end", text: "" };
  if (kind === "han") return text === "几" || (text === "多" && lexemes[i + 1]?.text === "少");
  return kind === "word" && i - from < 3 && asks.has(text);
}

/** Marks from the clause that asks to the end of its sentence; the last clause where none has a word that asks. */
function markQuestions(lexemes: readonly Lexeme[], marks: Uint8Array): void {
  let clause = 0;
  let asking = -1;
  lexemes.forEach(({ kind, text }, i) => {
    if (asking < 0 && isAsking(lexemes, i, clause)) asking = clause;
    const isSign = kind === "sign";
    const endsSentence = kind === "end" || (isSign && ".!?。！？".includes(text)) || i === lexemes.length - 1;
    if (endsSentence) {
      const from = asking < 0 && (text === "?" || text === "？") ? clause : asking;
      if (from >= 0) marks.fill(1, from, i + 1);
      asking = -1;
    }
    if (endsSentence || (isSign && ",;，；:：".includes(text))) clause = i + 1;
  });
}

/** Spans, sorted and apart. Linear in the text's length. */
export function annotateMaths(text: string): Span[] {
  const lexemes = newLexemes(text);
  const marks = new Uint8Array(lexemes.length);
  markQuestions(lexemes, marks);
  const nouns = new Set<string>();
  const hanNouns = new Set<string>();
  lexemes.forEach((lexeme, i) => {
    if (isNumber(lexeme)) {
      marks[i] = 1;
      for (const word of countedWords(lexemes, i)) nouns.add(stemOf(word.text));
      const { measure, noun } = countedHan(lexemes, i);
      marks.fill(1, i, i + 1 + measure + noun);
      const start = lexemes[i + 1 + measure]?.start;
      if (noun === 2 && start !== undefined) hanNouns.add(text.slice(start, start + 2));
    } else if (lexeme.kind === "word" ? relations.has(lexeme.text) : isOperator(lexemes, i)) marks[i] = 1;
  });
  lexemes.forEach((lexeme, i) => {
    if (lexeme.kind === "word" && nouns.has(stemOf(lexeme.text))) marks[i] = 1;
    if (lexeme.kind !== "han") return;
    const two = text.slice(lexeme.start, lexeme.start + 2);
    if (hanRelations.includes(lexeme.text)) marks[i] = 1;
    if (hanWords.has(two) || hanNouns.has(two)) marks.fill(1, i, i + 2);
  });
  return spansOfMarks(lexemes, marks);
}
