/** @file The question being written as the tuned model will read it, what carries logic underlined. */

import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { TrainedId } from "../../core/adapterRecord";
import { useEngine } from "../../state/engine";
import { loadPromptMarks, usePromptMarks } from "../../state/promptMarks";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { MarkLegend } from "../../ui/TokenLegend";
import { TokenText } from "../../ui/TokenText";

export function PromptMarks({ run, prompt }: { run: TrainedId; prompt: string }) {
  const { t } = useTranslation();
  const isReady = useEngine(({ status }) => status === "ready");
  const state = usePromptMarks();
  const isEmpty = prompt.trim() === "";
  useEffect(() => {
    if (isReady && !isEmpty) loadPromptMarks(run, prompt);
  }, [isReady, isEmpty, run, prompt]);
  if (isEmpty) return null;
  return (
    <div className="flex shrink-0 items-start gap-4 border-t border-line px-4 pt-2 max-sm:flex-col max-sm:gap-1 lg:px-6">
      {state.status === "failed" ? (
        <ErrorNotice error={state.error} />
      ) : (
        <TokenText
          label={t("playground.asRead")}
          tokens={state.value?.run === run ? state.value.tokens : []}
          className="max-h-19 min-h-6 min-w-0 flex-1"
        />
      )}
      <p className="shrink-0 pt-1 text-xs text-faint">
        <MarkLegend />
      </p>
    </div>
  );
}
