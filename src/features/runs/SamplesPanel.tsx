/** @file The same problems answered at every evaluation: one steps through them and reads how the answers change. */

import { memo, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Sample } from "../../core/metrics";
import type { Recipe } from "../../core/recipe";
import { stripTemplate } from "../../state/chatExamples";
import { parseWorkedAnswer } from "../../state/chatWorked";
import { IconButton } from "../../ui/Button";
import { Slider } from "../../ui/Slider";
import { useTurn } from "../../ui/useTurn";
import { Mark, WorkedLines } from "../../ui/WorkedLines";

type SamplesProps = { recipe: Recipe; samples: readonly Sample[] };

export const SamplesPanel = memo(function SamplesPanel({ recipe, samples }: SamplesProps) {
  const { t } = useTranslation();
  const steps = useMemo(() => [...new Set(samples.map(({ step }) => step))], [samples]);
  /** Null follows the latest. */
  const [chosen, setChosen] = useState<number | null>(null);
  const last = steps.length - 1;
  const at = chosen === null ? last : Math.min(chosen, last);
  const step = steps[at] ?? 0;
  const shown = samples.filter((sample) => sample.step === step).sort((a, b) => a.index - b.index);
  const choose = (index: number) => setChosen(index >= last ? null : Math.max(0, index));
  const right = shown.filter(({ correct }) => correct === true).length;
  return (
    <section aria-label={t("run.samples.title")} className="flex h-full flex-col">
      <header className="flex min-h-7 flex-wrap items-center gap-x-3 px-4">
        <h2 className="text-sm">{t("run.samples.title")}</h2>
        {shown.length > 0 && shown[0]?.correct !== null && (
          <span className="text-xs text-muted">{t("run.samples.count", { right, total: shown.length })}</span>
        )}
        <span className="flex-1" />
        {steps.length > 0 && (
          <div className="flex items-center gap-1">
            <IconButton
              size="sm"
              icon="left"
              label={t("run.samples.previous")}
              isDisabled={at === 0}
              onPress={() => choose(at - 1)}
            />
            <Slider
              label={t("run.samples.slider")}
              hideLabel
              className="w-32"
              value={at}
              onChange={choose}
              minimum={0}
              maximum={Math.max(1, last)}
              step={1}
              isDisabled={last === 0}
              write={() => String(step)}
            />
            <IconButton
              size="sm"
              icon="right"
              label={t("run.samples.next")}
              isDisabled={at === last}
              onPress={() => choose(at + 1)}
            />
          </div>
        )}
      </header>
      {shown.length === 0 ? (
        <p className="m-auto max-w-100 px-4 py-12 text-center text-sm text-muted">
          {recipe.evaluation.samples === 0 ? t("run.samples.off") : t("run.samples.empty")}
        </p>
      ) : (
        <ol aria-label={t("run.samples.at", { step })} className="flex flex-col px-4">
          {shown.map((sample) => (
            <SampleItem
              key={sample.index}
              sample={sample}
              past={samples.filter(({ index }) => index === sample.index)}
              template={recipe.template.prompt}
            />
          ))}
        </ol>
      )}
    </section>
  );
});

type ItemProps = { sample: Sample; past: readonly Sample[]; template: string };

function SampleItem(props: ItemProps) {
  const shown = useTurn(props);
  return shown && <SampleInTurn {...shown} />;
}

const SampleInTurn = memo(function SampleInTurn({ sample, past, template }: ItemProps) {
  const { t } = useTranslation();
  const answer = useMemo(() => parseWorkedAnswer(sample.completion.trimStart(), sample.reference), [sample]);
  const solution = useMemo(() => parseWorkedAnswer(sample.reference, null), [sample]);
  return (
    <li className="border-b border-line/70 py-2 last:border-0">
      <div className="flex items-start gap-3">
        <p className="min-w-0 flex-1 text-sm break-words whitespace-pre-wrap text-muted">
          {stripTemplate(sample.prompt, template)}
        </p>
        {sample.correct !== null && (
          <span className="flex shrink-0 gap-px pt-1">
            {past.map(({ step, correct }) => (
              <span key={step} className={step === sample.step ? "rounded-sm bg-hover" : "opacity-70"}>
                <Mark isRight={correct === true} />
              </span>
            ))}
          </span>
        )}
      </div>
      <div className="mt-1 border-l-2 border-line pl-3">
        <WorkedLines lines={answer.lines} />
      </div>
      <details className="mt-1 text-xs text-muted">
        <summary className="w-fit cursor-default rounded-sm">{t("run.samples.reference")}</summary>
        <div className="mt-1 border-l-2 border-line pl-3">
          <WorkedLines lines={solution.lines} />
        </div>
      </details>
    </li>
  );
});
