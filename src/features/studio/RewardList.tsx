/** @file The rewards of a recipe: a weighted list that is tried on sample answers while it is written. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import {
  newReward,
  type Reward,
  type RewardKind,
  rewardFault,
  rewardKinds,
  rewardNames,
  type WrittenAnswer,
} from "../../core/reward";
import { endRewardTrial, loadRewardTrial, useRewardTrial } from "../../state/rewardTrial";
import { useStudio } from "../../state/studio";
import { Button } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import type { CodeFault } from "../../ui/RewardCode";
import { RewardTrial } from "../../ui/RewardTrial";
import { translate } from "../../ui/words/translate";
import { RewardEntry, type RewardModel } from "./RewardEntry";

type ListProps = {
  rewards: readonly Reward[];
  onChange: (rewards: Reward[]) => void;
  /** Where the list stands in the recipe, for the errors of its fields. */
  path?: string;
  /** Trained reward models to choose from. */
  models?: readonly RewardModel[];
  /** Answers that a run has written, to try the rewards on beside those made of the data. */
  written?: readonly WrittenAnswer[];
};

const none: readonly never[] = [];
/** As many as a recipe takes. */
const most = 16;

export function RewardList({
  rewards,
  onChange,
  path = "objective.rewards",
  models = none,
  written = none,
}: ListProps) {
  const { t } = useTranslation();
  const recipe = useStudio((state) => state.recipe);
  const trial = useRewardTrial();
  useEffect(() => loadRewardTrial(rewards, recipe, written), [rewards, recipe, written]);
  useEffect(() => endRewardTrial, []);

  const names = rewardNames(rewards);
  const fault = rewardFault(trial.error);
  const answer = fault?.row === null ? undefined : trial.rows[fault?.row ?? -1];
  const faultOf = (name: string): CodeFault | null => {
    if (fault?.name !== name) return null;
    const what = translate(t, fault.what);
    const on = answer ? ` (${t("rewards.onAnswer", { answer: t(`rewards.trial.kind.${answer.kind}`) })})` : "";
    return { line: fault.line, column: fault.column, text: what + on };
  };
  const change = (at: number, next: Reward) => onChange(rewards.map((each, i) => (i === at ? next : each)));

  return (
    <div className="flex min-w-0 flex-col gap-3">
      <p className="text-xs text-muted">{t("rewards.summary")}</p>
      <ul className="flex flex-col">
        {rewards.map((reward, i) => (
          // A reward is its place: two of a kind have nothing else of their own.
          <RewardEntry
            key={i}
            reward={reward}
            name={names[i] ?? reward.kind}
            path={`${path}.${i}`}
            models={models}
            fault={faultOf(names[i] ?? "")}
            onChange={(next) => change(i, next)}
            onRemove={rewards.length > 1 ? () => onChange(rewards.filter((_, at) => at !== i)) : null}
          />
        ))}
      </ul>
      <AddReward isDisabled={rewards.length >= most} onAdd={(kind) => onChange([...rewards, newReward(kind)])} />
      <RewardTrial trial={trial} isFault={fault !== null} />
    </div>
  );
}

function AddReward({ isDisabled, onAdd }: { isDisabled: boolean; onAdd: (kind: RewardKind) => void }) {
  const { t } = useTranslation();
  const actions = rewardKinds.map((kind) => ({
    id: kind,
    label: t(`rewards.kind.${kind}`),
    description: t(`rewards.why.${kind}`),
    onAction: () => onAdd(kind),
  }));
  return (
    <Menu label={t("rewards.add")} actions={actions}>
      <Button size="sm" icon="plus" className="self-start" isDisabled={isDisabled}>
        {t("rewards.add")}
      </Button>
    </Menu>
  );
}
