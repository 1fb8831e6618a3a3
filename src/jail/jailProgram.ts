/**
 * @file What runs inside the jail. `serveJail` names nothing outside itself, because Node's jail is made of its text;
 * what it needs comes as an argument.
 */

import type * as Jinja from "@huggingface/jinja";

/** A chat template and what it may see. */
export type TemplateInput = { template: string; variables: Record<string, unknown> };

/** Everything a jail can be asked to do. All of it answers with one text. */
export type JailTasks = { renderTemplate: TemplateInput };

export type JailCall = { id: number; task: keyof JailTasks; input: JailTasks[keyof JailTasks]; cap: number };

/** `failed`: the foreign code's own error. `large`: more than `cap` bytes. */
export type JailAnswer = { id: number; kind: "done" | "failed" | "large"; text: string };

/** How the jail speaks to its host, and the packages it was given. */
export type JailHost = {
  lockDown: (scope: object) => void;
  jinja: Pick<typeof Jinja, "Environment" | "Interpreter" | "parse" | "tokenize">;
  post: (answer: JailAnswer | "ready") => void;
  listen: (onCall: (call: JailCall) => void) => void;
};

/**
 * Takes everything from the worker that is not the language itself before the first foreign input arrives, then answers
 * calls.
 */
export function serveJail({ lockDown, jinja, post, listen }: JailHost): void {
  const bytesOf = (text: string) => encoder.encode(text).length;
  const encoder = new TextEncoder();
  listen(answer);
  lockDown(globalThis);
  post("ready");

  function answer({ id, input, cap }: JailCall): void {
    try {
      const text = renderTemplate(input);
      // Every UTF-16 unit is at least one byte of UTF-8, so that a huge text is not encoded to be refused.
      const isLarge = text.length > cap || bytesOf(text) > cap;
      post(isLarge ? { id, kind: "large", text: "" } : { id, kind: "done", text });
    } catch (error) {
      let text = "";
      try {
        text = String((error as { message?: unknown } | null)?.message ?? error).slice(0, 500);
      } catch {
        // An error that cannot even be read stays without words.
      }
      post({ id, kind: "failed", text });
    }
  }

  /** transformers' environment (utils/chat_template_utils.py), with the sandbox's limit of `range` (jinja2/sandbox.py). */
  function renderTemplate({ template, variables }: TemplateInput): string {
    const program = jinja.parse(jinja.tokenize(template, { trim_blocks: true, lstrip_blocks: true }));
    const environment = new jinja.Environment();
    const globals: Record<string, unknown> = {
      true: true,
      false: false,
      none: null,
      True: true,
      False: false,
      None: null,
      range,
      strftime_now: (format: unknown) => strftime(new Date(), String(format)),
      raise_exception: (message: unknown) => {
        throw new Error(String(message));
      },
    };
    for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value);
    // The library prints JavaScript's truth, and its strip takes no letters to strip: both are Python's here.
    const truth: object = environment.setVariable("true", environment.lookupVariable("true"));
    Object.defineProperty(Object.getPrototypeOf(truth), "toString", {
      configurable: true,
      value(this: { value: unknown }) {
        return this.value ? "True" : "False";
      },
    });
    for (const side of ["strip", "lstrip", "rstrip"]) environment.set(` ${side}`, newStrip(side));
    callStrips(program);
    const result: unknown = new jinja.Interpreter(environment).run(program);
    const text = (result as { value?: unknown } | null)?.value;
    if (typeof text !== "string") throw new Error("The template gives no text");
    return text;
  }

  /** Turns `text.strip(…)` into a call of our own with the text before the letters. */
  function callStrips(node: unknown): void {
    if (typeof node !== "object" || node === null) return;
    for (const inner of Object.values(node)) callStrips(inner);
    const call = node as {
      type?: unknown;
      callee?: { type?: unknown; object?: unknown; property?: unknown };
      args?: unknown[];
    };
    const { callee, args } = call;
    if (call.type !== "CallExpression" || callee?.type !== "MemberExpression" || !args) return;
    const name = (callee.property as { type?: unknown; value?: unknown }).value;
    if (name !== "strip" && name !== "lstrip" && name !== "rstrip") return;
    args.unshift(callee.object);
    call.callee = callee.property as object;
    (call.callee as { value: string }).value = ` ${name}`;
  }

  /** Python's str.strip and its halves; without letters it takes Python's white space. */
  function newStrip(side: string) {
    return (text: unknown, letters: unknown) => {
      if (typeof text !== "string") throw new Error(`${side} of what is no text`);
      const stripped =
        typeof letters === "string"
          ? (letter: string) => letters.includes(letter)
          : (letter: string) => /[\s\x1c-\x1f\x85]/u.test(letter) && letter !== "\ufeff";
      const all = Array.from(text);
      let [start, end] = [0, all.length];
      if (side !== "rstrip") while (start < end && stripped(all[start] ?? "")) start++;
      if (side !== "lstrip") while (end > start && stripped(all[end - 1] ?? "")) end--;
      return all.slice(start, end).join("");
    };
  }

  function range(...bounds: unknown[]): number[] {
    const numbers = bounds.filter((bound) => typeof bound === "number");
    const [start, stop, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1];
    if (start === undefined || stop === undefined) throw new Error("range() needs a number");
    if (step === 0) throw new Error("range() step must not be zero");
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (!(count <= 100_000)) throw new Error("range() of more than 100,000 numbers");
    return Array.from({ length: count }, (_, i) => start + i * step);
  }

  /** C's strftime in English, as Python's under its usual locale. */
  function strftime(now: Date, format: string): string {
    const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    const months = `January February March April May June July August September October November December`.split(" ");
    const pad = (value: number, width = 2, fill = "0") => String(value).padStart(width, fill);
    const [day, month, hour] = [days[now.getDay()] ?? "", months[now.getMonth()] ?? "", now.getHours()];
    const dayOfYear =
      1 + Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(now.getFullYear(), 0).getTime()) / 864e5);
    const parts: Record<string, () => string> = {
      Y: () => String(now.getFullYear()),
      y: () => pad(now.getFullYear() % 100),
      m: () => pad(now.getMonth() + 1),
      B: () => month,
      b: () => month.slice(0, 3),
      d: () => pad(now.getDate()),
      e: () => pad(now.getDate(), 2, " "),
      j: () => pad(dayOfYear, 3),
      A: () => day,
      a: () => day.slice(0, 3),
      H: () => pad(hour),
      I: () => pad(hour % 12 || 12),
      p: () => (hour < 12 ? "AM" : "PM"),
      M: () => pad(now.getMinutes()),
      S: () => pad(now.getSeconds()),
      f: () => pad(now.getMilliseconds() * 1000, 6),
      F: () => strftime(now, "%Y-%m-%d"),
      T: () => strftime(now, "%H:%M:%S"),
      D: () => strftime(now, "%m/%d/%y"),
      "%": () => "%",
    };
    return format.replace(/%(-?)([YymBbdejAaHIpMSfFTD%])/g, (_, plain: string, letter: string) => {
      const part = parts[letter]?.() ?? "";
      return plain ? part.replace(/^[0 ]+(?=\d)/, "") : part;
    });
  }
}
