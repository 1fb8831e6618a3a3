/** @file Model cards say what was measured and nothing else, whatever names are in them. */

import { expect, test } from "vitest";
import { newMethod } from "../core/adaptation";
import type { EvalMetrics } from "../core/metrics";
import { newObjective } from "../core/objective";
import { newRecipe, type Recipe } from "../core/recipe";
import { newModelCard } from "./modelCard";

const measured: EvalMetrics = {
  step: 0,
  "eval/loss": 1.25,
  "gsm8k/strict": 0.5,
  "gsm8k/flexible": 0.6,
  "gsm8k/stderr": 0.05,
  exact_match: null,
  "steps/valid": null,
  n: 101,
  seconds: 0,
};

test("figures before and after carry their error bars", () => {
  const after = { ...measured, step: 400, "eval/loss": 0.5, "gsm8k/strict": 0.9, "gsm8k/stderr": 0.03 };
  const card = newModelCard({ recipe: newRecipe(), before: measured, after, baseName: "anneal/embedded" });
  expect(card).toContain('base_model: "anneal/embedded"\nlibrary_name: peft\n');
  expect(card).toContain("| Held-out rows | before (step 0) | after (step 400) |");
  expect(card).toContain("| Problems solved, strict | 50.0 % ± 5.0 | 90.0 % ± 3.0 |");
  expect(card).toContain("| Problems solved, flexible | 60.0 % ± 4.9 | 60.0 % ± 4.9 |");
  expect(card).toContain("| Loss on held-out completions | 1.2500 | 0.5000 |");
  expect(card).not.toContain("Exact match");
  expect(card).not.toContain("null");
  expect(card).not.toContain("control");
});

test("without measurements it says so, and a control says what it is", () => {
  const recipe = newRecipe();
  recipe.data.shuffleAnswers = true;
  const card = newModelCard({ recipe, before: null, after: null, baseName: "b" });
  expect(card).toContain("Nothing was measured on held-out rows.");
  expect(card).toContain("**A control:**");
});

test("what PEFT has no form for is not said to be PEFT's", () => {
  const card = (...adaptation: Recipe["adaptation"]) =>
    newModelCard({ recipe: newRecipe({ adaptation }), before: null, after: null, baseName: "b" });
  expect(card(newMethod("ia3"))).toMatch(/library_name: peft\n[^]*- "ia3"\n[^]*PeftModel/);
  const own = card(newMethod("loar"), newMethod("lora"));
  expect(own).toMatch(/library_name: anneal\n[^]*- "loar"\n- "lora"\n/);
  expect(own).not.toContain("PeftModel");
});

test("a reward model is loaded as a classifier of so many numbers; a policy leaves without what its values came from", () => {
  const dimensions = ["a", "b", "c"].map((name) => ({ name, weight: 1 }));
  const card = (objective: Recipe["objective"]) =>
    newModelCard({ recipe: newRecipe({ objective }), before: null, after: null, baseName: "b" });
  const judge = card(newObjective("reward", { dimensions }));
  expect(judge).toMatch(/library_name: peft\npipeline_tag: text-classification\n[^]*- "reward"\n/);
  expect(judge).toContain('base = AutoModelForSequenceClassification.from_pretrained("b", num_labels=3)');
  expect(judge).toContain("| Objective | a reward model |");
  expect(judge).not.toContain("supervised fine-tuning");
  const policy = card(newObjective("ppo"));
  expect(policy).toMatch(/pipeline_tag: text-generation\n[^]*- "ppo"\n[^]*AutoModelForCausalLM/);
  expect(policy).not.toContain("num_labels");
});

test("hostile names stay inside their places", () => {
  const recipe = newRecipe({
    name: "a\n---\nlicense: x | `y`",
    template: { prompt: "```\n{prompt}", completion: "{completion}" },
  });
  const card = newModelCard({ recipe, before: null, after: null, baseName: 'x"\n---\n`y`' });
  expect(card.split("\n").filter((line) => line === "---")).toHaveLength(2);
  expect(card).toContain("# a --- license: x \\| `y`");
  expect(card).toContain("````\n```\n{prompt}\n````");
});
