/** @file Modelfiles, read as Ollama reads them: the same texts come out as the studio trains and asks with. */

import { describe, expect, it } from "vitest";
import { type ModelfileParts, newModelfile } from "./modelfile";

/** Commands and their values as parser/parser.go of Ollama finds them. */
function parse(modelfile: string): [name: string, value: string][] {
  const commands: [string, string][] = [];
  let rest = modelfile;
  while (rest.trim() !== "") {
    const [, name = "", after = ""] = /^\s*(FROM|ADAPTER|TEMPLATE|SYSTEM|PARAMETER \w+) ([\s\S]*)$/.exec(rest) ?? [];
    expect(name).not.toBe("");
    let taken = 0;
    let value: string | null = null;
    while (value === null && taken < after.length) {
      const end = after.indexOf("\n", taken);
      taken = end < 0 ? after.length : end + 1;
      const text = after.slice(0, taken).trim();
      if (text.startsWith('"""')) value = text.length >= 6 && text.endsWith('"""') ? text.slice(3, -3) : null;
      else if (text.startsWith('"')) value = text.length >= 2 && text.endsWith('"') ? text.slice(1, -1) : null;
      else value = text;
    }
    expect(value).not.toBeNull();
    // Go's strconv.IsPrint: no space but ASCII's, nothing invisible.
    const kept = Array.from(value ?? "").filter((letter) => /[\p{L}\p{M}\p{N}\p{P}\p{S} \t\r\n]/u.test(letter));
    commands.push([name, kept.join("")]);
    rest = after.slice(taken);
  }
  return commands;
}

const unescaped = (text: string) =>
  text.replace(/\\(?:n|x([0-9a-f]{2})|U([0-9a-f]{8}))/g, (_, byte?: string, point?: string) =>
    byte || point ? String.fromCodePoint(Number.parseInt(byte ?? point ?? "", 16)) : "\n",
  );

/** The part of Go's text/template that we write: fields, literals, and `if` of one field. */
function execute(template: string, values: Record<string, string>): string {
  let out = "";
  let isShown = true;
  for (let rest = template; rest !== ""; ) {
    const at = rest.indexOf("{{");
    if (at < 0) return isShown ? out + rest : out;
    if (isShown) out += rest.slice(0, at);
    const action = /^\{\{ (?:"((?:[^"\\]|\\.)*)"|\.(\w+)|if \.(\w+)|(end)) \}\}/.exec(rest.slice(at));
    expect([rest.slice(at, at + 40), action === null]).toEqual([rest.slice(at, at + 40), false]);
    const [all = "", literal, field, condition, end] = action ?? [];
    if (isShown && literal !== undefined) out += unescaped(literal);
    if (isShown && field !== undefined) out += values[field] ?? "";
    if (condition !== undefined) isShown = (values[condition] ?? "") !== "";
    if (end !== undefined) isShown = true;
    rest = rest.slice(at + all.length);
  }
  return out;
}

/** What Ollama sends the model for turns of which the last has no answer: that one as far as `.Response`. */
function render(modelfile: string, turns: [prompt: string, response?: string][]): string {
  const commands = new Map(parse(modelfile));
  const template = commands.get("TEMPLATE") ?? "";
  const cut = template.slice(0, template.indexOf("{{ .Response }}")) + "{{ end }}";
  let system = commands.get("SYSTEM") ?? "";
  return turns
    .map(([Prompt, Response = ""]) => {
      const text = execute(Response === "" ? cut : template, { System: system, Prompt, Response });
      system = "";
      return text;
    })
    .join("");
}

const gsm8k: ModelfileParts = {
  ggufName: "model.gguf",
  template: { prompt: "Question: {prompt}\nAnswer:", completion: " {completion}" },
  endOfText: "<|endoftext|>",
};
const chatml: ModelfileParts = {
  ggufName: "my model.gguf",
  adapterName: "adapter.gguf",
  template: {
    prompt: "<s><|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n",
    completion: "{completion}<|im_end|>\n",
  },
  endOfText: "<|endoftext|>",
  endOfTurn: "<|im_end|>",
  beginOfText: "<s>",
};

