/** @file A chat template as a recipe's two plain texts, found once by rendering marked texts and cutting at the marks. */

import { StudioError } from "../core/errors";
import type { Recipe } from "../core/recipe";
import { type Said, say } from "../core/say";
import { type ChatMessage, renderChat } from "./chatTemplate";

/** Letters and digits of both cases: no template trims, escapes or splits them, and one that changes case is found out. */
const userMark = "Uq7AnnealPrompt7qU";
const assistantMark = "Xz3AnnealAnswer3zX";

/** The longest text a recipe's template may have (core/recipe.ts). */
const longest = 10_000;

/** What ends a turn: a special token as all families write them (`<|im_end|>`, `</s>`, `<end_of_turn>`, `[/INST]`). */
const specialToken = /<[^<>\s]{1,60}>|\[\/?[A-Z_]{2,40}\]/;

function fail(detail: Said): never {
  throw new StudioError("template.invalid", detail);
}

export type LiteralOptions = { bos: string | null; eos: string | null; system?: string };

/**
 * The recipe's template that shows a model the same text as its chat template does, for one question and one answer.
 *
 * `prompt` is what the template gives under `add_generation_prompt`, so that the tuned model is prompted the same way
 * everywhere. What stands between that and the answer is part of `completion` and trained, as the model must then write it
 * itself (Qwen3's empty `<think>` block, Llama 2's space); a heading of a template that knows no generation prompt is not.
 * What only generation adds (R1's `<think>\n`) stays in `prompt`, and training shows it too. `completion` ends with the
 * end-of-turn token; the line break after it is cut. A row's own reasoning is kept, where R1's template would strip it.
 *
 * The text may begin with the beginning-of-text token's text. Where the template takes no system message, `system` goes
 * before the prompt; where it demands one and none is given, an empty one is shown.
 *
 * Throws `template.invalid`, saying what the template does to the texts, `jail.slow` or `jail.large`.
 */
export async function literalTemplate(template: string, options: LiteralOptions): Promise<Recipe["template"]> {
  if (template.includes(userMark) || template.includes(assistantMark)) fail(say`It has the studio's own marks in it`);
  const { before, after, alone, silent } = await renderMarked(template, options);
  const cut = splitBefore(before, alone, silent);
  const prompt = cut.prompt.split(userMark);
  const completion = `${cut.rest}{completion}${endOfTurn(after, options.eos ?? "")}`;
  for (const part of prompt)
    if (part.includes("{prompt}")) fail(say`Its own text has {prompt} in it, which stands for the row's prompt`);
  if (completion.split("{completion}").length !== 2)
    fail(say`Its own text has {completion} in it, which stands for the row's completion`);
  const joined = prompt.join("{prompt}");
  for (const text of [joined, completion])
    if (text.length > longest) fail(say`Its own text has ${text.length} characters; ${longest} are the most`);
  return { prompt: joined, completion };
}

type Marked = {
  /** The conversation up to the answer, and what follows it. */
  before: string;
  after: string;
  /** The prompt alone, with and without a generation prompt. */
  alone: string;
  silent: string;
};

/** The ways to give a system message, the template's own first. */
function listConversations(system: string | undefined): ChatMessage[][] {
  const user = { role: "user", content: userMark };
  if (!system) return [[user], [{ role: "system", content: "" }, user]];
  return [[{ role: "system", content: system }, user], [{ role: "user", content: `${system}\n\n${userMark}` }]];
}

async function renderMarked(template: string, { bos, eos, system }: LiteralOptions): Promise<Marked> {
  let first: unknown = null;
  for (const messages of listConversations(system)) {
    try {
      const answer = { role: "assistant", content: assistantMark };
      const whole = await renderChat(template, [...messages, answer], { bos, eos });
      const at = findOnce(whole, assistantMark, say`answer`);
      const before = whole.slice(0, at);
      findOnce(before, userMark, say`prompt`);
      if (whole.slice(at).includes(userMark)) fail(say`It puts the prompt after the answer`);
      if (system && !whole.includes(system.trim())) fail(say`It leaves the system message out`);
      const alone = await renderChat(template, messages, { bos, eos, addGenerationPrompt: true });
      findOnce(alone, userMark, say`prompt`);
      const silent = await renderChat(template, messages, { bos, eos }).catch(() => alone);
      return { before, after: whole.slice(at + assistantMark.length), alone, silent };
    } catch (error) {
      if (!(error instanceof StudioError) || error.code !== "template.invalid") throw error;
      first ??= error;
    }
  }
  throw first;
}

/** Where the mark stands. Throws where it stands twice, not at all or changed. */
function findOnce(text: string, mark: string, name: Said): number {
  const at = text.indexOf(mark);
  if (at < 0) {
    if (text.toLowerCase().includes(mark.toLowerCase())) fail(say`It changes the letters of the ${name}`);
    fail(say`It leaves the ${name} out or changes it`);
  }
  if (text.includes(mark, at + 1)) fail(say`It puts the ${name} in twice`);
  return at;
}

/** Which part of the text before the answer is given, and which the model writes. */
function splitBefore(before: string, alone: string, silent: string): { prompt: string; rest: string } {
  if (alone.startsWith(before)) return { prompt: alone, rest: "" };
  if (!before.startsWith(alone)) fail(say`It shows an answered prompt otherwise than one that waits for its answer`);
  const rest = before.slice(alone.length);
  const hasGenerationPrompt = alone !== silent;
  return hasGenerationPrompt || rest.trim() === "" ? { prompt: alone, rest } : { prompt: before, rest: "" };
}

/** The text after the answer up to its end-of-turn token; the end-of-text token where it has none. */
function endOfTurn(after: string, eos: string): string {
  const special = specialToken.exec(after);
  const ends = [
    special ? special.index + special[0].length : -1,
    eos && after.includes(eos) ? after.indexOf(eos) + eos.length : -1,
  ];
  const end = Math.min(...ends.filter((at) => at >= 0));
  return Number.isFinite(end) ? after.slice(0, end) : `${after.trimEnd()}${eos}`;
}
