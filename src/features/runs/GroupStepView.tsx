/** @file The groups of one step under one colour scale, which is chosen and explained above them. */

import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { GroupStep } from "../../core/metrics";
import type { Recipe } from "../../core/recipe";
import { rightnessOf } from "../../state/groupSearch";
import { Button } from "../../ui/Button";
import { ScaleLegend } from "../../ui/charts/ScaleLegend";
import { Segments } from "../../ui/charts/Segments";
import { usePalette } from "../../ui/charts/usePalette";
import { formatCount } from "../../ui/formatQuantity";
import { GroupCard } from "./GroupCard";
import { barScale, hasChange, type TokenColour, tokenScale } from "./groupView";

/** Cards drawn at once; the others when they are asked for. */
const atOnce = 12;

type ViewProps = {
  groups: GroupStep;
  recipe: Recipe;
  /** What to bring into view, from 0. */
  place: { group: number | null; answer: number | null };
};

export function GroupStepView({ groups: step, recipe, place }: ViewProps) {
  const { t } = useTranslation();
  const palette = usePalette();
  const [wanted, setColour] = useState<TokenColour>("change");
  const [asked, setAsked] = useState(atOnce);
  const canChange = hasChange(step);
  const colour = canChange ? wanted : "advantage";
  const scale = useMemo(() => tokenScale(step, colour), [step, colour]);
  const bars = useMemo(() => barScale(step), [step]);
  const right = useMemo(() => rightnessOf(recipe), [recipe]);
  const most = Math.max(asked, (place.group ?? 0) + 1);
  const more = step.groups.length - most;
  return (
    <section aria-label={t("groups.listOf", { step: formatCount(step.step) })} className="flex flex-col">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-2 lg:px-6">
        {canChange && (
          <Segments
            label={t("groups.colour")}
            options={[
              { id: "change", label: t("groups.change") },
              { id: "advantage", label: t("groups.advantage") },
            ]}
            value={colour}
            onChange={setColour}
          />
        )}
        <ScaleLegend label={t(colour === "change" ? "groups.changeLegend" : "groups.advantageLegend")} scale={scale} />
      </header>
      {step.groups.slice(0, most).map((group, i) => (
        <GroupCard
          key={i}
          number={i + 1}
          group={group}
          names={step.rewardNames}
          template={recipe.template.prompt}
          chosen={i === place.group ? place.answer : null}
          barScale={bars}
          {...{ right, colour, scale, palette }}
        />
      ))}
      {more > 0 && (
        <Button className="m-4 self-center" onPress={() => setAsked(most + atOnce)}>
          {t("groups.more", { count: more })}
        </Button>
      )}
    </section>
  );
}
