/** @file Values of small arithmetic expressions, as worked solutions write them. No code is ever evaluated. */

/** Deeper than anyone writes; keeps a hostile line from overflowing the stack. */
const maximumDepth = 64;

/**
 * Numbers (48, 1,000, .5, 2., $3, 20%), + − * / × ÷ x, parentheses and signs. NaN where it cannot be read.
 * `n%` is n/100.
 */
export function evaluateArithmetic(expression: string): number {
  const text = expression.replaceAll(/[\s$]/g, "").replaceAll("−", "-").replaceAll(/[×xX]/g, "*").replaceAll("÷", "/");
  let at = 0;
  let depth = 0;
  /** Goes past the end, so that every loop stops and the end is never met. */
  const fail = () => {
    at = text.length + 1;
    return Number.NaN;
  };

  const number = (): number => {
    const match = /^(\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+\.?\d*|\.\d+)/.exec(text.slice(at, at + 40));
    if (!match) return fail();
    at += match[0].length;
    let value = Number(match[0].replaceAll(",", ""));
    while (text[at] === "%") {
      at++;
      value /= 100;
    }
    return value;
  };
  const factor = (): number => {
    let sign = 1;
    while (text[at] === "-" || text[at] === "+") if (text[at++] === "-") sign = -sign;
    if (text[at] !== "(") return sign * number();
    if (++depth > maximumDepth) return fail();
    at++;
    const value = sum();
    depth--;
    if (text[at] !== ")") return fail();
    at++;
    return sign * (text[at] === "%" ? (at++, value / 100) : value);
  };
  const product = (): number => {
    let value = factor();
    for (;;) {
      if (text[at] === "*") {
        at++;
        value *= factor();
      } else if (text.startsWith("//", at)) {
        at += 2;
        value = Math.floor(value / factor()); // Python's whole division, which two of GSM8K's solutions use
      } else if (text[at] === "/") {
        at++;
        value /= factor();
      } else if (text[at] === "(") {
        value *= factor(); // 2(3+4)
      } else return value;
    }
  };
  function sum(): number {
    let value = product();
    while (text[at] === "+" || text[at] === "-") value += text[at++] === "+" ? product() : -product();
    return value;
  }

  const value = sum();
  return at === text.length && text !== "" && Number.isFinite(value) ? value : Number.NaN;
}
