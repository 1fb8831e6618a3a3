/** @file Questions asked of the base and of a tuned model side by side, in this session. */

import { create } from "zustand";
import type { TrainedId } from "../core/adapterRecord";
import type { Sampling } from "../core/engine";
import { toWire } from "../core/errors";
import { type Engine, openEngine } from "./engine";

export type Answer =
  | { status: "waiting" }
  | { status: "writing"; text: string }
  | { status: "done"; text: string; tokens: number; seconds: number }
  | { status: "stopped"; text: string }
  | { status: "failed"; text: string; error: unknown };

export type Side = "base" | "tuned";

export type Turn = {
  id: string;
  /** The base, as recipes name it. */
  model: string;
  prompt: string;
  /** The worked solution, where the question is one of the held-out problems. */
  reference: string | null;
  /** The tuned side's run or adapter and its name then; null where only the base was asked. */
  run: { id: TrainedId; name: string } | null;
  maxTokens: number;
  sampling: Sampling;
  answers: Readonly<Record<Side, Answer>>;
};

export type Question = Pick<Turn, "model" | "prompt" | "reference" | "run" | "maxTokens" | "sampling"> & {
  /** The run's own, so that both sides read the very same text; left out where there is no run. */
  template?: string;
};

type State = { turns: readonly Turn[]; asking: AbortController | null };

export const useChat = create<State>(() => ({ turns: [], asking: null }));

function setAnswer(turn: string, side: Side, next: (answer: Answer) => Answer) {
  useChat.setState(({ turns }) => ({
    turns: turns.map((old) =>
      old.id === turn ? { ...old, answers: { ...old.answers, [side]: next(old.answers[side]) } } : old,
    ),
  }));
}

const textOf = (answer: Answer) => (answer.status === "waiting" ? "" : answer.text);

/** Asks both sides, the base first, with the same seed. Failures are shown with the answer. */
export async function ask(question: Question): Promise<void> {
  if (useChat.getState().asking || question.prompt.trim() === "") return;
  const { template: _template, ...asked } = question;
  const id = crypto.randomUUID();
  const asking = new AbortController();
  const answers = { base: { status: "waiting" }, tuned: { status: "waiting" } } as const;
  useChat.setState(({ turns }) => ({ turns: [...turns, { id, ...asked, answers }], asking }));
  try {
    await answer(id, "base", question, null, asking.signal);
    if (question.run) await answer(id, "tuned", question, question.run.id, asking.signal);
  } finally {
    useChat.setState({ asking: null });
  }
}

async function answer(turn: string, side: Side, question: Question, run: TrainedId | null, signal: AbortSignal) {
  const id = `${turn}.${side}`;
  const { model, template, prompt, maxTokens, sampling } = question;
  streams.set(id, { turn, side, text: "" });
  try {
    const engine = await listeningEngine();
    const done = await engine.call(
      "chat.ask",
      { id, model, run, prompt, maxTokens, sampling, ...(template === undefined ? {} : { template }) },
      signal,
    );
    setAnswer(turn, side, () => ({ status: "done", ...done }));
  } catch (error) {
    const stopped = toWire(error).code === "task.aborted";
    setAnswer(turn, side, (answer) =>
      stopped
        ? { status: "stopped", text: streams.get(id)?.text ?? textOf(answer) }
        : { status: "failed", text: textOf(answer), error },
    );
  } finally {
    streams.delete(id);
  }
}

/** Ends the answers being written; what is there stays. */
export function stopAnswers() {
  useChat.getState().asking?.abort();
}

export function clearChat() {
  if (!useChat.getState().asking) useChat.setState({ turns: [] });
}

/** Text as it comes, shown once a frame. */
const streams = new Map<string, { turn: string; side: Side; text: string }>();
let scheduled = false;

function showStreams() {
  scheduled = false;
  for (const { turn, side, text } of streams.values()) {
    if (text !== "") setAnswer(turn, side, () => ({ status: "writing", text }));
  }
}

let listening: Engine | undefined;

async function listeningEngine(): Promise<Engine> {
  const engine = await openEngine();
  if (engine !== listening) {
    listening = engine;
    engine.on("chat.text", ({ id, text }) => {
      const stream = streams.get(id);
      if (!stream) return;
      stream.text += text;
      if (!scheduled) requestAnimationFrame(showStreams);
      scheduled = true;
    });
  }
  return engine;
}
