/** @file Held-out problems to try: of the embedded data, or those the run itself was measured on. */

import { useEffect, useMemo, useState } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { RunId } from "../../core/ids";
import type { Run } from "../../core/run";
import { type Example, loadExamples, stripTemplate, useExamples } from "../../state/chatExamples";
import { useSeriesOf } from "../../state/series";
import { Button } from "../../ui/Button";

const shownAtOnce = 4;
const nobody: readonly RunId[] = [];

type ExamplesProps = { run: Run | null; isDisabled: boolean; onChoose: (example: Example) => void };

/** The questions asked at the run's evaluations, for data that does not ship. */
function useSamplesOf(run: Run | null): readonly Example[] | null {
  const isOwn = run !== null && run.recipe.data.source !== "embedded";
  const ids = useMemo(() => (isOwn ? [run.id] : nobody), [isOwn, run?.id]);
  const [series] = useSeriesOf(ids);
  return useMemo(() => {
    if (!series || !run) return null;
    const byIndex = new Map(series.samples.map((sample) => [sample.index, sample]));
    return [...byIndex.values()].map(({ prompt, reference }) => ({
      prompt: stripTemplate(prompt, run.recipe.template.prompt),
      reference,
    }));
  }, [series, run]);
}

export function Examples({ run, isDisabled, onChoose }: ExamplesProps) {
  const { t } = useTranslation();
  const embedded = useExamples();
  const own = useSamplesOf(run);
  const [from, setFrom] = useState(0);
  useEffect(() => void loadExamples(), []);
  const examples = own ?? (embedded.status === "ready" ? embedded.examples : []);
  const shown = Array.from(
    { length: Math.min(shownAtOnce, examples.length) },
    (_, i) => examples[(from + i) % examples.length],
  );
  return (
    <section aria-label={t("playground.examples")} className="border-b border-line p-4">
      <header className="flex items-center justify-between gap-2">
        <h2 className="text-sm">{t("playground.examplesTitle")}</h2>
        {examples.length > shownAtOnce && (
          <Button
            size="sm"
            variant="quiet"
            icon="reset"
            onPress={() => setFrom((from + shownAtOnce) % examples.length)}
          >
            {t("playground.another")}
          </Button>
        )}
      </header>
      {embedded.status === "failed" && !own && (
        <p className="py-2 text-sm text-bad">{t("playground.examplesFailed")}</p>
      )}
      <ul className="flex flex-col">
        {shown.map(
          (example) =>
            example && (
              <li key={example.prompt} className="border-b border-line/70 last:border-0">
                <AriaButton
                  isDisabled={isDisabled}
                  onPress={() => onChoose(example)}
                  className="-mx-1 w-full rounded-sm px-1 py-1.5 text-left text-sm text-muted data-hovered:bg-hover data-hovered:text-ink"
                >
                  <span className="line-clamp-3">{example.prompt}</span>
                </AriaButton>
              </li>
            ),
        )}
      </ul>
    </section>
  );
}
