/** @file A layer's matrices drawn to scale, each with the thin pair that is trained beside it; press one to turn it on or off. */

import { ToggleButton } from "react-aria-components/ToggleButton";
import { useTranslation } from "react-i18next";
import { type LinearName, linearNamesOf, linearShape, stacksOf } from "../../core/adapter";
import type { ModelConfig } from "../../core/model";
import { Legend } from "../../ui/Legend";

/** Pixels of the longest side of any matrix. */
const longest = 100;

type Props = {
  config: ModelConfig;
  rank: number;
  targetModules: readonly LinearName[];
  onChange: (targetModules: LinearName[]) => void;
};

export function MethodPicture({ config, rank, targetModules, onChange }: Props) {
  const { t } = useTranslation();
  const scale = longest / Math.max(config.hiddenSize, config.intermediateSize);
  const chosen = new Set(targetModules);
  const { qkv, o, gateUp, down } = stacksOf(config);
  const rows = [qkv.concat(o), gateUp.concat(down)]; // attention above, feed-forward below
  const toggle = (name: LinearName) =>
    onChange(linearNamesOf(config).filter((other) => (other === name ? !chosen.has(name) : chosen.has(other))));
  return (
    <figure className="flex flex-col gap-2">
      <div
        role="group"
        aria-label={t("studio.method.matrices")}
        className="flex min-h-54 flex-col justify-between gap-2"
      >
        {rows.map((names) => (
          <div key={names[0]} className="flex flex-wrap items-end gap-x-3">
            {names.map((name) => {
              const [out, in_] = linearShape(config, name);
              return (
                <ToggleButton
                  key={name}
                  isSelected={chosen.has(name)}
                  // The last one stays: an adapter needs a place.
                  isDisabled={chosen.size === 1 && chosen.has(name)}
                  onChange={() => toggle(name)}
                  className="-ml-1 flex flex-col items-center gap-1 rounded-sm p-1 data-hovered:bg-hover"
                >
                  <Matrix out={out * scale} in_={in_ * scale} rank={rank * scale} isTrained={chosen.has(name)} />
                  <span className="font-mono text-xs text-muted">{name.replace("_proj", "")}</span>
                </ToggleButton>
              );
            })}
          </div>
        ))}
      </div>
      <figcaption className="flex flex-wrap gap-x-3 text-xs text-faint">
        <Legend className="bg-series-8/30">{t("studio.method.frozen")}</Legend>
        <Legend className="bg-accent">{t("studio.method.adapter")}</Legend>
      </figcaption>
    </figure>
  );
}

/** W [out, in] grey; B [out, rank] left of it and A [rank, in] above it, where it is trained. */
function Matrix({ out, in_, rank, isTrained }: { out: number; in_: number; rank: number; isTrained: boolean }) {
  const thin = Math.max(2, Math.min(rank, 16));
  return (
    <svg width={in_ + thin + 1} height={out + thin + 1} aria-hidden="true" className="overflow-visible">
      <g transform={`translate(${thin + 1},${thin + 1})`}>
        <rect width={in_} height={out} className="fill-series-8/30" />
        {isTrained && (
          <>
            <rect x={-thin - 1} width={thin} height={out} className="fill-accent" />
            <rect y={-thin - 1} width={in_} height={thin} className="fill-accent" />
          </>
        )}
      </g>
    </svg>
  );
}
