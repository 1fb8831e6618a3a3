/** @file The table of an ablation: what is paired with what, what is called best, and what its text says. */

import { expect, test } from "vitest";
import { newAblation, withCell } from "../core/ablation";
import { variantOfWord } from "../core/ablationVariants";
import type { RunId } from "../core/ids";
import type { EvalMetrics } from "../core/metrics";
import { newRecipe, type Recipe } from "../core/recipe";
import { newRun, type Run } from "../core/run";
import { newAblationTable } from "./ablationTable";
import { newAblationCsv, newAblationMarkdown } from "./ablationText";
import { estimateCrossed, estimateMean, wilson } from "./intervals";

const metricsOf = (outcomes: string, changes: Partial<EvalMetrics> = {}): EvalMetrics => {
  const share = (right: string) => Array.from(outcomes).filter((one) => right.includes(one)).length / outcomes.length;
  return {
    step: 300,
    "eval/loss": 0.5,
    "gsm8k/strict": share("23"),
    "gsm8k/flexible": share("13"),
    "gsm8k/stderr": 0,
    exact_match: null,
    "steps/valid": null,
    n: outcomes.length,
    outcomes,
    seconds: 30,
    ...changes,
  };
};

type Told = { after: EvalMetrics | null; status?: Run["status"] };

/** An ablation of which the runs told so much, seed by seed; undefined where a cell has not run. */
function fixture(told: Record<string, (Told | undefined)[]>, recipe: Recipe = newRecipe()) {
  const words = Object.keys(told);
  const seeds = Object.values(told)[0]!.map((_, i) => i + 1);
  let ablation = newAblation({ name: "a", recipe, variants: words.map((word) => variantOfWord(recipe, word)), seeds });
  const runs = new Map<RunId, Run>();
  for (const [variant, ofSeeds] of Object.entries(told)) {
    ofSeeds.forEach((one, i) => {
      if (!one) return;
      const run = {
        ...newRun(recipe, variant),
        status: one.status ?? "done",
        after: one.after,
        step: 300,
        seconds: 30,
      };
      runs.set(run.id, run);
      ablation = withCell(ablation, { variant, seed: i + 1 }, { run: run.id });
    });
  }
  return { ablation, runs };
}

const bits = (outcomes: string) => Array.from(outcomes, (one) => ("23".includes(one) ? 1 : 0));

test("accuracy is crossed over seeds and problems, differences are paired by both", () => {
  const [a1, a2, b1, b2] = ["3310033333", "3300033333", "3310000330", "3300000033"];
  const { ablation, runs } = fixture({
    lora: [{ after: metricsOf(a1) }, { after: metricsOf(a2) }],
    bias: [{ after: metricsOf(b1) }, { after: metricsOf(b2) }],
  });
  const { rows, accuracy } = newAblationTable(ablation, runs);
  expect(accuracy).toBe("strict");
  const [lora, bias] = rows;
  expect(lora).toMatchObject({ variant: "lora", seeds: [1, 2], problems: 10, difference: null, kept: null });
  expect(lora!.values.accuracy!.mean).toBeCloseTo(0.7, 12);
  const crossed = estimateCrossed([bits(a1), bits(a2)]).interval!;
  expect(lora!.values.accuracy!.interval!.low).toBeCloseTo(Math.max(0, crossed.low), 12);
  expect(lora!.values.flexible!.mean).toBeCloseTo(0.75, 12);
  const difference = (a: string, b: string) => bits(a).map((value, i) => value - bits(b)[i]!);
  expect(bias!.difference!.accuracy).toEqual(estimateCrossed([difference(b1, a1), difference(b2, a2)]));
  expect(bias!.kept!.mean).toBeCloseTo(0.4 / 0.7, 12);
});

test("where each seed holds out rows of its own, seeds alone are the sample", () => {
  const recipe = newRecipe();
  recipe.data = { ...recipe.data, source: "dataset:mine" };
  const [a1, a2, b1, b2] = ["3300", "3330", "0000", "3000"];
  const told = {
    lora: [{ after: metricsOf(a1) }, { after: metricsOf(a2) }],
    bias: [{ after: metricsOf(b1) }, { after: metricsOf(b2) }],
  };
  const { ablation, runs } = fixture(told, recipe);
  const [, bias] = newAblationTable(ablation, runs).rows;
  expect(bias!.difference!.accuracy).toEqual(estimateMean([-0.5, -0.5]));
});

test("one seed: Wilson's interval, and a difference paired by problem", () => {
  const { ablation, runs } = fixture({
    lora: [{ after: metricsOf("3330") }],
    bias: [{ after: metricsOf("0000", { "eval/loss": 0.9 }) }],
  });
  const [lora, bias] = newAblationTable(ablation, runs).rows;
  expect(lora!.values.accuracy).toEqual({ mean: 0.75, interval: wilson(0.75, 4) });
  expect(bias!.values.accuracy).toEqual({ mean: 0, interval: wilson(0, 4) });
  expect(bias!.difference!.accuracy).toEqual(estimateCrossed([[-1, -1, -1, 0]]));
  expect(bias!.difference!.loss).toEqual({ mean: expect.closeTo(0.4, 12) as number, interval: null });
  expect(lora!.best).toEqual([]); // −0.75 ± 0.80, and one loss says nothing
});

