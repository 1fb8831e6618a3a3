/** @file What the annotators find, that their spans are in order on any text, and that no text and no pattern makes them slow. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Annotator, annotatorSchema, profileNames } from "../core/annotator";
import type { Span } from "../core/dataset";
import { StudioError } from "../core/errors";
import { newAnnotate } from "./logicSpans";
import { mergeSpans } from "./logicText";

const shown = (text: string, spans: readonly Span[]): string => {
  let [out, at] = ["", 0];
  for (const [start, end] of spans) {
    out += `${text.slice(at, start)}[${text.slice(start, end)}]`;
    at = end;
  }
  return out + text.slice(at);
};

const plain = (text: string) => text.replaceAll(/[[\]]/g, "");
/** Texts with brackets around what is to be found. */
async function expectFound(annotator: Annotator, texts: readonly string[]): Promise<void> {
  const annotate = await newAnnotate(annotator);
  for (const text of texts) expect(shown(plain(text), annotate(plain(text)))).toBe(text);
}

test("maths: numbers, relations, what is counted wherever it is named, and the question", async () => {
  await expectFound({ kind: "maths" }, [
    "The dog of Hugo runs. Nora has [5 packs] and buys [4 more]. [Each pack] holds [10 red buttons]. [How many buttons does Nora have?]",
    "Ann/Bob is well-known here. Bob pays [$1,200.50], [15%] off, [3/4 × 2 − 1].",
    "Tom had [twice] as many apples. Then he ate [half].",
    "If it rains on Ann, [what does she have left after that?] She is glad.",
    "[Was it late?] No.",
    "Kate is tall. [How many cups does she see]",
    "Ann has [<<12+5=17>>17 pens].\n[#### 17]",
    "小明有[12个苹果]，又买了[三箱橙子]，[每]箱[5个]。送给小红[一半苹果]后，[还剩多少个苹果？]小红很高兴。",
  ]);
});

test("contract: conditions to the end of their clause, what binds, amounts, terms and dates", async () => {
  await expectFound({ kind: "contract" }, [
    "The Supplier [shall deliver the] goods [within thirty] ([30]) [days after May 14], [2024]. The parties met in a nice room.",
    "[If the Buyer fails to pay], the Supplier [may terminate this] Agreement. It is [liable] for [USD 10,000].",
    "The Buyer [may not assign] it. In summer she may come.",
    "[如果乙方逾期付款超过30日]，甲方[可以解除合同]。乙方[不得]转让。双方在北京会面。",
  ]);
});

test("code: keywords, operators, literals, and names from their definition on", async () => {
  await expectFound({ kind: "code" }, [
    "add it. It's early.\n[def add]([a], [b])[:]\n    # sum of a\n    [total = a + b]\n    [return total * 2]\nprint([add]([1], ['two']))",
    '[import] { [x] } [from "z"]\n[const f =] ([n]) [=> n == 3 ? x :] other; // f x',
  ]);
});

test("patterns: every match of each, in UTF-16 units, as one where they meet", async () => {
  await expectFound({ kind: "patterns", patterns: ["\\d+", "(?i)total"] }, [
    "a [12]3 [TOTAL] 😀 [4]".replace("2]3", "23]"),
  ]);
  await expectFound({ kind: "patterns", patterns: ["😀", "b+", "x*"] }, ["y[😀]a[bbx]"]);
  await expectFound({ kind: "patterns", patterns: ["\\p{Han}"] }, ["a[你好]b"]);
});

test("spans: the row's own within the text; a text without any is logic throughout", async () => {
  const annotate = await newAnnotate({ kind: "spans" });
  const row: Span[] = [
    [4, 9],
    [0, 2],
    [2, 3],
    [8, 40],
  ];
  expect(annotate("0123456789", row)).toEqual([
    [0, 3],
    [4, 10],
  ]);
  expect(row[0]).toEqual([4, 9]);
  expect(annotate("abc")).toEqual([[0, 3]]);
  expect(annotate("abc", [])).toEqual([]);
  expect(annotate("", undefined)).toEqual([]);
});

