/** @file The README.md of an adapter: a Hugging Face model card that says what was trained and what was measured, no more. */

import type { Method, MethodKind } from "../core/adaptation";
import type { EvalMetrics } from "../core/metrics";
import { lossOnOf, type ObjectiveKind } from "../core/objective";
import { type Recipe, trainedAdaptation } from "../core/recipe";
import { peftFormOf } from "./peft";

type Measured = { before: EvalMetrics | null; after: EvalMetrics | null };

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function accuracy(share: number | null, n: number, error: number | null): string {
  if (share === null) return "–";
  // lm-eval's standard error of a mean of zeros and ones, where the metrics carry none of their own
  const spread = error ?? (n > 1 ? Math.sqrt((share * (1 - share)) / (n - 1)) : null);
  return spread === null ? percent(share) : `${percent(share)} ± ${(100 * spread).toFixed(1)}`;
}

/** A table of the figures both evaluations have; empty where nothing was measured. */
function resultTable({ before, after }: Measured): string[] {
  const rows: [string, (m: EvalMetrics) => string | null][] = [
    ["Loss on held-out completions", (m) => m["eval/loss"]?.toFixed(4) ?? null],
    [
      "Problems solved, strict",
      (m) => (m["gsm8k/strict"] === null ? null : accuracy(m["gsm8k/strict"], m.n, m["gsm8k/stderr"])),
    ],
    [
      "Problems solved, flexible",
      (m) => (m["gsm8k/flexible"] === null ? null : accuracy(m["gsm8k/flexible"], m.n, null)),
    ],
    ["Exact match", (m) => (m.exact_match === null ? null : accuracy(m.exact_match, m.n, null))],
    ["Written steps that are right", (m) => (m["steps/valid"] === null ? null : percent(m["steps/valid"]))],
    ["Problems asked", (m) => (m.n > 0 ? String(m.n) : null)],
  ];
  const lines = rows.flatMap(([title, show]) => {
    const a = before && show(before);
    const b = after && show(after);
    return a === null && b === null ? [] : [`| ${title} | ${a ?? "–"} | ${b ?? "–"} |`];
  });
  if (lines.length === 0) return ["Nothing was measured on held-out rows."];
  const heading = `| Held-out rows | before (step ${before?.step ?? "–"}) | after (step ${after?.step ?? "–"}) |`;
  return [heading, "|---|---|---|", ...lines, "", "± is one standard error, √(p(1−p)/(n−1))."];
}

/** What a method is called in a sentence. */
export const methodTitles: Record<MethodKind, string> = {
  lora: "LoRA",
  loar: "LoAR",
  full: "full fine-tuning",
  last: "training of the last blocks",
  bias: "training of the biases",
  prefix: "prefix tuning",
  prompt: "prompt tuning",
  bottleneck: "bottleneck adapters",
  ia3: "IA3",
  head: "a read-out of rewards",
};

/** What an objective is called in a sentence. */
export const objectiveTitles: Record<ObjectiveKind, string> = {
  sft: "supervised fine-tuning",
  dpo: "direct preference optimisation (DPO)",
  kto: "Kahneman–Tversky optimisation (KTO)",
  reward: "a reward model",
  grpo: "group relative policy optimisation (GRPO)",
  ppo: "proximal policy optimisation (PPO)",
  rejection: "rejection-sampling fine-tuning",
};

