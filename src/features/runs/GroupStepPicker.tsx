/** @file Which step's groups are in view: a slider over the steps that have any, arrows beside it. */

import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/Button";
import { SmallToggle } from "../../ui/charts/Segments";
import { formatCount } from "../../ui/formatQuantity";
import { Slider } from "../../ui/Slider";

type PickerProps = {
  /** Ascending, one at least. */
  steps: readonly number[];
  step: number | null;
  isFollowing: boolean;
  isLive: boolean;
  /** Null follows the latest. */
  onChoose: (step: number | null) => void;
};

export function GroupStepPicker({ steps, step, isFollowing, isLive, onChoose }: PickerProps) {
  const { t } = useTranslation();
  const last = steps.length - 1;
  // a step that is not there stands where it would
  const found = steps.findIndex((one) => one >= (step ?? 0));
  const at = found < 0 ? last : found;
  const choose = (index: number) => {
    const next = steps[Math.min(last, Math.max(0, index))];
    if (next !== undefined) onChoose(next);
  };
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-4 py-1 lg:px-6">
      <IconButton
        size="sm"
        icon="left"
        label={t("groups.previous")}
        isDisabled={at === 0 && steps[0] === step}
        onPress={() => choose(steps[at] === step ? at - 1 : at)}
      />
      <Slider
        label={t("groups.step")}
        hideLabel
        className="min-w-40 flex-1 sm:max-w-100"
        value={at}
        onChange={choose}
        minimum={0}
        maximum={Math.max(1, last)}
        step={1}
        isDisabled={last === 0}
        write={() => ""}
      />
      <IconButton
        size="sm"
        icon="right"
        label={t("groups.next")}
        isDisabled={at === last}
        onPress={() => choose(at + 1)}
      />
      <span className="font-mono text-sm">{t("groups.at", { step: formatCount(step ?? 0) })}</span>
      <span className="text-xs text-muted">
        {t("groups.position", { index: formatCount(at + 1), count: steps.length })}
      </span>
      {isLive && (
        <SmallToggle
          label={t("groups.latest")}
          value={isFollowing}
          onChange={(follow) => onChoose(follow ? null : (step ?? null))}
        />
      )}
    </div>
  );
}
