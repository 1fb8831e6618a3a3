/** @file Questions to try: held-out problems of the embedded data, fetched once. */

import { create } from "zustand";
import { StudioError } from "../core/errors";
import { say } from "../core/say";

export type Example = { prompt: string; reference: string };

type State =
  | { status: "loading" }
  | { status: "ready"; examples: readonly Example[] }
  | { status: "failed"; error: unknown };

export const useExamples = create<State>(() => ({ status: "loading" }));

let asked = false;

/** Reads them once; after a failure the next call tries again. */
export async function loadExamples(): Promise<void> {
  if (asked) return;
  asked = true;
  try {
    const response = await fetch(`${import.meta.env.BASE_URL}embedded/heldout.jsonl`);
    if (!response.ok) throw new StudioError("dataset.missing", say`The held-out problems: HTTP ${response.status}`);
    useExamples.setState({ status: "ready", examples: parseExamples(await response.text()) }, true);
  } catch (error) {
    asked = false;
    useExamples.setState({ status: "failed", error }, true);
  }
}

/** Lines of `{"question": …, "answer": …}`. */
export function parseExamples(text: string): Example[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => {
      const { question, answer } = JSON.parse(line) as { question?: unknown; answer?: unknown };
      return typeof question === "string" && typeof answer === "string"
        ? [{ prompt: question, reference: answer }]
        : [];
    });
}

/** The question without what the template puts around it. */
export function stripTemplate(prompt: string, template: string): string {
  const [before = "", after = ""] = template.split("{prompt}");
  const from = prompt.startsWith(before) ? before.length : 0;
  const to = after !== "" && prompt.endsWith(after) ? prompt.length - after.length : prompt.length;
  return prompt.slice(from, Math.max(from, to)).trim();
}