/** Every setting of a method, by its own name. */
function methodSettings({ kind, ...rest }: Method): [string, string][] {
  type Value = string | number | boolean | object;
  const isShown = (value: Value) => typeof value !== "object" || Object.keys(value).length > 0;
  const shown = Object.entries<Value>(rest).filter(([, value]) => isShown(value));
  const text = (value: Value) => {
    if (Array.isArray(value)) return value.join(", ");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  return [["Method", methodTitles[kind]], ...shown.map(([name, value]): [string, string] => [name, text(value)])];
}

function settings(recipe: Recipe): [string, string][] {
  const { adaptation, optimizer, schedule, batching, objective, data } = recipe;
  const batch =
    batching.accumulation > 1 ? `${batching.rows} rows × ${batching.accumulation}` : `${batching.rows} rows`;
  return [
    ...adaptation.flatMap(methodSettings),
    ["Objective", objectiveTitles[objective.kind]],
    ["Loss on", lossOnOf(objective) === "completion" ? "completions only" : "all tokens"],
    ["Optimizer", `AdamW, learning rate ${optimizer.learningRate}, weight decay ${optimizer.weightDecay}`],
    ["Schedule", `${schedule.kind}, at most ${schedule.steps} steps, ${schedule.warmupSteps} of warm-up`],
    ["Batch", `${batch}, at most ${batching.contextLength} tokens each`],
    ["Seed", String(recipe.seed)],
    ["Data", data.source === "embedded" ? "embedded word problems" : data.source],
  ];
}

/** A fence longer than any run of backticks inside. */
function codeBlock(text: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return [fence, text, fence];
}

const escapeCell = (text: string) => text.replaceAll(/\s+/g, " ").replaceAll("\\", "\\\\").replaceAll("|", "\\|");

const quoted = (text: string) => JSON.stringify(text); // JSON strings are YAML strings, and Python's

/** A reward model leaves with its read-out, a policy without the one that its values came from. */
const formOf = (recipe: Recipe) =>
  peftFormOf(recipe.objective.kind === "reward" ? trainedAdaptation(recipe) : recipe.adaptation);

/** How the folder is loaded: by PEFT where it has a form for what was trained, else by the studio. */
function usage(recipe: Recipe, baseName: string): string[] {
  const form = formOf(recipe);
  if (!form) {
    return [
      "PEFT has no form for what was trained: Anneal reads the folder, in the page and on the command line,",
      "and writes it in the forms that other programs read (`export --format …`).",
    ];
  }
  const auto = form.head ? "AutoModelForSequenceClassification" : "AutoModelForCausalLM";
  const outputs = form.head ? `, num_labels=${form.head.outputs}` : "";
  return [
    "```python",
    "from peft import PeftModel",
    `from transformers import ${auto}`,
    "",
    `base = ${auto}.from_pretrained(${quoted(baseName)}${outputs})`,
    'model = PeftModel.from_pretrained(base, ".")',
    "```",
    ...(form.head
      ? [
          "",
          "Its logits are the rewards of a prompt with its answer, which ends with the end-of-text token. Ask one answer at",
          "a time, or set a padding token that is not that one: transformers reads at the last token that is no padding.",
        ]
      : []),
  ];
}

/** Hugging Face's card with its YAML front matter. Figures come with their error bars, or not at all. */
export function newModelCard(card: { recipe: Recipe; baseName: string } & Measured): string {
  const { recipe, before, after, baseName } = card;
  const kinds = recipe.adaptation.map(({ kind }) => kind);
  const isPeft = formOf(recipe) !== null;
  const control = recipe.data.shuffleAnswers
    ? ["", "**A control:** the answers were shuffled among the questions, so that there was nothing to learn."]
    : [];
  return `${[
    "---",
    `base_model: ${quoted(baseName)}`,
    `library_name: ${isPeft ? "peft" : "anneal"}`,
    `pipeline_tag: ${recipe.objective.kind === "reward" ? "text-classification" : "text-generation"}`,
    "tags:",
    ...[...kinds, recipe.objective.kind, "anneal", `base_model:adapter:${baseName}`].map((tag) => `- ${quoted(tag)}`),
    "---",
    "",
    `# ${escapeCell(recipe.name)}`,
    "",
    `${recipe.adaptation.map(({ kind }) => methodTitles[kind]).join(" and ")} for \`${baseName.replaceAll(/[`\s]+/g, " ")}\`, trained in a browser with Anneal.`,
    ...control,
    "",
    "## Training",
    "",
    "| Setting | Value |",
    "|---|---|",
    ...settings(recipe).map(([name, value]) => `| ${name} | ${escapeCell(value)} |`),
    "",
    "The prompt is written as",
    "",
    ...codeBlock(recipe.template.prompt),
    "",
    "## Results",
    "",
    ...resultTable({ before, after }),
    "",
    "## Use",
    "",
    ...usage(recipe, baseName),
  ].join("\n")}\n`;
}
