/** @file How the next token is chosen. */

import { useTranslation } from "react-i18next";
import type { Sampling } from "../../core/engine";
import { formatNumber } from "../../ui/formatQuantity";
import { NumberField } from "../../ui/NumberField";
import { Slider } from "../../ui/Slider";

type SamplingFormProps = {
  sampling: Sampling;
  onSampling: (sampling: Sampling) => void;
  maxTokens: number;
  onMaxTokens: (maxTokens: number) => void;
};

export function SamplingForm({ sampling, onSampling, maxTokens, onMaxTokens }: SamplingFormProps) {
  const { t } = useTranslation();
  const { temperature, topK, topP, minP, seed } = sampling;
  const isGreedy = temperature === 0;
  return (
    <section aria-label={t("playground.settings")} className="flex flex-col gap-3 p-4">
      <h2 className="text-sm">{t("playground.settings")}</h2>
      <Slider
        term="temperature"
        value={temperature}
        onChange={(value) => onSampling({ ...sampling, temperature: value })}
        minimum={0}
        maximum={2}
        step={0.05}
        write={(value) => formatNumber(value, 3)}
        note={isGreedy ? t("playground.greedyNote") : undefined}
      />
      <Slider
        term="topP"
        value={topP}
        onChange={(value) => onSampling({ ...sampling, topP: value })}
        minimum={0.05}
        maximum={1}
        step={0.05}
        isDisabled={isGreedy}
        write={(value) => formatNumber(value, 3)}
      />
      <Slider
        term="minP"
        value={minP}
        onChange={(value) => onSampling({ ...sampling, minP: value })}
        minimum={0}
        maximum={0.5}
        step={0.01}
        isDisabled={isGreedy}
        write={(value) => formatNumber(value, 3)}
      />
      <div className="grid grid-cols-2 gap-3">
        <NumberField
          term="topK"
          value={topK}
          onChange={(value) => onSampling({ ...sampling, topK: Math.round(value) })}
          minimum={0}
          maximum={1000}
          isDisabled={isGreedy}
        />
        <NumberField
          term="seed"
          value={seed}
          onChange={(value) => onSampling({ ...sampling, seed: Math.round(value) })}
          minimum={0}
          maximum={4_294_967_295}
          isDisabled={isGreedy}
        />
      </div>
      <NumberField
        term="maxTokens"
        value={maxTokens}
        onChange={(value) => onMaxTokens(Math.round(value))}
        minimum={1}
        maximum={2048}
        step={16}
      />
    </section>
  );
}