describe("patterns that cannot be used", () => {
  const failure = async (...patterns: string[]) => newAnnotate({ kind: "patterns", patterns }).catch((e: unknown) => e);
  test.each([
    ["(a", "missing closing )", "at character 1"],
    ["ab[z-a]", "invalid character class range", "at character 4"],
    ["(a)\\1", "invalid escape sequence", "at character 4"],
    ["(?=a)", "invalid or unsupported Perl syntax", "at character 1"],
    ["((a{100}){100}){100}", "invalid repeat count", "at character"],
    ["(a?){500}", "too large", ""],
  ])("%s is named with what is wrong and where", async (pattern, what, where) => {
    const error = await failure("fine", pattern);
    expect(error).toBeInstanceOf(StudioError);
    expect(error).toMatchObject({ code: "recipe.invalid" });
    const { message } = error as StudioError;
    expect(message).toContain("annotator.patterns.1");
    expect(message).toContain(what);
    expect(message).toContain(where);
  });

  test("a pattern whose matches take the square of a text's length is stopped", async () => {
    const annotate = await newAnnotate({ kind: "patterns", patterns: ["a[^b]*b|a"] });
    expect(annotate("aaaa")).toEqual([[0, 4]]);
    const started = performance.now();
    expect(() => annotate("a".repeat(100_000))).toThrow(
      /annotator\.patterns\.0.*too long on a text of 100000 characters/,
    );
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe("the schema", () => {
  test.each([
    [{ kind: "maths" }, true],
    [{ kind: "patterns", patterns: ["a"] }, true],
    [{ kind: "spans" }, true],
    [{ kind: "patterns", patterns: [] }, false],
    [{ kind: "patterns", patterns: [""] }, false],
    [{ kind: "patterns" }, false],
    [{ kind: "maths", patterns: ["a"] }, false],
    [{ kind: "poems" }, false],
    [null, false],
  ])("%j is read: %s", (value, isValid) => {
    expect(annotatorSchema.safeParse(value, { jitless: true }).success).toBe(isValid);
  });
});

const annotators: Annotator[] = [
  ...profileNames.map((kind) => ({ kind })),
  { kind: "patterns", patterns: ["\\d+", "[a-c]+", "😀", "$"] },
  { kind: "spans" },
];

const scraps = [
  "5 pens",
  "one",
  "how many",
  "?",
  ".",
  ",",
  "\n",
  "if",
  "shall",
  "def f(",
  "=",
  "'",
  '"',
  "\\",
  "一半",
  "苹果",
];
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc
    .array(fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 3 })), { maxLength: 30 })
    .map((a) => a.join(" ")),
  fc.array(fc.constantFrom("\ud800", "\udc00", "a", "1", "😀", "'"), { maxLength: 20 }).map((a) => a.join("")),
);

function expectInOrder(spans: readonly Span[], length: number): void {
  spans.forEach(([start, end], i) => {
    expect(start).toBeGreaterThan(i === 0 ? -1 : spans[i - 1]![1]);
    expect(end).toBeGreaterThan(start);
    expect(end).toBeLessThanOrEqual(length);
  });
}

test("spans are sorted, apart, within the text, and the same again, whatever the text", async () => {
  for (const annotator of annotators) {
    const [annotate, again] = [await newAnnotate(annotator), await newAnnotate(annotator)];
    fc.assert(
      fc.property(text, (value) => {
        const spans = annotate(value);
        expectInOrder(spans, value.length);
        annotate(`${value} 7`); // what was seen before changes nothing
        expect(again(value)).toEqual(spans);
      }),
      { numRuns: 400, seed: 1 },
    );
  }
});

test("the profiles never cut a character of two units", async () => {
  for (const kind of profileNames) {
    const annotate = await newAnnotate({ kind });
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (value) => {
        for (const at of annotate(value).flat()) expect((value.codePointAt(at - 1) ?? 0) > 0xffff).toBe(false);
      }),
      { numRuns: 400, seed: 2 },
    );
  }
});

test("merged spans cover the same units as those given", () => {
  const span = fc.tuple(fc.nat(30), fc.nat(30));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 12 }), (spans) => {
      const units = (list: readonly Span[]) =>
        Array.from({ length: 31 }, (_, at) => list.some(([a, b]) => a <= at && at < b));
      const merged = mergeSpans(spans);
      expect(units(merged)).toEqual(units(spans));
      expectInOrder(merged, 30);
    }),
    { seed: 1 },
  );
});

/** Milliseconds of this process' own work, which others on the machine do not lengthen. */
function workOf(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const ofLength = (length: number) => (piece: string) => piece.repeat(length / piece.length);
/** Each invites a rule to look far ahead: at this length the square of it would be minutes. */
const hostile = [
  ...Array.from("1?'\"一,#\n/ a😀\ud800("),
  "1.",
  "how many ",
  "'\"`",
  '\\"',
  '"\\',
  "def f(",
  "if ",
  "shall ",
  "如果",
  "5 cats ",
  "a'",
  "e\u0301",
].map(ofLength(200_000));

describe.each(profileNames)("%s takes time linear in the text", (kind) => {
  test("for what invites it to look far ahead", async () => {
    const annotate = await newAnnotate({ kind });
    for (const value of hostile)
      expect(
        workOf(() => annotate(value)),
        value.slice(0, 10),
      ).toBeLessThan(1000);
  });

  test("and a million characters take a second and a half of work at most", async () => {
    const annotate = await newAnnotate({ kind });
    for (const value of ["?", "一", "'"].map(ofLength(1_000_000))) {
      expect(
        workOf(() => annotate(value)),
        value.slice(0, 10),
      ).toBeLessThan(1500);
    }
  });
});

test("patterns that ruin a backtracking engine end at once on 100 kB", async () => {
  for (const pattern of ["(a+)+$", "(a|a)*b", "(a*)*b", "^(\\w+\\s?)*$", "(.*)(.*)(.*)=", "(x+x+)+y"]) {
    const annotate = await newAnnotate({ kind: "patterns", patterns: [pattern] });
    const value = `${"a".repeat(100_000)}!`;
    expect(
      workOf(() => annotate(value)),
      pattern,
    ).toBeLessThan(1000);
  }
});
