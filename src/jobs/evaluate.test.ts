/** @file A score does not depend on how problems were batched; worked examples stand before the question, never its own. */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Example } from "../core/dataset";
import { newTurns } from "../core/turns";
import { openDevice } from "../kernels/device";
import { type EvaluateInputs, type Evaluation, evaluate } from "./evaluate";
import { answer } from "./generate";
import { type LoadedModel, loadModel, unloadModel } from "./loadModel";
import { accuracyOf } from "./measureAnswers";
import { newTinyModel } from "./tinyModel";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let model: LoadedModel;
beforeAll(async () => {
  await openDevice("wasm");
  model = await loadModel(newTinyModel());
});
afterAll(() => {
  unloadModel(model);
});

const examples = Array.from(
  { length: 5 },
  (_, i): Example => ({ prompt: `${"7".repeat(2 * i)}+1`, completion: `#### ${i}` }),
);
const template = { prompt: "Q {prompt}\nA", completion: " {completion}" };
const signal = new AbortController().signal;

async function run(changes: Partial<EvaluateInputs>): Promise<Evaluation> {
  const inputs = { model, adapter: null, examples, recipe: { template, seed: 1 }, maxTokens: 6, shots: 0, pool: [] };
  const steps = evaluate({ ...inputs, turns: newTurns(), signal, ...changes });
  let next = await steps.next();
  while (!next.done) next = await steps.next();
  return next.value;
}

test("every problem is answered as if it were asked alone, and as the playground answers it", async () => {
  const together = await run({});
  expect(together.answers.map(({ problem }) => problem.index)).toEqual([0, 1, 2, 3, 4]);
  for (const [i, example] of examples.entries()) {
    const alone = await run({ examples: [example] });
    expect(alone.answers[0]?.completion).toBe(together.answers[i]?.completion);
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1 };
    const asked = { model, adapter: null, prompt: example.prompt, template: template.prompt, maxTokens: 6, sampling };
    const pieces: string[] = [];
    const steps = answer({ ...asked, turns: newTurns(), signal });
    let next = await steps.next();
    for (; !next.done; next = await steps.next()) pieces.push(next.value);
    expect(next.value.text).toBe(together.answers[i]?.completion);
    expect(pieces.join("")).toBe(next.value.text);
  }
});

test("worked examples come from the pool, another draw for each question, and never the question itself", async () => {
  const { answers, metrics } = await run({ shots: 2, pool: examples, examples: examples.slice(0, 3) });
  expect(metrics["eval/loss"]).toBeNull();
  for (const { problem } of answers) {
    const parts = problem.prompt.split("\n\n");
    const asked = examples[problem.index]?.prompt ?? "";
    expect(parts).toHaveLength(3);
    expect(parts[2]).toBe(`Q ${asked}\nA`);
    for (const shot of parts.slice(0, 2)) expect(shot).toMatch(/^Q 7*\+1\nA #### \d$/);
    expect(parts.slice(0, 2)).not.toContainEqual(expect.stringContaining(`Q ${asked}\n`));
  }
});

test("what the model cannot read is counted, not asked", async () => {
  const long: Example = { prompt: "x".repeat(200), completion: "#### 1" };
  const { metrics, tooLong } = await run({ examples: [...examples, long] });
  expect([metrics.n, tooLong]).toEqual([5, 1]);
});

test("shares are counted as lm-eval counts them", () => {
  const problem = { index: 0, prompt: "", ids: [], reference: "" };
  const of = (strict: boolean, flexible: boolean, completion: string) => ({
    problem,
    completion,
    strict,
    flexible,
    exact: false,
  });
  const answers = [
    of(true, true, "<<1+1=2>>"),
    of(false, true, "<<1+1=3>><<2+2=4>>"),
    of(false, false, ""),
    of(false, false, ""),
  ];
  expect(accuracyOf(answers, "gsm8k")).toEqual({
    "gsm8k/strict": 0.25,
    "gsm8k/flexible": 0.5,
    "gsm8k/stderr": Math.sqrt((0.25 * 0.75) / 3),
    exact_match: null,
    "steps/valid": 0.75,
    n: 4,
    outcomes: "3100",
  });
  expect(accuracyOf(answers, "none")).toMatchObject({ "gsm8k/strict": null, exact_match: null });
});
