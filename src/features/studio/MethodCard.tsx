/** @file The third step: what is trained, why, and how much of the model that is. */

import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Adaptation } from "../../core/adaptation";
import type { ModelConfig } from "../../core/model";
import type { Recipe } from "../../core/recipe";
import { usePlan } from "../../state/plan";
import { IconButton } from "../../ui/Button";
import { formatCompact, formatShare } from "../../ui/formatQuantity";
import { Select } from "../../ui/Select";
import { Term } from "../../ui/Term";
import { changeMethod } from "./changeMethod";
import { JoinMenu } from "./JoinMenu";
import { MethodPicture } from "./MethodPicture";
import { MethodSetting } from "./MethodSetting";
import {
  changeMethods,
  choiceOf,
  fits,
  type MethodChoice,
  methodChoices,
  methodsFor,
  useModelConfig,
} from "./methodChoices";
import { StepCard } from "./StepCard";
import { withTargets } from "./withTargets";

export function MethodCard({ recipe, draft }: { recipe: Recipe; draft: Recipe }) {
  const { t } = useTranslation();
  const { value: plan } = usePlan();
  const config = useModelConfig(recipe.model);
  const { adaptation } = draft;
  const share = plan ? plan.trainedParameters / plan.parameters : 0;
  return (
    <StepCard
      number={3}
      title={t("studio.method.title")}
      aside={
        <JoinMenu adaptation={adaptation} config={config}>
          {(label) => <IconButton size="sm" icon="plus" label={label} className="-mr-1" />}
        </JoinMenu>
      }
      controls={
        <div className="flex gap-2">
          <MethodSelect adaptation={adaptation} config={config} />
          <MethodSetting adaptation={adaptation} layers={config?.layers} />
        </div>
      }
      line={
        <>
          <span className="block min-h-5">
            {plan &&
              t("studio.method.line", {
                trained: formatCompact(plan.trainedParameters),
                all: formatCompact(plan.parameters),
                share: formatShare(share, share < 0.001 ? 3 : 1),
              })}
          </span>
          <Why adaptation={adaptation} />
        </>
      }
    >
      {config && (
        <MethodPicture
          config={config}
          adaptation={adaptation}
          onChange={(kind, targets) => changeMethod(kind, withTargets(config, adaptation, kind, targets))}
        />
      )}
    </StepCard>
  );
}

const several = "several";

function MethodSelect({ adaptation, config }: { adaptation: Adaptation; config: ModelConfig | undefined }) {
  const { t } = useTranslation();
  const choice = choiceOf(adaptation);
  const offered = methodChoices
    .filter((id) => id === choice || id === "dora" || id === "loarLora" || fits(id, config))
    .map((id) => ({
      id,
      label: t(`studio.method.choice.${id}`),
      description: t(`studio.method.inShort.${id}`),
    }));
  const words = adaptation.map(({ kind }) => t(`terms.${kind}.word`)).join(" + ");
  return (
    <Select<MethodChoice | typeof several>
      label={t("studio.method.choose")}
      hideLabel
      className="flex-1"
      value={choice ?? several}
      options={choice ? offered : [{ id: several, label: words }, ...offered]}
      onChange={(id) => {
        if (id !== several) changeMethods((before) => methodsFor(id, before));
      }}
    />
  );
}

/** One sentence and a formula; of several methods their words, which explain themselves. Always as high. */
function Why({ adaptation }: { adaptation: Adaptation }) {
  const { t, i18n } = useTranslation();
  const choice = choiceOf(adaptation);
  const [first] = adaptation;
  const formulaOf = (name: string) => {
    const key = `terms.${name}.formula`;
    return i18n.exists(key) ? (t as (key: string) => string)(key) : "";
  };
  let words: ReactNode;
  let formula = "";
  if (choice === "loarLora") words = t("studio.method.loarLoraWhy");
  else if (choice && first) {
    words = t(`terms.${choice}.why`);
    formula = formulaOf(choice);
  } else {
    words = (
      <>
        {t("studio.method.together")}{" "}
        {adaptation.map(({ kind }, i) => (
          <Fragment key={kind}>
            {i > 0 && " + "}
            <Term name={kind} />
          </Fragment>
        ))}
      </>
    );
  }
  return (
    <span className="mt-1 block min-h-18 text-xs text-muted">
      {words}
      {formula && <code className="mt-1 block font-mono text-faint">{formula}</code>}
    </span>
  );
}
