/** @file A model drawn to scale: one slab a layer, areas by parameters, attention apart from feed-forward. */

import { useTranslation } from "react-i18next";
import { type LinearName, linearNamesOf, linearShape, stacksOf } from "../core/adapter";
import { countParameters, type ModelConfig } from "../core/model";
import { formatCompact, formatCount } from "./formatQuantity";
import { Legend } from "./Legend";

const gap = 2;

export function ModelPicture({ config, height = 208 }: { config: ModelConfig; height?: number }) {
  const { t } = useTranslation();
  const all = countParameters(config);
  const embedding = config.vocabSize * config.hiddenSize * (config.tieWordEmbeddings ? 1 : 2);
  const { qkv, o } = stacksOf(config);
  const attention: readonly LinearName[] = qkv.concat(o);
  const sizes = linearNamesOf(config).map((name) => {
    const [out, in_] = linearShape(config, name);
    return { name, parameters: out * in_ };
  });
  const layer = sizes.reduce((sum, { parameters }) => sum + parameters, 0);
  const slabs = Math.min(config.layers, 24);
  const usable = height - gap * slabs;
  const embeddingHeight = Math.max(3, (usable * embedding) / all);
  const slabHeight = Math.max(1, (usable - embeddingHeight) / slabs);
  return (
    <figure className="flex flex-col gap-1.5">
      <div
        role="img"
        aria-label={t("studio.model.picture", { layers: config.layers, vocabulary: formatCount(config.vocabSize) })}
        className="flex flex-col"
        style={{ gap, height }}
      >
        {Array.from({ length: slabs }, (_, i) => (
          // A slab is its place in the stack.
          <div key={i} className="flex" style={{ height: slabHeight, gap: 1 }}>
            {sizes.map(({ name, parameters }) => (
              <div
                key={name}
                className={attention.includes(name) ? "bg-series-1/55" : "bg-series-8/30"}
                style={{ flexGrow: parameters / layer }}
              />
            ))}
          </div>
        ))}
        <div className="flex" style={{ height: embeddingHeight }}>
          <div className="flex-1 bg-series-6/60" />
        </div>
      </div>
      <figcaption className="flex flex-wrap gap-x-3 text-xs text-faint">
        <Legend className="bg-series-1/55">
          {t("studio.model.attention")} {formatCompact(config.layers * sum(sizes, (name) => attention.includes(name)))}
        </Legend>
        <Legend className="bg-series-8/30">
          {t("studio.model.feedForward")}{" "}
          {formatCompact(config.layers * sum(sizes, (name) => !attention.includes(name)))}
        </Legend>
        <Legend className="bg-series-6/60">
          {t("studio.model.embedding")} {formatCompact(embedding)}
        </Legend>
      </figcaption>
    </figure>
  );
}

function sum(
  sizes: readonly { name: LinearName; parameters: number }[],
  wanted: (name: LinearName) => boolean,
): number {
  return sizes.reduce((total, { name, parameters }) => total + (wanted(name) ? parameters : 0), 0);
}
