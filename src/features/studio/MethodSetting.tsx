/** @file The one setting of a method that is worth changing before a first run. */

import { useTranslation } from "react-i18next";
import { type Adaptation, methodOf } from "../../core/adaptation";
import { Select } from "../../ui/Select";
import type { TermName } from "../../ui/Term";
import { changeMethod } from "./changeMethod";

const doubling = [2, 4, 8, 16, 32, 64];

type NumberProps = {
  term: TermName;
  value: number;
  offered: readonly number[];
  label: (count: number) => string;
  onChange: (value: number) => void;
};

function NumberSelect({ term, value, offered, label, onChange }: NumberProps) {
  const all = offered.includes(value) ? offered : [...offered, value].sort((a, b) => a - b);
  return (
    <Select
      term={term}
      hideLabel
      className="w-26 shrink-0"
      value={String(value)}
      options={all.map((each) => ({ id: String(each), label: label(each) }))}
      onChange={(id) => onChange(Number(id))}
    />
  );
}

/** Nothing where there is nothing to set. @param layers those of the model, where it is known */
export function MethodSetting({ adaptation, layers }: { adaptation: Adaptation; layers: number | undefined }) {
  const { t } = useTranslation();
  const lora = methodOf(adaptation, "lora");
  if (lora) {
    const { rank, alpha } = lora;
    return (
      <NumberSelect
        term="rank"
        value={rank}
        offered={doubling}
        label={(each) => t("studio.method.rank", { rank: each })}
        // Alpha keeps its proportion, so that a change of rank alone leaves the strength as it is.
        onChange={(value) => changeMethod("lora", { rank: value, alpha: (alpha / rank) * value })}
      />
    );
  }
  const soft = methodOf(adaptation, "prefix") ?? methodOf(adaptation, "prompt");
  if (soft) {
    return (
      <NumberSelect
        term="virtualTokens"
        value={soft.virtualTokens}
        offered={doubling}
        label={(count) => t("studio.method.tokens", { count })}
        onChange={(virtualTokens) => changeMethod(soft.kind, { virtualTokens })}
      />
    );
  }
  const last = methodOf(adaptation, "last");
  if (last) {
    return (
      <NumberSelect
        term="lastLayers"
        value={last.layers}
        offered={Array.from({ length: layers ?? last.layers }, (_, i) => i + 1)}
        label={(count) => t("studio.method.layers", { count })}
        onChange={(value) => changeMethod("last", { layers: value })}
      />
    );
  }
  const bottleneck = methodOf(adaptation, "bottleneck");
  if (bottleneck) {
    return (
      <NumberSelect
        term="bottleneckSize"
        value={bottleneck.size}
        offered={[4, 8, 16, 32, 64, 128]}
        label={(size) => t("studio.method.size", { size })}
        onChange={(size) => changeMethod("bottleneck", { size })}
      />
    );
  }
  const loar = methodOf(adaptation, "loar");
  if (!loar) return null;
  return (
    <Select
      term="loarMode"
      hideLabel
      className="w-26 shrink-0"
      value={loar.mode}
      options={(["soft", "hard", "gate", "literal"] as const).map((id) => ({
        id,
        label: t(`studio.loarMode.${id}`),
        description: t(`studio.loarModeWhy.${id}`),
      }))}
      onChange={(mode) => changeMethod("loar", { mode })}
    />
  );
}
