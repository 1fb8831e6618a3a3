/** @file A word that answers "why?": hover, focus or press it for one plain sentence. */

import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Tooltip as AriaTooltip, TooltipTrigger } from "react-aria-components/Tooltip";
import { useTranslation } from "react-i18next";
import { classes } from "./classes";
import { tooltipClass } from "./Tooltip";
import type { figureTerms } from "./words/en/figureTerms";
import type { objectiveTerms } from "./words/en/objectiveTerms";
import type { terms } from "./words/en/terms";

export type TermName = keyof typeof terms | keyof typeof objectiveTerms | keyof typeof figureTerms;

/** Shows the term's own word unless children are given; the sentence (and formula) come from words/…/terms.ts. */
export function Term({ name, children, className }: { name: TermName; children?: ReactNode; className?: string }) {
  const { t, i18n } = useTranslation();
  const [open, setOpen] = useState(false);
  const formula = i18n.exists(`terms.${name}.formula`) ? (t as (key: string) => string)(`terms.${name}.formula`) : "";
  return (
    <TooltipTrigger delay={200} closeDelay={0} isOpen={open} onOpenChange={setOpen} shouldCloseOnPress={false}>
      <Button
        className={classes(
          "cursor-help text-left underline decoration-edge/70 decoration-dotted underline-offset-[3px] rounded-sm",
          className,
        )}
        onPress={() => setOpen(true)}
      >
        {children ?? t(`terms.${name}.word`)}
      </Button>
      <AriaTooltip offset={6} className={tooltipClass}>
        {t(`terms.${name}.why`)}
        {formula && <span className="mt-1 block font-mono">{formula}</span>}
      </AriaTooltip>
    </TooltipTrigger>
  );
}
