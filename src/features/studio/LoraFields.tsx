/** @file The fields of LoRA and its kin: rank, alpha, dropout, rsLoRA, DoRA, LoRA+, target matrices, and ranks of single ones. */

import { useTranslation } from "react-i18next";
import { type Lora, methodOf, newMethod } from "../../core/adaptation";
import type { LinearName } from "../../core/adapter";
import { useStudio } from "../../state/studio";
import { NumberField } from "../../ui/NumberField";
import { changeMethod } from "./changeMethod";
import { MatrixBoxes, MethodEntry, useLinearNames, useMethodPath } from "./MethodEntry";
import { useModelConfig } from "./methodChoices";
import { useFieldError } from "./RecipeEntry";
import { Toggle } from "./Toggle";
import { withTargets } from "./withTargets";

export function LoraFields() {
  const lora = useStudio(({ draft }) => methodOf(draft.adaptation, "lora")) ?? newMethod("lora");
  const path = useMethodPath("lora");
  const offered = useLinearNames();
  const config = useModelConfig(useStudio(({ draft }) => draft.model));
  return (
    <>
      <MethodEntry kind="lora" field="rank" term="rank" step="double" />
      <MethodEntry kind="lora" field="alpha" term="alpha" step="double" />
      <MethodEntry kind="lora" field="dropout" term="dropout" step={0.05} />
      <MethodEntry kind="lora" field="plusRatio" term="plusRatio" unit="times" step="double" />
      <Toggle term="rslora" value={lora.rslora} onChange={(rslora) => changeMethod("lora", { rslora })} />
      <Toggle term="dora" value={lora.dora} onChange={(dora) => changeMethod("lora", { dora })} />
      <MatrixBoxes
        term="targetModules"
        field={`${path}.targetModules`}
        offered={offered}
        chosen={lora.targetModules}
        onChange={(targetModules) =>
          changeMethod("lora", config ? withTargets(config, [lora], "lora", targetModules) : { targetModules })
        }
      />
      <ModuleRanks lora={lora} path={path} />
    </>
  );
}

/** Folded away until somebody asks, or the recipe says something of it. */
function ModuleRanks({ lora, path }: { lora: Lora; path: string }) {
  const { t } = useTranslation();
  const own = new Set([...Object.keys(lora.rankPattern), ...Object.keys(lora.alphaPattern)]);
  return (
    <details className="col-span-2" open={own.size > 0}>
      <summary className="cursor-default rounded-sm text-xs text-muted">
        {t("studio.advanced.byModule")}
        {own.size > 0 && <span className="text-faint"> · {t("studio.advanced.byModuleSet", { count: own.size })}</span>}
      </summary>
      <p className="mt-1 text-xs text-faint">{t("terms.rankPattern.why")}</p>
      <div className="mt-2 grid grid-cols-[auto_1fr_1fr] items-center gap-x-3 gap-y-1 text-xs">
        <span className="text-muted">{t("studio.advanced.matrix")}</span>
        <span className="text-muted">{t("terms.rank.word")}</span>
        <span className="text-muted">{t("terms.alpha.word")}</span>
        {lora.targetModules.map((name) => (
          <ModuleRow key={name} lora={lora} path={path} name={name} />
        ))}
      </div>
    </details>
  );
}

/** A value that is the common one is none of its own. */
function withOwn(pattern: Lora["rankPattern"], name: LinearName, value: number, common: number): Lora["rankPattern"] {
  const { [name]: _, ...rest } = pattern;
  return value === common ? rest : { ...rest, [name]: value };
}

function ModuleRow({ lora, path, name }: { lora: Lora; path: string; name: LinearName }) {
  const { t } = useTranslation();
  const rank = lora.rankPattern[name];
  const alpha = lora.alphaPattern[name];
  return (
    <>
      <code className={rank === undefined && alpha === undefined ? "text-muted" : ""}>{name}</code>
      <NumberField
        label={`${name} ${t("terms.rank.word")}`}
        hideLabel
        value={rank ?? lora.rank}
        step="double"
        error={useFieldError(`${path}.rankPattern.${name}`)}
        onChange={(value) => changeMethod("lora", { rankPattern: withOwn(lora.rankPattern, name, value, lora.rank) })}
      />
      <NumberField
        label={`${name} ${t("terms.alpha.word")}`}
        hideLabel
        value={alpha ?? lora.alpha}
        step="double"
        error={useFieldError(`${path}.alphaPattern.${name}`)}
        onChange={(value) =>
          changeMethod("lora", { alphaPattern: withOwn(lora.alphaPattern, name, value, lora.alpha) })
        }
      />
    </>
  );
}
