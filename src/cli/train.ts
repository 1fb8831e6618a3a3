/** @file `train`: a run from a recipe, told line by line, its folder and its adapter. */

import path from "node:path";
import { StudioError } from "../core/errors";
import { mendRun } from "../core/mendRun";
import type { EvalMetrics, RunEvent, StepMetrics } from "../core/metrics";
import { quickstartNames, type Recipe, stepsInAll } from "../core/recipe";
import { needsMending, newRun, type Run } from "../core/run";
import { say, textOf } from "../core/say";
import { newTurns } from "../core/turns";
import { newControls } from "../jobs/controls";
import { exportAdapter } from "../jobs/exportAdapter";
import { loadModel, unloadModel } from "../jobs/loadModel";
import { loadEmbeddedSource, readExamples } from "../jobs/loadSource";
import type { Source, TrainingData } from "../jobs/prepareData";
import { runTraining } from "../jobs/runTraining";
import { newNodeRunStore, readRunFolder } from "../storage/node/nodeRunStore";
import { parseArguments, required } from "./arguments";
import { modelFiles, openBackend, openFile, readAsset, readFileOrNull, readJsonFile, writeFiles } from "./host";
import { readTrainedFolder } from "./loadAdapter";
import { newMemoryRunStore } from "./memoryRunStore";
import { describeRewards, newOutput, type Output, percent, tellError } from "./output";
import { changesRecipe, recipeFlags, recipeFromFlags } from "./recipeFromFlags";

const flagKinds = {
  ...recipeFlags,
  out: "text",
  backend: "text",
  resume: "flag",
  json: "flag",
  quiet: "flag",
} as const;

/** Of a run that waits for its reward to be mended: sysexits' "try again". */
const pausedCode = 75;

/** Answers the exit code: 0 done, 75 paused by a reward of the user's own, 130 stopped by Ctrl-C. */
export async function train(words: string[]): Promise<number> {
  const { positional, flags } = parseArguments(words, flagKinds, 1);
  const output = newOutput({ json: flags.json === true, quiet: flags.quiet === true });
  const begun = performance.now();
  const { out } = flags;
  const [source] = positional;
  if (source === undefined && !flags.resume)
    throw new StudioError("cli.usage", say`train needs RECIPE.json, ${quickstartNames.join(" or ")}`);
  const { run, recipe } = flags.resume
    ? await findRun(required("out", out), flags)
    : begin(newRun(await recipeFromFlags(source ?? "", flags), path.basename(out ?? source ?? "")));
  const store = out === undefined ? newMemoryRunStore() : newNodeRunStore(out);
  const files = await modelFiles(recipe.model);
  if (out !== undefined) {
    await writeFiles(out, [{ path: "recipe.json", bytes: toBytes(`${JSON.stringify(recipe, null, 2)}\n`) }]);
  }

  const device = await openBackend(flags.backend);
  output.note(
    `${device.backend}, ${device.threads} thread${device.threads === 1 ? "" : "s"}: ${textOf(device.reason)}`,
  );
  const model = await loadModel(files, { precision: recipe.precision });
  const controls = newControls();
  const interrupt = newInterrupt(() => {
    output.note("Stopping after this step; a checkpoint is kept. Ctrl-C again ends at once.");
    controls.stop(true);
  });
  try {
    const ended = await runTraining({
      run,
      mended: recipe,
      store,
      backend: device.backend,
      loadModel: () => Promise.resolve(model),
      loadSource: () => loadRecipeSource(recipe),
      loadAdapter: (folder) => readTrainedFolder(folder, model.config),
      controls,
      turns: newTurns(),
      lost: device.lost,
      emit: newTeller(recipe, output),
      onData: (data) => {
        output.note(describeData(data));
      },
    });
    if (out !== undefined && ended.checkpoint > 0) {
      await writeFiles(path.join(out, "adapter"), await exportAdapter(ended, store, model.config));
    }
    return conclude(ended, out, output, (performance.now() - begun) / 1000);
  } finally {
    interrupt.leave();
    unloadModel(model);
  }
}

type Begun = { run: Run; recipe: Recipe };
const begin = (run: Run): Begun => ({ run, recipe: run.recipe });

/** The run of a folder, and the recipe it goes on with: recipe.json may have other code for its own rewards. */
async function findRun(out: string, flags: Parameters<typeof changesRecipe>[0]): Promise<Begun> {
  if (changesRecipe(flags)) throw new StudioError("cli.usage", say`--resume takes the recipe of the run as it is`);
  const run = await readRunFolder(out);
  if (!run) throw new StudioError("run.missing", say`${out} holds no run`);
  const file = path.join(out, "recipe.json");
  if (!(await readFileOrNull(file))) return begin(run);
  return { run, recipe: mendRun(run, await readJsonFile(file)).run.recipe };
}

/** The rows that a recipe of the command line names. Throws what reading them does. */
export async function loadRecipeSource(recipe: Recipe): Promise<Source> {
  const { source: name, evaluationSource } = recipe.data;
  const heldout =
    evaluationSource === undefined ? null : (await readExamples(await openFile(evaluationSource))).examples;
  if (name === "embedded") {
    const source = await loadEmbeddedSource(readAsset);
    return heldout ? { ...source, heldout } : source;
  }
  const { examples } = await readExamples(await openFile(name));
  return { examples, heldout };
}

