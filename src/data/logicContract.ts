/** @file What carries logic in a contract: conditions, obligations, terms and the amounts and dates that they name. */

import type { Span } from "../core/dataset";
import { type Lexeme, newLexemes, spansOfMarks } from "./logicText";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Words that open a condition, which runs to the end of its clause. */
const openers = words("if unless provided except until notwithstanding whenever whether");
/** Words that bind; what they bind to follows within two words. */
const modals = words("shall must cannot");
/** A modal only before these: "may not", "will be liable". */
const softModals = words("may will should");
const softAfter = words("not only no be terminate");
const terms = words(
  "within before after prior later than least most only not no neither nor and/or subject event breach default waiver " +
    "remedy damages penalty notice cure effective expiry expiration renewal assign sublicense exclusive perpetual " +
    "irrevocable severally jointly hereby upon days day months month years year weeks week hours percent per",
);
/** Beginnings of words that bind, release or end. */
const stems =
  /^(?:terminat|liab|indemnif|oblig|breach|warrant|penalt|waiv|forfeit|entitl|prohibit|requir|exceed|default)/;
const numberWords = words(
  "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty sixty ninety hundred " +
    "thousand million half",
);
const months = words("january february march april june july august september october november december");
const money = words("usd eur gbp cny rmb jpy chf dollars euros pounds yuan");
const signs = "$€£¥￥%％";

const hanTerms = words(
  "应当 应 须 必须 不得 可以 有权 无权 义务 责任 违约 终止 解除 赔偿 期限 以内 之内 届满 之前 之后 不超过 不少于 至少 至多 连带 " +
    "逾期 罚金 违约金 保证 担保 保密 禁止 同意 通知 生效 无效 但书 但 仅 万元 元 人民币 年 月 日 天 日内 天内",
);
const hanOpeners = words("如果 如 若 除非 倘若 假如 一旦 除");
const hanNumerals = "零〇一二三四五六七八九十百千万亿两半";
const longestHanTerm = 3;
/** Lexemes that a condition may have, so that marking stays linear in any text. */
const longestClause = 40;

/** Where the clause that starts at `i` ends: the lexeme after it. */
function clauseEnd(lexemes: readonly Lexeme[], i: number): number {
  let j = i;
  while (j < lexemes.length && j - i < longestClause) {
    const { kind, text } = lexemes[j] ?? { kind: "end", text: "" };
    if (kind === "end" || (kind === "sign" && ",;:.!?，；：。！？".includes(text))) break;
    j++;
  }
  return j;
}

/** How many lexemes from `i` on carry logic together; 0 where this one does not. */
function reach(lexemes: readonly Lexeme[], i: number, text: string): number {
  const { kind, text: own, start } = lexemes[i] ?? { kind: "end", text: "", start: 0 };
  const next = lexemes[i + 1];
  if (kind === "number") return 1;
  if (kind === "sign") return signs.includes(own) ? 1 : 0;
  if (kind === "han") {
    if (hanNumerals.includes(own)) return 1;
    for (let length = longestHanTerm; length > 0; length--) {
      const slice = text.slice(start, start + length);
      if (hanOpeners.has(slice)) return Math.max(length, clauseEnd(lexemes, i) - i);
      if (hanTerms.has(slice)) return length;
    }
    return 0;
  }
  if (kind !== "word") return 0;
  if (openers.has(own)) return Math.max(1, clauseEnd(lexemes, i) - i);
  if (modals.has(own)) return 3;
  if (own === "may" && next?.kind === "number") return 1; // the month
  if (softModals.has(own) && softAfter.has(next?.text ?? "")) return 3;
  const isTerm = terms.has(own) || numberWords.has(own) || months.has(own) || money.has(own) || stems.test(own);
  return isTerm ? 1 : 0;
}

/** Spans, sorted and apart. Linear in the text's length. */
export function annotateContract(text: string): Span[] {
  const lexemes = newLexemes(text);
  const marks = new Uint8Array(lexemes.length);
  lexemes.forEach((_, i) => {
    const count = reach(lexemes, i, text);
    if (count === 1) marks[i] = 1;
    // what a modal binds ends with its clause
    else if (count > 1) marks.fill(1, i, Math.min(i + count, Math.max(i + 1, clauseEnd(lexemes, i))));
  });
  return spansOfMarks(lexemes, marks);
}
