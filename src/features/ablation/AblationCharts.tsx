/** @file A comparison drawn: accuracy with its interval by variant, and over the rank where that is what changes. */

import { useTranslation } from "react-i18next";
import { type Ablation, recipeOf } from "../../core/ablation";
import { methodOf } from "../../core/adaptation";
import type { AblationTable } from "../../state/ablationsTable";
import { Chart } from "../../ui/charts/Chart";
import type { Curve } from "../../ui/charts/curve";
import { IntervalPlot, type PlottedInterval } from "../../ui/charts/IntervalPlot";
import { formatCount, formatShare } from "../../ui/formatQuantity";
import { colorOfVariant } from "./colorOfVariant";

const percent = (share: number) => formatShare(share, 1);

/** LoRA's rank in each variant, where LoRA alone is trained and the ranks differ; else null. */
function ranksOf({ recipe, variants, seeds }: Ablation): number[] | null {
  const ranks = variants.map((variant) => {
    const { adaptation } = recipeOf(recipe, variant, seeds[0] ?? 0);
    return adaptation.length === 1 ? methodOf(adaptation, "lora")?.rank : undefined;
  });
  const isSweep = ranks.length > 2 && new Set(ranks).size === ranks.length;
  return isSweep && ranks.every((rank): rank is number => rank !== undefined) ? ranks : null;
}

export function AblationCharts({ ablation, table }: { ablation: Ablation; table: AblationTable }) {
  const { t } = useTranslation();
  const items = table.rows.flatMap(({ variant, values: { accuracy } }, i): PlottedInterval[] => {
    if (!accuracy) return [];
    const { mean, interval } = accuracy;
    const [low, high] = [interval?.low ?? mean, interval?.high ?? mean];
    return [
      {
        id: variant,
        name: variant,
        color: colorOfVariant(i),
        value: mean,
        interval,
        label: t("ablation.chartLabel", {
          name: variant,
          value: percent(mean),
          low: percent(low),
          high: percent(high),
        }),
      },
    ];
  });
  if (items.length === 0) return null;
  const ranks = ranksOf(ablation);
  return (
    <div className={`grid border-b border-line *:min-w-0 *:py-3 lg:px-2 ${ranks ? "xl:grid-cols-2" : ""}`}>
      <figure aria-label={t("ablation.chart")} className="flex max-w-240 flex-col gap-2">
        <figcaption className="px-4">
          <h2 className="text-sm">{t("ablation.chart")}</h2>
        </figcaption>
        <IntervalPlot
          name={t("ablation.chart")}
          items={items}
          format={percent}
          reference={table.rows[0]?.values.accuracy?.mean}
          atLeast={0}
          atMost={1}
        />
      </figure>
      {ranks && <RankChart ablation={ablation} table={table} ranks={ranks} />}
    </div>
  );
}

function RankChart({ ablation, table, ranks }: { ablation: Ablation; table: AblationTable; ranks: number[] }) {
  const { t } = useTranslation();
  const points = table.rows
    .flatMap(({ values: { accuracy } }, i) => (accuracy ? [{ rank: ranks[i] ?? 0, accuracy }] : []))
    .sort((a, b) => a.rank - b.rank);
  const curve: Curve = {
    id: "accuracy",
    label: t(table.accuracy === "exact" ? "ablation.exact" : "ablation.strict"),
    color: colorOfVariant(0),
    look: "strong",
    steps: points.map(({ rank }) => rank),
    x: points.map(({ rank }) => rank),
    y: points.map(({ accuracy }) => accuracy.mean),
    error: points.map(({ accuracy: { interval } }) => (interval ? (interval.high - interval.low) / 2 : 0)),
    dots: true,
  };
  return (
    <Chart
      name={t("ablation.rankChart")}
      curves={[curve]}
      x={{ title: t("ablation.rank"), end: Math.max(...ranks), format: formatCount }}
      y={{ title: "", format: (value) => value.toFixed(2), from: 0, to: 0.2, atMost: 1 }}
      height={240}
      file={ablation.name}
      empty={t("ablation.chartEmpty")}
    />
  );
}