const toBytes = (text: string) => new TextEncoder().encode(text);

function newTeller(recipe: Recipe, output: Output): (event: RunEvent) => void {
  let last: StepMetrics | null = null;
  return (event) => {
    if (event.event === "step") last = event.metrics;
    tell(event, recipe, output, last);
  };
}

function tell(event: RunEvent, recipe: Recipe, output: Output, last: StepMetrics | null): void {
  if (event.event === "step") {
    if (output.json) output.result({ event: "step", ...event.metrics }, "");
  } else if (event.event === "eval") {
    output.result({ event: "eval", ...event.metrics }, "");
    output.note(describe(event.metrics, recipe, last));
  } else if (event.event === "change") {
    const { step, name } = event.change;
    output.result({ event: "change", ...event.change }, "");
    output.note(`The reward ${name} was changed at step ${step}; run.json and metrics.jsonl keep what it was.`);
  } else if (event.event === "alert") {
    output.note(`step ${event.alert.step}: ${event.alert.kind} (${event.alert.value})`);
  }
}

function describeData(data: TrainingData): string {
  const { train, pairs, judged, asked, tooLong, heldout, heldoutPairs, heldoutJudged, problems, finalProblems } = data;
  const learnt = [
    { count: train.length, what: "rows" },
    { count: pairs.length, what: "pairs" },
    { count: judged.length, what: "judged answers" },
    { count: asked.length, what: "prompts to answer" },
  ].flatMap(({ count, what }) => (count > 0 ? [`${count} ${what}`] : []));
  const left = tooLong > 0 ? `, ${tooLong} of them longer than the context and left out` : "";
  const unscored =
    data.scoring === "none" ? "; answers cannot be scored: none of them ends in a number or is short" : "";
  const atLast = finalProblems.length > problems.length ? `, ${finalProblems.length} at the end` : "";
  const measured = heldout.length + heldoutPairs.length + heldoutJudged.length;
  return `${learnt.join(", ")}${left}; held out: ${measured} for the loss, ${problems.length} asked${atLast}${unscored}`;
}

/** `last` is the latest step before the evaluation. */
function describe(metrics: EvalMetrics, recipe: Recipe, last: StepMetrics | null): string {
  const parts = [`step ${metrics.step}/${stepsInAll(recipe)}`];
  if (metrics["eval/loss"] !== null) parts.push(`loss ${metrics["eval/loss"].toFixed(4)}`);
  if (metrics["gsm8k/strict"] !== null) {
    const error = metrics["gsm8k/stderr"] ?? 0;
    parts.push(`strict ${percent(metrics["gsm8k/strict"])} ± ${(100 * error).toFixed(1)}`);
    parts.push(`flexible ${percent(metrics["gsm8k/flexible"] ?? 0)}`);
  }
  if (metrics.exact_match !== null) parts.push(`exact ${percent(metrics.exact_match)}`);
  return `${[...parts, ...describeRewards(last, metrics)].join("  ")}  (${metrics.seconds.toFixed(0)} s of training)`;
}

/** Throws what the run failed of. */
function conclude(run: Run, out: string | undefined, output: Output, seconds: number): number {
  const again = out === undefined ? "" : `To go on: npm run --silent anneal -- train --out ${out} --resume`;
  if (run.status === "failed") {
    if (again && run.checkpoint > 0) output.note(`The checkpoint of step ${run.checkpoint} is kept. ${again}`);
    throw new StudioError(run.error?.code ?? "bug", run.error?.detail);
  }
  if (needsMending(run)) return concludePaused(run, out, output, again);
  if (run.status === "stopped") {
    output.note(`Stopped at step ${run.step}.${again ? ` ${again}` : ""}`);
    output.result({ event: "done", seconds }, "");
    return 130;
  }
  output.result({ event: "done", seconds }, "");
  const where =
    out === undefined
      ? "Nothing was written: give --out DIR to keep it."
      : `The adapter is in ${path.join(out, "adapter")}.`;
  output.note(`Done: ${run.step} steps in ${seconds.toFixed(0)} s. ${where}`);
  return 0;
}

/** Says what its reward failed of, and how to go on. Throws it where nothing was kept to go on with. */
function concludePaused({ error, step }: Run, out: string | undefined, output: Output, again: string): number {
  const failure = new StudioError(error?.code ?? "bug", error?.detail);
  if (out === undefined) throw failure;
  tellError(output.json, failure);
  output.result({ event: "paused", step }, "");
  const file = path.join(out, "recipe.json");
  output.note(`Paused at step ${step}, and nothing is lost. Mend the reward's code in ${file}. ${again}`);
  return pausedCode;
}

/** The first Ctrl-C calls `stop`; the second ends the process as usual. */
export function newInterrupt(stop: () => void) {
  const listener = () => {
    process.off("SIGINT", listener);
    process.off("SIGTERM", listener);
    stop();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    leave: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}
