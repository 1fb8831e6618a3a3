/** @file A block's matrices drawn to scale with all that the methods train in and around them; where layers are named, press one to turn it on or off. */

import type { ReactNode } from "react";
import { ToggleButton } from "react-aria-components/ToggleButton";
import { useTranslation } from "react-i18next";
import { type Adaptation, biasableNames, methodOf } from "../../core/adaptation";
import { type LinearName, linearNamesOf, linearShape, stacksOf } from "../../core/adapter";
import type { ModelConfig } from "../../core/model";
import { Legend } from "../../ui/Legend";
import { Funnel, Gates, LayerStrip, Matrix, TokenRow, type Trained } from "./MethodShapes";
import type { Targeted } from "./withTargets";

/** Pixels of the longest side of any matrix. */
const longest = 84;

type Props = {
  config: ModelConfig;
  adaptation: Adaptation;
  onChange: (kind: Targeted, targetModules: LinearName[]) => void;
};

/** Rows of a matrix that make keys and values; null where it makes none. */
function keyRows(config: ModelConfig, name: LinearName): [from: number, to: number] | null {
  const [out] = linearShape(config, name);
  if (name === "k_proj" || name === "v_proj") return [0, out];
  return name === "c_attn" || name === "qkv_proj" ? [config.heads * config.headDim, out] : null;
}

/** What of one matrix is trained, in pixels. */
function trainedOf(config: ModelConfig, adaptation: Adaptation, name: LinearName, scale: number): Trained {
  const lora = methodOf(adaptation, "lora");
  const ia3 = methodOf(adaptation, "ia3");
  const prefix = methodOf(adaptation, "prefix");
  const hasPair = lora?.targetModules.includes(name) === true;
  const hasFactor = ia3?.targetModules.includes(name) === true;
  const isFed = ia3?.feedForwardModules.includes(name) === true;
  const hasBias = methodOf(adaptation, "bias") && biasableNames(config).includes(name);
  const keys = prefix ? keyRows(config, name) : null;
  return {
    isWhole: (methodOf(adaptation, "full") ?? methodOf(adaptation, "last")) !== undefined,
    pair: hasPair ? (lora.rankPattern[name] ?? lora.rank) * scale : 0,
    bars: [hasPair && lora.dora, hasFactor && !isFed, hasBias].filter(Boolean).length,
    isFed: hasFactor && isFed,
    virtual:
      keys && prefix ? { from: keys[0] * scale, to: keys[1] * scale, width: prefix.virtualTokens * scale } : null,
  };
}

export function MethodPicture({ config, adaptation, onChange }: Props) {
  const { t } = useTranslation();
  const scale = longest / Math.max(config.hiddenSize, config.intermediateSize);
  const targeted = methodOf(adaptation, "lora") ?? methodOf(adaptation, "ia3");
  const chosen = new Set(targeted?.targetModules);
  const loar = methodOf(adaptation, "loar");
  const bottleneck = methodOf(adaptation, "bottleneck");
  const { qkv, o, gateUp, down } = stacksOf(config);
  const toggle = (kind: Targeted, name: LinearName) =>
    onChange(
      kind,
      linearNamesOf(config).filter((other) => (other === name ? !chosen.has(name) : chosen.has(other))),
    );
  const matrices = (names: readonly LinearName[]) =>
    names.map((name) => {
      const [out, in_] = linearShape(config, name);
      const drawn = (
        <Labelled label={name.replace("_proj", "")}>
          <Matrix out={out * scale} in_={in_ * scale} trained={trainedOf(config, adaptation, name, scale)} />
        </Labelled>
      );
      if (!targeted) {
        return (
          <span key={name} className="p-0.5">
            {drawn}
          </span>
        );
      }
      return (
        <ToggleButton
          key={name}
          isSelected={chosen.has(name)}
          // The last one stays: an adapter needs a place.
          isDisabled={chosen.size === 1 && chosen.has(name)}
          onChange={() => toggle(targeted.kind, name)}
          className="rounded-sm p-0.5 data-hovered:bg-hover"
        >
          {drawn}
        </ToggleButton>
      );
    });
  const funnel = bottleneck && (
    <span className="p-0.5 pb-5">
      <Funnel width={config.hiddenSize * scale} waist={bottleneck.size * scale} />
    </span>
  );
  const row = "-ml-0.5 flex flex-wrap items-end gap-x-1";
  const frame = targeted
    ? { role: "group", "aria-label": t("studio.method.matrices") }
    : {
        role: "img",
        "aria-label": t("studio.method.picture", {
          methods: adaptation.map(({ kind }) => t(`terms.${kind}.word`)).join(" + "),
        }),
      };
  return (
    <figure className="flex flex-1 flex-col gap-2">
      <div {...frame} className="flex min-h-58 gap-2">
        <div className="flex min-w-0 flex-1 flex-col justify-between gap-2">
          <TokenRow adaptation={adaptation} />
          <div className={row}>
            {matrices(qkv)}
            {loar && (
              <span className="p-0.5">
                <Labelled label={t("studio.method.gates")}>
                  <Gates heads={config.heads} />
                </Labelled>
              </span>
            )}
            {matrices(o)}
            {funnel}
          </div>
          <div className={row}>
            {matrices(gateUp)}
            {matrices(down)}
            {funnel}
          </div>
        </div>
        <LayerStrip config={config} adaptation={adaptation} />
      </div>
      <figcaption className="flex flex-wrap gap-x-3 text-xs text-faint">
        <Legend className="bg-series-8/30">{t("studio.method.frozen")}</Legend>
        <Legend className="bg-accent">{t("studio.method.trained")}</Legend>
        {loar && loar.mode !== "gate" && <Legend className="bg-series-3">{t("studio.method.logic")}</Legend>}
      </figcaption>
    </figure>
  );
}

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="flex flex-col items-center gap-1">
      {children}
      <span className="font-mono text-xs text-muted">{label}</span>
    </span>
  );
}