test("best is only what is clearly better than every other", () => {
  const right = "3".repeat(40);
  const half = "30".repeat(20);
  const seeds = (outcomes: string, losses: number[]) =>
    losses.map((loss) => ({ after: metricsOf(outcomes, { "eval/loss": loss }) }));
  const two = fixture({ lora: seeds(half, [0.5, 0.51, 0.52]), full: seeds(right, [0.2, 0.22, 0.21]) });
  const [lora, full] = newAblationTable(two.ablation, two.runs).rows;
  expect([lora!.best, full!.best]).toEqual([[], ["accuracy", "flexible", "loss"]]);
  const three = fixture({
    lora: seeds(half, [0.5, 0.51, 0.52]),
    full: seeds(right, [0.2, 0.22, 0.21]),
    bias: seeds(right, [0.21, 0.2, 0.22]),
  });
  expect(newAblationTable(three.ablation, three.runs).rows.map(({ best }) => best)).toEqual([[], [], []]);
});

test("runs that are not done, and cells left out, do not count", () => {
  const { ablation, runs } = fixture({
    lora: [{ after: metricsOf("33") }, { after: metricsOf("00"), status: "failed" }, undefined],
    bias: [{ after: metricsOf("33") }, { after: metricsOf("33") }, { after: metricsOf("33") }],
  });
  const left = withCell(ablation, { variant: "bias", seed: 3 }, { isLeftOut: true });
  const [lora, bias] = newAblationTable(left, runs).rows;
  expect([lora!.seeds, bias!.seeds]).toEqual([[1], [1, 2]]);
  expect(bias!.difference!.accuracy).toEqual({
    mean: 0,
    interval: { low: -wilson(0, 2).high, high: wilson(0, 2).high },
  });
  const empty = newAblationTable(ablation, new Map());
  expect(empty.accuracy).toBeNull();
  expect(empty.rows[0]).toMatchObject({ seeds: [], values: { accuracy: null, loss: null }, kept: null, best: [] });
});

test("answers that are asked for to the letter have one accuracy; older runs without outcomes have seeds alone", () => {
  const exact = (share: number): EvalMetrics => {
    const { outcomes, ...rest } = metricsOf("3333");
    expect(outcomes).toBe("3333");
    return { ...rest, "gsm8k/strict": null, "gsm8k/flexible": null, exact_match: share };
  };
  const { ablation, runs } = fixture({ lora: [{ after: exact(0.25) }, { after: exact(0.75) }] });
  const table = newAblationTable(ablation, runs);
  expect(table.accuracy).toBe("exact");
  const { mean, interval } = table.rows[0]!.values.accuracy!;
  expect([mean, interval]).toEqual([0.5, { low: 0, high: 1 }]); // t over two seeds, cut to what a share can be
  expect(newAblationMarkdown(ablation, table)).not.toContain("flexible");
});

test("the base alone has no time a step", () => {
  const recipe = newRecipe();
  const { ablation, runs } = fixture({ base: [{ after: metricsOf("30") }] });
  const run = [...runs.values()][0]!;
  runs.set(run.id, { ...run, recipe: { ...recipe, optimizer: { ...recipe.optimizer, learningRate: 0 } } });
  expect(newAblationTable(ablation, runs).rows[0]!.values.seconds).toBeNull();
});

test("Markdown and CSV have a line a variant, and hostile names stay text", () => {
  const { ablation, runs } = fixture({
    lora: [{ after: metricsOf("3330") }, { after: metricsOf("3300") }],
    bias: [undefined, undefined],
  });
  const figures = { lora: { trained: 50, parameters: 1000, memory: 2 ** 20, file: 1234 } };
  const table = newAblationTable({ ...ablation, figures }, runs);
  const markdown = newAblationMarkdown(ablation, table).split("\n");
  expect(markdown[2]).toMatch(/^\| variant \| seeds \| problems \| strict, % \|/);
  expect(markdown[4]).toMatch(/^\| lora \| 2 \| 4 \| 62\.5 \[/);
  expect(markdown[4]).toContain("| 50 | 5.00 | 1.0 | – | 0.100 [0.100, 0.100] | 1.2 |");
  expect(markdown[5]).toMatch(/^\| bias \| 0 \| – \| – \|/);
  table.rows[1]!.variant = '=HYPERLINK("x"),|';
  const csv = newAblationCsv(table).split("\n");
  expect(csv[0]!.split(",")).toHaveLength(csv[1]!.split(",").length);
  expect(csv[1]).toMatch(/^lora,1 2,4,0\.625,/);
  expect(csv[2]).toMatch(/^"'=HYPERLINK\(""x""\),\|",,/);
  expect(newAblationMarkdown(ablation, table)).toContain('| =HYPERLINK("x"),\\| |');
});
