/** @file A recipe: one JSON document that describes a run completely. Its shape, defaults, validator and migrations. */

import * as z from "zod/mini";
import { type Adaptation, adaptationSchema, methodOf, newMethod, wrongAdaptation } from "./adaptation";
import { StudioError } from "./errors";
import { newObjective, newSampledPairs, type Objective, objectiveSchema, rowsOf, wrongObjective } from "./objective";
import { weightFormats } from "./packing";
import { type Said, say } from "./say";

const whole = (minimum: number, maximum: number) => z.int().check(z.gte(minimum), z.lte(maximum));
const between = (minimum: number, maximum: number) => z.number().check(z.gte(minimum), z.lte(maximum));

const schema = z.strictObject({
  version: z.literal(2),
  name: z.string().check(z.minLength(1), z.maxLength(120)),
  /** `embedded`, a `model:…` id, or (command line) a Hugging Face folder or a GGUF file. */
  model: z.string().check(z.minLength(1)),
  /** How the base's matrices are packed on the device; left out, as near to its files as the device has it. */
  precision: z.optional(z.enum(weightFormats)),
  data: z.strictObject({
    /** `embedded`, a `dataset:…` id, or (command line) a file. */
    source: z.string().check(z.minLength(1)),
    /** Share of the rows held out for evaluation, where the source brings no held-out set of its own. */
    evaluationShare: between(0, 0.5),
    /** A file of held-out rows (command line), used instead of a share and of the source's own. */
    evaluationSource: z.optional(z.string().check(z.minLength(1))),
    /** Rows used for training at most; 0 is all. */
    limit: whole(0, 100_000_000),
    /** Answers permuted among the questions: a control that must not learn. */
    shuffleAnswers: z.boolean(),
  }),
  template: z.strictObject({
    /** `{prompt}` stands for the row's prompt. The completion and the end-of-text token follow. */
    prompt: z.string().check(z.minLength(8), z.maxLength(10_000)),
    /** `{completion}` stands for the row's completion. */
    completion: z.string().check(z.minLength(12), z.maxLength(10_000)),
  }),
  adaptation: adaptationSchema,
  /** What the adapter begins as: a `run:…` or `adapter:…` id, or (command line) an adapter's folder; left out, as new. */
  start: z.optional(z.string().check(z.minLength(1))),
  objective: objectiveSchema,
  /** Before rewards: imitation of so many of the rows' answers, which the rest of the run then does without. */
  sftFirst: z.optional(
    z.strictObject({ rows: whole(1, 100_000_000), steps: whole(1, 10_000_000), learningRate: between(0, 10) }),
  ),
  batching: z.strictObject({
    /** Documents a forward pass. */
    rows: whole(1, 4096),
    /** Forward passes an optimizer step; the sum equals one big batch. */
    accumulation: whole(1, 4096),
    /** Longest document in tokens; longer ones are left out and counted. 0: as the rows are, up to what the model reads. */
    contextLength: whole(0, 131_072),
    /** Several documents in one row, or rows of like length. */
    mode: z.enum(["bucket", "pack"]),
  }),
  optimizer: z.strictObject({
    kind: z.literal("adamw"),
    learningRate: between(0, 10),
    beta1: between(0, 0.9999),
    beta2: between(0, 0.99999),
    epsilon: between(1e-15, 1),
    weightDecay: between(0, 10),
    maxGradNorm: between(0.0001, 1_000_000),
  }),
  schedule: z.strictObject({
    kind: z.enum(["cosine", "linear", "constant"]),
    steps: whole(1, 10_000_000),
    warmupSteps: whole(0, 10_000_000),
  }),
  evaluation: z.strictObject({
    /** Steps between two evaluations. */
    every: whole(1, 10_000_000),
    /** Held-out rows for accuracy; 0 turns it off. */
    rows: whole(0, 100_000),
    /** Held-out rows for accuracy at the last evaluation, where that is to be more. Early stopping has none. */
    finalRows: z.optional(whole(0, 100_000)),
    /** Held-out rows for the evaluation loss. */
    lossRows: whole(0, 100_000),
    maxTokens: whole(1, 8192),
    /** k of pass@k: each problem is also answered so many times at temperature 1, and one right answer is enough. */
    passAt: z.optional(whole(2, 64)),
    /** Fixed prompts shown at every evaluation. */
    samples: whole(0, 64),
    /** Stops when evaluation loss has not fallen for so many evaluations; 0 never. */
    patience: whole(0, 1000),
  }),
  checkpoints: z.strictObject({ every: whole(1, 10_000_000) }),
  seed: whole(0, 4_294_967_295),
});

