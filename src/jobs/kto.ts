/** @file Kahneman–Tversky optimisation: single answers that were judged good or bad. */

import type { RunEvent } from "../core/metrics";
import type { Document } from "../data/mask";
import type { Adapter } from "../model/adapterParts";
import { tokenNumbers } from "../model/tokenNumbers";
import { addKtoFigures, ktoLoss, ktoMetrics, mismatchedDivergence, noKtoFigures } from "../objectives/kto";
import { spread, sumsOf } from "../objectives/sequences";
import { itemsAt } from "./itemsAt";
import { microBatches } from "./microBatches";
import { stepOver, timed, tokensOf } from "./objectivePasses";
import type { Judged } from "./prepareData";
import { documentSums } from "./references";
import { objectiveOf, type Session, type Trainer } from "./session";

/** Each prompt with the answer of the row before it, which is not its own. */
function mismatched(judged: readonly Judged[], context: number): Document[] {
  return judged.map(({ document }, i) => {
    const other = judged.at(i - 1)?.document ?? document;
    const { promptLength } = document;
    const tokens = [...document.tokens.slice(0, promptLength), ...other.tokens.slice(other.promptLength)].slice(
      0,
      context,
    );
    const trained = new Uint8Array(tokens.length).fill(1, promptLength);
    const marks = document.marks && other.marks;
    const both = marks
      ? [...(document.marks ?? []).slice(0, promptLength), ...(other.marks ?? []).slice(other.promptLength)]
      : null;
    return {
      tokens,
      trained,
      promptLength,
      tooLong: false,
      ...(both ? { marks: Uint8Array.from(both.slice(0, context)) } : {}),
    };
  });
}

export async function* newKtoTrainer(session: Session): AsyncGenerator<RunEvent, Trainer> {
  const { stage, data, adapter, reference, model } = session;
  const settings = { ...objectiveOf(session, "kto"), loss: "kto" as const };
  const { judged, heldoutJudged } = data;
  const { rows, accumulation } = stage.recipe.batching;
  const count = rows * accumulation;
  const documentsOf = (list: readonly Judged[]) => list.map(({ document }) => document);
  const sums = yield* documentSums(session, reference, documentsOf(judged), "reference");
  const heldoutSums = yield* documentSums(session, reference, documentsOf(heldoutJudged), "reference");

  const sumsBy = async (by: Adapter | null, documents: readonly Document[]) => {
    const all = new Float64Array(documents.length);
    for (const { batch, bounds, places } of microBatches(documents, rows)) {
      const { logProbabilities } = await tokenNumbers(model.llama, batch, { adapter: by, wanted: {} });
      sumsOf(logProbabilities, bounds).forEach((sum, row) => {
        all[places[row] ?? 0] = sum;
      });
    }
    return all;
  };
  const divergenceOf = async (some: readonly Judged[]) => {
    if (some.length < 2) return 0; // no other answer to ask about
    const others = mismatched(some, model.config.maxPositions);
    return mismatchedDivergence(await sumsBy(adapter, others), await sumsBy(reference, others));
  };

  return {
    async *step(place) {
      const taken = itemsAt(judged.length, count, place.step, stage.recipe.seed);
      const some = taken.flatMap((i) => judged[i] ?? []);
      const asked = await timed(session, () => divergenceOf(some));
      const batches = microBatches(documentsOf(some), rows);
      let loss = 0;
      let figures = noKtoFigures;
      const { gradNorm, seconds } = await stepOver(session, place, batches, {}, (numbers, { bounds, places }) => {
        const given = {
          logProbabilities: sumsOf(numbers.logProbabilities, bounds),
          reference: places.map((i) => sums[taken[i] ?? 0] ?? 0),
          isDesirable: places.map((i) => some[i]?.isDesirable ?? false),
          divergence: asked.result,
        };
        const result = ktoLoss(given, settings, { answers: some.length });
        loss += result.loss;
        figures = addKtoFigures(figures, result.figures);
        return { logProbabilities: spread(result.gradient, bounds) };
      });
      return {
        loss,
        gradNorm,
        tokens: tokensOf(batches),
        epoch: (place.step * count) / judged.length,
        seconds: seconds + asked.seconds,
        figures: { ...ktoMetrics(figures), kl: asked.result },
      };
    },
    async *evaluate() {
      if (heldoutJudged.length === 0) return {};
      const now = yield* documentSums(session, adapter, documentsOf(heldoutJudged), "evaluating");
      const { result: divergence } = await timed(session, () => divergenceOf(heldoutJudged));
      const given = {
        logProbabilities: now,
        reference: heldoutSums,
        isDesirable: heldoutJudged.map(({ isDesirable }) => isDesirable),
        divergence,
      };
      const { loss, figures } = ktoLoss(given, settings, { answers: heldoutJudged.length });
      const margins = ktoMetrics(figures)["rewards/margins"];
      return { "eval/loss": loss, ...(margins === undefined ? {} : { "rewards/margins": margins }) };
    },
  };
}
