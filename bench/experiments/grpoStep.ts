/**
 * @file What a step of GRPO costs beside its parts: `node scripts/bundle.mjs bench/experiments/grpoStep.ts [ADAPTER]`.
 *
 * For each of a few steps of the quickstart: its answers written, alone; then forward and backward of the answers that have
 * something to teach, alone; then the whole step, which writes the very same answers. Medians, and the median of the ratios.
 */

import { modelFiles, openBackend, readAsset } from "../../src/cli/host";
import { readTrainedFolder } from "../../src/cli/loadAdapter";
import { newGrpoRecipe } from "../../src/core/recipe";
import { stageAt } from "../../src/core/stages";
import { newTurns } from "../../src/core/turns";
import { newControls } from "../../src/jobs/controls";
import { newGrpoTrainer } from "../../src/jobs/grpo";
import { loadModel, stoppingAt } from "../../src/jobs/loadModel";
import { loadEmbeddedSource } from "../../src/jobs/loadSource";
import { microBatches } from "../../src/jobs/microBatches";
import { prepareData } from "../../src/jobs/prepareData";
import { newScorer } from "../../src/jobs/rewards";
import { newRollouts } from "../../src/jobs/rollouts";
import { objectiveOf, type Session, type Trainer } from "../../src/jobs/session";
import { loadAdapter } from "../../src/model/adapter";
import { newOptimizer, objectiveStep } from "../../src/model/training";
import { groupAdvantages } from "../../src/objectives/advantages";
import { median } from "../measure";

const steps = 8;

/** What a generator returns, its events unheard. */
async function ended<T>(events: AsyncGenerator<unknown, T>): Promise<T> {
  let next = await events.next();
  while (!next.done) next = await events.next();
  return next.value;
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const begun = performance.now();
  const result = await work();
  return [result, performance.now() - begun];
}

const { sftFirst: _, ...recipe } = newGrpoRecipe();
const folder = process.argv[2] ?? ".cache/experiments/rewards/1/sft/adapter";
const device = await openBackend("auto");
const model = stoppingAt(await loadModel(await modelFiles("embedded")), recipe.template);
const trained = await readTrainedFolder(folder, model.config);
const controls = newControls();
const data = await ended(prepareData(await loadEmbeddedSource(readAsset), recipe, model, controls.signal));
const adapter = loadAdapter(model.llama, recipe.adaptation, trained.tensors);
const stage = stageAt(recipe, 0);
const session: Session = {
  recipe,
  model,
  data,
  checkpoint: null,
  scorer: newScorer(stage.recipe.objective.kind === "grpo" ? stage.recipe.objective.rewards : []),
  controls,
  turns: newTurns(),
  stage,
  adapter,
  optimizer: newOptimizer(adapter, recipe.optimizer),
  reference: loadAdapter(model.llama, recipe.adaptation, trained.tensors),
};
const objective = objectiveOf(session, "grpo");
const trainer = newGrpoTrainer(session, undefined) as Trainer; // nothing of it is made before the first step
const unused = newOptimizer(adapter, recipe.optimizer);

const all: { writing: number; learning: number; whole: number; tokens: number; read: number }[] = [];
for (let step = 1; step <= steps; step++) {
  const place = { step, learningRate: 0, maxGradNorm: 1, dropoutSeed: step, recompute: false };
  const [written, writing] = await timed(() => ended(newRollouts(session, objective, step)));
  const bounds = Int32Array.from({ length: objective.prompts + 1 }, (_, group) => group * objective.completions);
  const { isFlat } = groupAdvantages(written.scores.total, bounds, objective.scaleRewards);
  const documents = written.rollouts.map(({ document }) => document);
  const taught = documents.filter((_, i) => !isFlat[Math.floor(i / objective.completions)]);
  const passes = microBatches(taught, recipe.batching.rows).map(({ batch }) => ({
    batch,
    wanted: { temperature: 1 },
    lossOf: ({ logProbabilities }: { logProbabilities: Float32Array }) => ({
      logProbabilities: logProbabilities.map(() => 1e-4),
    }),
  }));
  const [, learning] = await timed(() => objectiveStep(model.llama, adapter, unused, passes, place));
  const [, whole] = await timed(() => ended(trainer.step({ ...place, learningRate: 1e-3 })));
  const answers = documents.reduce((sum, { tokens, promptLength }) => sum + tokens.length - promptLength, 0);
  const read = taught.reduce((sum, { tokens }) => sum + tokens.length, 0);
  if (step > 1) all.push({ writing, learning, whole, tokens: answers, read });
}
const of = (value: (each: (typeof all)[number]) => number) => median(all.map(value)).toFixed(2);
console.error(`${device.backend}, ${device.threads} threads; ${all.length} steps after one`);
console.error(`writing ${of(({ writing }) => writing)} ms, ${of(({ tokens }) => tokens)} tokens`);
console.error(`forward and backward ${of(({ learning }) => learning)} ms, ${of(({ read }) => read)} tokens`);
console.error(`the whole step ${of(({ whole }) => whole)} ms`);
console.error(`whole / (writing + learning): ${of(({ writing, learning, whole }) => whole / (writing + learning))}`);
process.exit(0);