export type Recipe = z.infer<typeof schema>;

export const gsm8kTemplate = { prompt: "Question: {prompt}\nAnswer:", completion: " {completion}" } as const;

/** The embedded recipe: what `Train` does before anything is set. */
export function newRecipe(changes: Partial<Recipe> = {}): Recipe {
  return {
    version: 2,
    name: "quickstart",
    model: "embedded",
    data: { source: "embedded", evaluationShare: 0.05, limit: 0, shuffleAnswers: false },
    template: { ...gsm8kTemplate },
    adaptation: [newMethod("lora")],
    objective: newObjective("sft"),
    batching: { rows: 16, accumulation: 1, contextLength: 512, mode: "bucket" },
    optimizer: {
      kind: "adamw",
      learningRate: 2e-3,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradNorm: 1,
    },
    schedule: { kind: "cosine", steps: 300, warmupSteps: 20 },
    evaluation: { every: 50, rows: 100, lossRows: 100, maxTokens: 96, samples: 4, patience: 0 },
    checkpoints: { every: 25 },
    seed: 1,
    ...changes,
  };
}

/** The quickstart with LoAR beside LoRA. */
export const newLoarRecipe = (): Recipe =>
  newRecipe({ name: "loar-quickstart", adaptation: [newMethod("loar"), newMethod("lora")] });

/**
 * Imitation of a hundred worked solutions, as far as it goes, then what only answers are needed for (DeepSeek-R1's order).
 * The rates and sizes are those of docs/lab.md: smaller batches of answers walked at random there.
 */
function newRewardsRecipe(name: string, objective: Objective, learningRate: number, steps: number): Recipe {
  const recipe = newRecipe();
  return {
    ...recipe,
    name,
    objective,
    sftFirst: { rows: 100, steps: 200, learningRate: 2e-3 },
    optimizer: { ...recipe.optimizer, learningRate },
    schedule: { kind: "cosine", steps, warmupSteps: 5 },
    evaluation: { ...recipe.evaluation, every: 30 },
  };
}

export const newGrpoRecipe = (): Recipe =>
  newRewardsRecipe("grpo-quickstart", newObjective("grpo", { prompts: 32 }), 1e-3, 120);
const newPpoRecipe = (): Recipe =>
  newRewardsRecipe("ppo-quickstart", newObjective("ppo", { prompts: 32, completions: 4 }), 5e-4, 60);
const newDpoRecipe = (): Recipe =>
  newRewardsRecipe("dpo-quickstart", newObjective("dpo", { sampled: newSampledPairs() }), 1e-4, 100);

/** The embedded recipes, by the names that the studio's menu and the command line offer them under. */
export const quickstarts = {
  quickstart: () => newRecipe(),
  "loar-quickstart": newLoarRecipe,
  "grpo-quickstart": newGrpoRecipe,
  "ppo-quickstart": newPpoRecipe,
  "dpo-quickstart": newDpoRecipe,
} as const;
export type QuickstartName = keyof typeof quickstarts;
export const quickstartNames = Object.keys(quickstarts) as QuickstartName[];

