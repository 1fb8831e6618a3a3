/** @file Rollouts: prompts answered several times by the model as it is, rated, and laid out to be learnt from. */

import type { Sampling } from "../core/engine";
import { StudioError } from "../core/errors";
import type { Figures, Group, GroupStep, RunEvent } from "../core/metrics";
import { nextTick } from "../core/nextTick";
import type { PolicyObjective } from "../core/objective";
import { seedFor } from "../core/random";
import type { Scores } from "../core/reward";
import { say } from "../core/say";
import type { Document } from "../data/mask";
import type { Adapter } from "../model/adapterParts";
import { generate } from "../model/generation";
import { rewardFigures } from "../objectives/advantages";
import { itemsAt } from "./itemsAt";
import { promptsAtOnce } from "./measureAnswers";
import type { Problem } from "./prepareData";
import type { Session } from "./session";

/** One answer as the model wrote it. */
export type Rollout = {
  problem: Problem;
  /** Prompt and answer; the answer's tokens are trained, the one that ended it among them. */
  document: Document;
  /** What is rated: without the end, and without a stop text. */
  text: string;
  /** Ended by itself, not by its length. */
  finished: boolean;
};

export type Rollouts = {
  /** Groups one after the other, `completions` of each. */
  rollouts: Rollout[];
  scores: Scores;
  temperature: number;
  /** Epochs of prompts that are behind the run then. */
  epoch: number;
  /** Of writing and rating, waiting for other jobs apart. */
  seconds: number;
};

/** The temperature of a step from 1, on a line from the first to the last. */
export function temperatureAt({ sampling }: Pick<PolicyObjective, "sampling">, step: number, steps: number): number {
  const { start, end } = sampling.temperature;
  return steps < 2 ? start : start + ((end - start) * (step - 1)) / (steps - 1);
}

/** Writes and rates the answers of a step, counted in its stage. Throws the signal's reason when aborted. */
export async function* newRollouts(
  session: Session,
  objective: PolicyObjective,
  step: number,
): AsyncGenerator<RunEvent, Rollouts> {
  const { stage, data, adapter } = session;
  const { recipe } = stage;
  const problems = itemsAt(data.asked.length, objective.prompts, step, recipe.seed).flatMap((i) => data.asked[i] ?? []);
  const temperature = temperatureAt(objective, step, recipe.schedule.steps);
  const given = { adapter, problems, temperature, seed: seedFor(recipe.seed, "rollouts", step) };
  const written = yield* answerAndRate(session, objective, given);
  return { ...written, epoch: (step * objective.prompts) / data.asked.length };
}

type Asked = { adapter: Adapter | null; problems: Problem[]; temperature: number; seed: number };
type Answering = Pick<PolicyObjective, "completions" | "sampling">;

/** Some problems answered by an adapter (null: the base) and rated. */
export async function* answerAndRate(
  session: Session,
  objective: Answering,
  { adapter, problems, temperature, seed }: Asked,
): AsyncGenerator<RunEvent, Omit<Rollouts, "epoch">> {
  const { scorer } = session;
  if (!scorer) throw new StudioError("bug", say`There is nothing to rate answers with`);
  const { topK, topP, minP } = objective.sampling;
  const sampling = { temperature, topK, topP, minP, seed };
  const { rollouts, seconds } = yield* write({ ...session, adapter }, objective, problems, sampling);
  const begun = performance.now();
  const scores = await scorer.score(
    rollouts.map(({ problem, document, text, finished }, i) => ({
      prompt: problem.prompt,
      completion: text,
      reference: problem.reference,
      tokens: document.tokens.length - document.promptLength,
      finished,
      group: Math.floor(i / objective.completions),
    })),
  );
  return { rollouts, scores, temperature, seconds: seconds + (performance.now() - begun) / 1000 };
}

