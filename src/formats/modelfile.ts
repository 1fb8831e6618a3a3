/**
 * @file A Modelfile: what Ollama makes a model of, from a GGUF file, an adapter and a recipe's template.
 *
 * Sources: parser/parser.go and template/template.go of https://github.com/ollama/ollama, and Go's text/template. The
 * parser knows no escapes: a text stands between quotes as it is, and what Go calls unprintable is dropped. In TEMPLATE,
 * which is a program, such characters are written as Go's string literals; elsewhere they are refused.
 */

import { StudioError } from "../core/errors";
import { type Said, say } from "../core/say";

export type ModelfileParts = {
  /** File names beside the Modelfile. */
  ggufName: string;
  adapterName?: string | null;
  /** A recipe's: `{prompt}` in one, `{completion}` in the other. */
  template: { prompt: string; completion: string };
  /** The texts of the tokens that end a text and a turn; Ollama is to stop at both. */
  endOfText: string;
  endOfTurn?: string | null;
  /** The token that Ollama itself puts before every text, so that a template that writes it does not double it. */
  beginOfText?: string | null;
  /** Stands before every first prompt, with an empty line after it. */
  system?: string | null;
};

function fail(detail: Said): never {
  throw new StudioError("template.invalid", say`Modelfile: ${detail}`);
}

/** What the parser drops: all that Go's strconv.IsPrint does not take but white space it knows. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} \t\r\n]/u;

/** A text in quotes. Throws `template.invalid` where the parser would read another. */
function quoted(text: string, where: string): string {
  const [dropped] = unprintable.exec(text) ?? [];
  if (dropped !== undefined)
    fail(
      say`${where} holds the character ${`U+${(dropped.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`}, which Ollama drops`,
    );
  if (text.includes('"""')) fail(say`${where} holds """, which would end it`);
  return text.includes('"') || text.includes("\n") ? `"""${text}"""` : `"${text}"`;
}

function fileName(name: string): string {
  if (name === "" || /[\r\n]/.test(name) || unprintable.test(name))
    fail(say`${JSON.stringify(name)} is no file's name that it can hold`);
  return `./${name}`;
}

/** An action that prints the text, in Go's escapes throughout. */
const literal = (text: string): string => {
  const escapes = Array.from(text, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    if (/[\w {}]/.test(letter)) return letter;
    return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `{{ "${escapes.join("")}" }}`;
};

/**
 * A text that Go's templates print as it is: braces that would begin an action, also one that meets the brace of an
 * action after it, quotes that would end the Modelfile's value, and characters that its parser drops.
 */
function plain(text: string): string {
  const awkward = new RegExp(`\\{{2,}|\\{$|"{3,}|(?:${unprintable.source})+`, "gu");
  return text.replace(awkward, literal);
}

/** The text with its places filled by what Go is to put there. */
const withPlaces = (text: string, place: string, action: string): string => text.split(place).map(plain).join(action);

/** Without the token that is put first anyway. */
const withoutStart = (text: string, start: string | null | undefined): string =>
  start && text.startsWith(start) ? text.slice(start.length) : text;

/**
 * Ollama renders the last turn up to `.Response` and each turn before it whole. What a template writes before the
 * completion is trained as part of the answer, so it is rendered with an answer only: the model makes it itself.
 */
function newTemplate({ template, endOfText, endOfTurn, beginOfText, system }: ModelfileParts): string {
  const prompt = withoutStart(template.prompt, beginOfText);
  const at = template.completion.lastIndexOf("{completion}");
  if (!template.prompt.includes("{prompt}")) fail(say`the template's prompt has no {prompt}`);
  if (at < 0) fail(say`the template's completion has no {completion}`);
  const answer = template.completion.slice(0, at + "{completion}".length);
  const after = template.completion.slice(at + "{completion}".length);
  const closes = [endOfText, endOfTurn].some((end) => end && after.trimEnd().endsWith(end));
  return [
    system ? '{{ if .System }}{{ .System }}{{ "\\n\\n" }}{{ end }}' : "",
    withPlaces(prompt, "{prompt}", "{{ .Prompt }}"),
    `{{ if .Response }}${withPlaces(answer, "{completion}", "{{ .Response }}")}{{ end }}`,
    plain(closes ? after : after + endOfText),
  ].join("");
}

/** Throws `template.invalid`, naming what a Modelfile cannot hold. */
export function newModelfile(parts: ModelfileParts): string {
  const { ggufName, adapterName, endOfText, endOfTurn, system } = parts;
  const stops = [...new Set([endOfText, endOfTurn])].filter((stop) => typeof stop === "string" && stop !== "");
  return [
    `FROM ${fileName(ggufName)}`,
    ...(adapterName ? [`ADAPTER ${fileName(adapterName)}`] : []),
    `TEMPLATE """${newTemplate(parts)}"""`,
    ...(system ? [`SYSTEM ${quoted(system, "the system text")}`] : []),
    ...stops.map((stop) => `PARAMETER stop ${quoted(stop as string, "a stop")}`),
    "",
  ].join("\n");
}
