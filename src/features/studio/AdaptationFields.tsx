/** @file What is trained, as the recipe has it: a list of methods with their fields, and what can join them. */

import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { type Adaptation, type MethodKind, methodKinds, methodOf, newMethod } from "../../core/adaptation";
import type { ModelConfig } from "../../core/model";
import { useStudio } from "../../state/studio";
import { Button, IconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { changeMethod } from "./changeMethod";
import { JoinMenu } from "./JoinMenu";
import { LoarFields } from "./LoarFields";
import { LoraFields } from "./LoraFields";
import { MatrixBoxes, MethodEntry, useLinearNames, useMethodPath } from "./MethodEntry";
import { changeMethods, joinable, leaveMethod, useModelConfig } from "./methodChoices";
import { useFieldError } from "./RecipeEntry";
import { ownInput, withTargets } from "./withTargets";

const fieldsOf: Record<MethodKind, ComponentType | null> = {
  lora: LoraFields,
  loar: LoarFields,
  full: null,
  last: () => <MethodEntry kind="last" field="layers" term="lastLayers" unit="layers" />,
  bias: null,
  prefix: () => <MethodEntry kind="prefix" field="virtualTokens" term="virtualTokens" unit="tokens" step="double" />,
  prompt: () => <MethodEntry kind="prompt" field="virtualTokens" term="virtualTokens" unit="tokens" step="double" />,
  bottleneck: BottleneckFields,
  ia3: Ia3Fields,
  head: null,
};

export function AdaptationFields() {
  const { adaptation, model } = useStudio(({ draft }) => draft);
  const config = useModelConfig(model);
  return (
    <div className="col-span-2 flex flex-col gap-4">
      {adaptation.map(({ kind }, i) => (
        <MethodFields key={kind} index={i} adaptation={adaptation} config={config} />
      ))}
      <JoinMenu adaptation={adaptation} config={config}>
        {(label) => (
          <Button size="sm" variant="quiet" icon="plus" className="self-start">
            {label}
          </Button>
        )}
      </JoinMenu>
    </div>
  );
}

type MethodProps = { index: number; adaptation: Adaptation; config: ModelConfig | undefined };

/** One method: its kind, which any other that goes with the rest can replace, and its fields. */
function MethodFields({ index, adaptation, config }: MethodProps) {
  const { t } = useTranslation();
  const error = useFieldError(`adaptation.${index}.kind`);
  const method = adaptation[index];
  if (!method) return null;
  const others = adaptation.filter((other) => other !== method);
  const Fields = fieldsOf[method.kind];
  const offered = methodKinds.filter((kind) => kind === method.kind || joinable(others, config).includes(kind));
  return (
    <div role="group" aria-label={t(`terms.${method.kind}.word`)} className="flex flex-col gap-3">
      <div className="flex items-end gap-1">
        <Select
          term={method.kind}
          className="flex-1"
          value={method.kind}
          error={error}
          options={offered.map((id) => ({
            id,
            label: t(`terms.${id}.word`),
            description: t(`studio.method.inShort.${id}`),
          }))}
          onChange={(kind) =>
            changeMethods((before) => before.map((each, i) => (i === index ? newMethod(kind) : each)))
          }
        />
        {others.length > 0 && (
          <IconButton
            icon="close"
            label={t("studio.method.leave", { method: t(`terms.${method.kind}.word`) })}
            onPress={() => leaveMethod(method.kind)}
          />
        )}
      </div>
      {Fields && (
        <div className="grid grid-cols-2 items-start gap-x-4 gap-y-3">
          <Fields />
        </div>
      )}
    </div>
  );
}

function BottleneckFields() {
  const { t } = useTranslation();
  const { activation } = useStudio(({ draft }) => methodOf(draft.adaptation, "bottleneck")) ?? newMethod("bottleneck");
  return (
    <>
      <MethodEntry kind="bottleneck" field="size" term="bottleneckSize" step="double" />
      <Select
        term="activation"
        value={activation}
        options={(["gelu", "relu"] as const).map((id) => ({ id, label: t(`studio.activation.${id}`) }))}
        onChange={(next) => changeMethod("bottleneck", { activation: next })}
      />
      <MethodEntry kind="bottleneck" field="stages" term="stages" unit="stages" />
    </>
  );
}

function Ia3Fields() {
  const path = useMethodPath("ia3");
  const ia3 = useStudio(({ draft }) => methodOf(draft.adaptation, "ia3")) ?? newMethod("ia3");
  const config = useModelConfig(useStudio(({ draft }) => draft.model));
  const offered = useLinearNames();
  const { targetModules, feedForwardModules } = ia3;
  return (
    <>
      <MatrixBoxes
        term="ia3Modules"
        field={`${path}.targetModules`}
        offered={offered}
        chosen={targetModules}
        onChange={(names) =>
          changeMethod("ia3", config ? withTargets(config, [ia3], "ia3", names) : { targetModules: names })
        }
      />
      <MatrixBoxes
        term="feedForwardModules"
        field={`${path}.feedForwardModules`}
        offered={targetModules.filter((name) => !config || ownInput(config).includes(name))}
        chosen={feedForwardModules}
        onChange={(names) => changeMethod("ia3", { feedForwardModules: names })}
      />
    </>
  );
}
