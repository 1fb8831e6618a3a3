/** @file What went wrong, where, and what to do; the details can be copied into a report. */

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./Button";
import { explainError } from "./explainError";
import { Icon } from "./Icon";

type NoticeProps = { error: unknown; action?: ReactNode; className?: string };

export function ErrorNotice({ error, action, className }: NoticeProps) {
  const { t } = useTranslation();
  const { code, title, hint, detail } = explainError(t, error);
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const report = [`${code}: ${title}`, detail, stack].filter(Boolean).join("\n");
  return (
    <div
      role="alert"
      className={`flex gap-3 rounded-lg border border-bad/40 bg-bad-soft p-3 text-sm ${className ?? ""}`}
    >
      <Icon name="error" className="mt-0.5 text-bad" />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <p className="font-medium text-ink">{title}</p>
        {detail && <p className="font-mono text-xs break-words whitespace-pre-wrap text-ink">{detail}</p>}
        <p className="text-muted">{hint}</p>
        <div className="mt-1 -ml-2 flex flex-wrap gap-2">
          {action}
          <Button size="sm" variant="quiet" icon="copy" onPress={() => void navigator.clipboard.writeText(report)}>
            {t("error.copy")}
          </Button>
        </div>
      </div>
    </div>
  );
}