/** Each problem's answers, as many at once as the cache holds. */
async function* write(
  { model, adapter, data, turns, controls }: Omit<Session, "adapter"> & { adapter: Adapter | null },
  { completions, sampling: { maxTokens, stop } }: Answering,
  problems: Problem[],
  sampling: Sampling,
): AsyncGenerator<RunEvent, { rollouts: Rollout[]; seconds: number }> {
  const { tokenizer, stopIds } = model;
  const longest = problems.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const atOnce = promptsAtOnce(model.config, longest + maxTokens, completions);
  // Stop texts are looked for in the last tokens alone: none is longer than its letters.
  const lookBack = Math.max(0, ...stop.map((text) => text.length)) + 4;
  const hasStop = (tokens: readonly number[]) => {
    const tail = tokenizer.decode(tokens.slice(-lookBack));
    return stop.some((text) => tail.includes(text));
  };
  const rollouts: Rollout[] = [];
  let seconds = 0;
  for (let from = 0; from < problems.length; from += atOnce) {
    const some = problems.slice(from, from + atOnce);
    const steps = generate(model.llama, adapter, {
      prompts: some.map(({ ids }) => ids),
      copies: completions,
      maxTokens,
      sampling: { ...sampling, seed: seedFor(sampling.seed, from) },
      stopIds,
      keepsStop: true,
      ...(stop.length > 0 ? { isDone: hasStop } : {}),
      ...(data.logic
        ? { marks: { prompts: some.map(({ marks }) => marks ?? new Uint8Array(0)), table: data.logic.table } }
        : {}),
      signal: controls.signal,
    });
    const next = () =>
      turns(async () => {
        const begun = performance.now();
        const result = await steps.next();
        seconds += (performance.now() - begun) / 1000;
        return result;
      });
    try {
      let result = await next();
      for (let done = 1; !result.done; done++) {
        if (done % 16 === 0) {
          const share = Math.min(1, done / maxTokens);
          const total = problems.length * completions;
          yield {
            event: "progress",
            phase: "writing",
            done: Math.round((from + share * some.length) * completions),
            total,
          };
          await nextTick();
        }
        result = await next();
      }
      for (const [row, tokens] of result.value.entries()) {
        const problem = some[Math.floor(row / completions)];
        if (problem) rollouts.push(newRollout(problem, tokens));
      }
    } finally {
      await steps.return([]);
    }
  }
  return { rollouts, seconds };

  function newRollout(problem: Problem, tokens: number[]): Rollout {
    const last = tokens.at(-1);
    const ended = last !== undefined && stopIds.includes(last);
    const whole = tokenizer.decode(ended ? tokens.slice(0, -1) : tokens);
    const cuts = stop.map((text) => whole.indexOf(text)).filter((at) => at >= 0);
    const text = cuts.length > 0 ? whole.slice(0, Math.min(...cuts)) : whole;
    return { problem, document: newAnswer(problem, tokens), text, finished: ended || cuts.length > 0 };
  }

  function newAnswer({ ids, marks }: Problem, answer: number[]): Document {
    const tokens = [...ids, ...answer];
    const trained = new Uint8Array(tokens.length).fill(1, ids.length);
    const document = { tokens, trained, promptLength: ids.length, tooLong: false };
    if (!data.logic) return document;
    const { table } = data.logic;
    const marked = Uint8Array.from(tokens, (token, i) => (i < ids.length ? marks?.[i] : table[token]) ?? 0);
    return { ...document, marks: marked };
  }
}

/** What a step's answers came to, under TRL's names. */
export function rolloutFigures({ rollouts, scores, temperature }: Rollouts, isFlat: readonly boolean[]): Figures {
  const lengths = rollouts.map(({ document }) => document.tokens.length - document.promptLength);
  const cut = rollouts.filter(({ finished }) => !finished).length;
  const columns = scores.names.map((_, column) => scores.values.map((row) => row[column] ?? null));
  return {
    ...rewardFigures(scores.names, columns, scores.total, isFlat),
    "completions/mean_length": lengths.reduce((sum, n) => sum + n, 0) / lengths.length,
    "completions/min_length": Math.min(...lengths),
    "completions/max_length": Math.max(...lengths),
    "completions/clipped_ratio": cut / rollouts.length,
    "sampling/temperature": temperature,
  };
}

/** The groups as the inspector shows them; `advantages` and `changes` are each answer's, by token or one for all. */
export function newGroups(
  { rollouts, scores }: Rollouts,
  completions: number,
  tokenText: (id: number) => string,
  of: (place: number) => { advantages: number[]; change: number[] | null },
): Omit<GroupStep, "step"> {
  const groups: Group[] = [];
  rollouts.forEach(({ problem, document, finished }, place) => {
    if (place % completions === 0)
      groups.push({ prompt: problem.prompt, reference: problem.reference, completions: [] });
    groups.at(-1)?.completions.push({
      tokens: document.tokens.slice(document.promptLength).map(tokenText),
      finished,
      rewards: scores.values[place] ?? [],
      reward: scores.total[place] ?? Number.NaN,
      ...of(place),
    });
  });
  return { rewardNames: scores.names, groups };
}