/** zod/mini carries no words of its own. */
function describeIssue(issue: z.core.$ZodIssue): Said {
  switch (issue.code) {
    case "invalid_type":
      return say`must be of type ${issue.expected}`;
    case "too_small":
      return say`must be at least ${Number(issue.minimum)}`;
    case "too_big":
      return say`must be at most ${Number(issue.maximum)}`;
    case "invalid_value":
      return say`must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "unrecognized_keys":
      return say`unknown field ${issue.keys.join(", ")}`;
    default:
      return say`${issue.message}`;
  }
}

const wrong = (field: string, what: Said) => new StudioError("recipe.invalid", say`${field}: ${what}`);

/** The field that an error of `parseRecipe` names and what is wrong with it, or null for any other error. */
export function wrongField(error: unknown): { field: string; what: Said } | null {
  const [field, what] = (error instanceof StudioError && error.code === "recipe.invalid" && error.detail?.values) || [];
  return typeof field === "string" && typeof what === "object" ? { field, what } : null;
}

/** Until version 2 a recipe had one method, and that was LoRA. */
function migrated(value: unknown): unknown {
  const recipe = value as { version?: unknown; adaptation?: unknown } | null;
  if (typeof recipe !== "object" || recipe?.version !== 1) return value;
  return {
    ...recipe,
    version: 2,
    adaptation: Array.isArray(recipe.adaptation) ? recipe.adaptation : [recipe.adaptation],
  };
}

/** Whether each document needs a row to itself: virtual tokens stand before the first one of a row alone. */
export const needsOwnRows = ({ adaptation }: Pick<Recipe, "adaptation">): boolean =>
  (methodOf(adaptation, "prefix") ?? methodOf(adaptation, "prompt")) !== undefined;

/** Optimizer steps of all its stages. */
export const stepsInAll = ({ sftFirst, schedule }: Pick<Recipe, "sftFirst" | "schedule">): number =>
  (sftFirst?.steps ?? 0) + schedule.steps;

/** All that is trained: the recipe's methods, and what its objective reads out beside the vocabulary. */
export function trainedAdaptation({ adaptation, objective }: Pick<Recipe, "adaptation" | "objective">): Adaptation {
  const outputs = objective.kind === "ppo" ? 1 : objective.kind === "reward" ? objective.dimensions.length : 0;
  return outputs > 0 ? [...adaptation, newMethod("head", { outputs })] : adaptation;
}

/** Parses a recipe of any age. Throws `recipe.invalid`, naming the first field that is wrong. */
export function parseRecipe(value: unknown): Recipe {
  const result = schema.safeParse(migrated(value), { jitless: true });
  if (!result.success) {
    const issue = result.error.issues[0];
    const where = issue?.path.join(".") || "recipe";
    throw wrong(where, issue ? describeIssue(issue) : say`not valid`);
  }
  const recipe = result.data;
  if (!recipe.template.prompt.includes("{prompt}")) throw wrong("template.prompt", say`{prompt} is missing`);
  if (!recipe.template.completion.includes("{completion}"))
    throw wrong("template.completion", say`{completion} is missing`);
  if (recipe.evaluation.finalRows !== undefined && recipe.evaluation.patience > 0) {
    throw wrong(
      "evaluation.finalRows",
      say`does not go with patience: which evaluation is the last is not known before`,
    );
  }
  if (methodOf(recipe.adaptation, "head")) throw wrong("adaptation", say`head comes with the objective that needs it`);
  const clash = wrongAdaptation(recipe.adaptation);
  if (clash) throw wrong(`adaptation.${clash.field}`, clash.what);
  const wrongGoal = wrongObjective(recipe.objective);
  if (wrongGoal) throw wrong(`objective.${wrongGoal.field}`, wrongGoal.what);
  if (recipe.sftFirst && rowsOf(recipe.objective) !== "prompts") {
    throw wrong("sftFirst", say`goes before objectives that learn from what the model itself writes`);
  }
  if (recipe.batching.mode === "pack" && recipe.objective.kind !== "sft") {
    throw wrong("batching.mode", say`must be "bucket" where whole answers are compared`);
  }
  if (recipe.batching.mode === "pack" && needsOwnRows(recipe)) {
    throw wrong(
      "batching.mode",
      say`must be "bucket" with prefix or prompt tuning: their virtual tokens begin one text a row`,
    );
  }
  return recipe;
}
