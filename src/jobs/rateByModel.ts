/** @file Rewards that a trained reward model gives: its read-out of each answer's last token. */

import { StudioError } from "../core/errors";
import type { ObjectiveOf } from "../core/objective";
import type { RewardOf, ScoredRow } from "../core/reward";
import { say } from "../core/say";
import type { Turns } from "../core/turns";
import type { Document } from "../data/mask";
import { disposeAdapter, loadAdapter } from "../model/adapter";
import type { Adapter } from "../model/adapterParts";
import { tokenNumbers } from "../model/tokenNumbers";
import { wholeRewards } from "../objectives/rewardModel";
import type { AdapterFiles } from "./adapterFiles";
import type { LoadedModel } from "./loadModel";
import { microBatches, newScoredBatch } from "./microBatches";

/** A reward model, and what its numbers are called and count; without dimensions each counts alike. */
export type RewardModel = AdapterFiles & { dimensions?: ObjectiveOf<"reward">["dimensions"] };

/** Answers rated in one pass. */
const rowsAtOnce = 16;

/**
 * Rates rows by reward models on this base, each loaded when it is first asked. The caller closes it. `rate` throws
 * `adapter.invalid` where an adapter is no reward model, or not one of this base.
 */
export function newModelRater(model: LoadedModel, turns: Turns, load: (id: string) => Promise<RewardModel>) {
  const loaded = new Map<string, { adapter: Adapter; dimensions: ObjectiveOf<"reward">["dimensions"] }>();

  const open = async (id: string) => {
    const known = loaded.get(id);
    if (known) return known;
    const { adaptation, tensors, dimensions } = await load(id);
    const head = adaptation.find((method) => method.kind === "head");
    if (!head) throw new StudioError("adapter.invalid", say`${id} is not a reward model`);
    const names = dimensions ?? Array.from({ length: head.outputs }, (_, i) => ({ name: `${i + 1}`, weight: 1 }));
    const opened = { adapter: loadAdapter(model.llama, adaptation, tensors), dimensions: names };
    loaded.set(id, opened);
    return opened;
  };

  return {
    async rate(reward: RewardOf<"model">, rows: readonly ScoredRow[]): Promise<(number | null)[]> {
      const { adapter, dimensions } = await open(reward.model);
      const one = dimensions.findIndex(({ name }) => name === reward.dimension);
      if (reward.dimension !== undefined && one < 0) {
        const known = dimensions.map(({ name }) => name).join(", ");
        throw new StudioError(
          "adapter.invalid",
          say`${reward.model} has no dimension ${reward.dimension}: it has ${known}`,
        );
      }
      const documents = rows.map((row) => newRatedDocument(row, model));
      const rewards: (number | null)[] = Array<null>(rows.length).fill(null);
      for (const batch of microBatches(documents, rowsAtOnce).map(newScoredBatch)) {
        const pass = { adapter, wanted: { logProbabilities: false, scores: true } };
        const { scores } = await turns(() => tokenNumbers(model.llama, batch.batch, pass));
        const D = dimensions.length;
        const whole = wholeRewards(
          scores,
          dimensions.map(({ weight }) => weight),
        );
        batch.places.forEach((place, row) => {
          rewards[place] = (one < 0 ? whole[row] : scores[row * D + one]) ?? null;
        });
      }
      return rewards;
    },
    close() {
      for (const { adapter } of loaded.values()) disposeAdapter(adapter);
      loaded.clear();
    },
  };
}

/** As the model read the pairs that it was trained on: prompt and answer tokenized apart, the end behind them. */
function newRatedDocument({ prompt, completion }: ScoredRow, { tokenizer, config }: LoadedModel): Document {
  const start = tokenizer.encode(prompt);
  const hasPrefix = tokenizer.prefix.every((id, i) => start[i] === id);
  const ids = hasPrefix ? start : [...tokenizer.prefix, ...start];
  const tokens = [...ids, ...tokenizer.encode(completion), tokenizer.eos].slice(0, config.maxPositions);
  return { tokens, trained: new Uint8Array(tokens.length).fill(1), promptLength: ids.length, tooLong: false };
}
