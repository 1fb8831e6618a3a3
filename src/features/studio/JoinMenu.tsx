/** @file Adds a method to those chosen, or takes one away. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Adaptation } from "../../core/adaptation";
import type { ModelConfig } from "../../core/model";
import { Menu } from "../../ui/Menu";
import { joinable, joinMethod, leaveMethod } from "./methodChoices";

type JoinProps = {
  adaptation: Adaptation;
  config: ModelConfig | undefined;
  /** The button that opens the menu. */
  children: (label: string) => ReactNode;
};

/** Nothing where no method can join and none can leave. */
export function JoinMenu({ adaptation, config, children }: JoinProps) {
  const { t } = useTranslation();
  const joining = joinable(adaptation, config).map((kind) => ({
    id: kind,
    label: t("studio.method.join", { method: t(`terms.${kind}.word`) }),
    description: t(`studio.method.inShort.${kind}`),
    icon: "plus" as const,
    onAction: () => joinMethod(kind),
  }));
  const leaving = adaptation.map(({ kind }) => ({
    id: `leave-${kind}`,
    label: t("studio.method.leave", { method: t(`terms.${kind}.word`) }),
    icon: "close" as const,
    onAction: () => leaveMethod(kind),
  }));
  const actions = adaptation.length > 1 ? [...leaving, ...joining] : joining;
  if (actions.length === 0) return null;
  const label = t("studio.method.joinMenu");
  return (
    <Menu label={label} actions={actions}>
      {children(label)}
    </Menu>
  );
}