describe("a Modelfile", () => {
  it("is this for the embedded recipe", () => {
    expect(newModelfile(gsm8k)).toBe(
      [
        "FROM ./model.gguf",
        'TEMPLATE """Question: {{ .Prompt }}',
        'Answer:{{ if .Response }} {{ .Response }}{{ end }}<|endoftext|>"""',
        'PARAMETER stop "<|endoftext|>"',
        "",
      ].join("\n"),
    );
  });

  it("asks as the studio asks: the space before the answer is the model's to make", () => {
    expect(render(newModelfile(gsm8k), [["1+1?"]])).toBe("Question: 1+1?\nAnswer:");
    expect(render(newModelfile(gsm8k), [["1+1?", "2"], ["2+2?"]])).toBe(
      "Question: 1+1?\nAnswer: 2<|endoftext|>Question: 2+2?\nAnswer:",
    );
  });

  it("closes turns as the template does, begins no text twice, and stops at both ends", () => {
    const modelfile = newModelfile(chatml);
    expect(render(modelfile, [["a", "b"], ["c"]])).toBe(
      "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n",
    );
    const commands = parse(modelfile);
    expect(commands.filter(([name]) => name !== "TEMPLATE")).toEqual([
      ["FROM", "./my model.gguf"],
      ["ADAPTER", "./adapter.gguf"],
      ["PARAMETER stop", "<|endoftext|>"],
      ["PARAMETER stop", "<|im_end|>"],
    ]);
  });

  it("names one stop where the two ends are one, and none that is empty", () => {
    const stops = (parts: Partial<ModelfileParts>) =>
      parse(newModelfile({ ...gsm8k, ...parts })).filter(([name]) => name === "PARAMETER stop");
    expect(stops({ endOfTurn: "<|endoftext|>" })).toHaveLength(1);
    expect(stops({ endOfTurn: "" })).toHaveLength(1);
    expect(stops({ endOfText: '"', endOfTurn: "\n\n" })).toEqual([
      ["PARAMETER stop", '"'],
      ["PARAMETER stop", "\n\n"],
    ]);
  });

  it("puts a system text before the first prompt only", () => {
    const modelfile = newModelfile({ ...gsm8k, system: 'Be "brief".\nAlways.' });
    expect(render(modelfile, [["a", "b"], ["c"]])).toBe(
      'Be "brief".\nAlways.\n\nQuestion: a\nAnswer: b<|endoftext|>Question: c\nAnswer:',
    );
  });

  const awkward = [
    "{{ .Secret }} {prompt}",
    "{{{{ {prompt} }}}} {",
    "{{prompt}}",
    "{{{prompt}}}",
    '"""\n{prompt}\n"""\n""""',
    '"\n"" {prompt}""',
    "{{- trim -}} {prompt} {{/* no comment */}}",
    "no\u00a0break, \u200djoined, \ufefftext, bell\u0007 {prompt} 👩‍👩‍👧 日本",
    '\\ \\n {{ "\\x41" }} `{prompt}`',
    "  \t{prompt}\r\n ",
    "{prompt} and again {prompt}",
  ];
  it.each(awkward)("says %j as it stands", (prompt) => {
    const modelfile = newModelfile({ ...gsm8k, template: { ...gsm8k.template, prompt } });
    const text = "what {{ .Prompt }} asks";
    expect(render(modelfile, [[text]])).toBe(prompt.split("{prompt}").join(text));
  });

  it.each(["{{ {completion} }}", '"""{completion}"""\n', "\u00a0{completion}\u00a0", "{{completion}}"])(
    "says a completion's %j as it stands",
    (completion) => {
      const modelfile = newModelfile({ ...gsm8k, template: { prompt: "{prompt}", completion } });
      expect(render(modelfile, [["a", "b"]])).toBe(`a${completion.replace("{completion}", "b")}<|endoftext|>`);
      expect(render(modelfile, [["a"]])).toBe("a");
    },
  );

  it.each([
    [{ system: "no\u00a0break" }, /the system text holds the character U\+00A0, which Ollama drops/],
    [{ system: 'a """\nFROM other' }, /the system text holds """/],
    [{ endOfText: "\u0000" }, /a stop holds the character U\+0000/],
    [{ ggufName: "a\nSYSTEM b" }, /is no file's name/],
    [{ adapterName: "a\u200b" }, /is no file's name/],
    [{ template: { prompt: "x", completion: "{completion}" } }, /prompt has no \{prompt\}/],
    [{ template: { prompt: "{prompt}", completion: "x" } }, /completion has no \{completion\}/],
  ] as [Partial<ModelfileParts>, RegExp][])("refuses %j, saying why", (changes, message) => {
    const make = () => newModelfile({ ...gsm8k, ...changes });
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: "template.invalid" }));
  });
});
