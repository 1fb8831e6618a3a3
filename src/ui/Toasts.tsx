/** @file Short messages at the corner: something was saved, something went wrong elsewhere. */

import { useTranslation } from "react-i18next";
import { Button, IconButton } from "./Button";
import { Icon, type IconName } from "./Icon";

export type Toast = {
  id: number;
  tone: "good" | "bad" | "info";
  title: string;
  detail?: string;
  action?: { label: string; run: () => void };
};

const marks = {
  good: ["check", "text-good"],
  bad: ["error", "text-bad"],
  info: ["info", "text-faint"],
} as const satisfies Record<Toast["tone"], readonly [IconName, string]>;

export function Toasts({ toasts, onDismiss }: { toasts: readonly Toast[]; onDismiss: (id: number) => void }) {
  const { t } = useTranslation();
  return (
    <section
      aria-label={t("shell.messages")}
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-24 z-50 flex w-90 max-w-[calc(100vw-32px)] flex-col gap-2 sm:bottom-12"
    >
      {toasts.map((toast) => (
        <div
          key={toast.id}
          className="pointer-events-auto flex items-start gap-2 rounded-md border border-line bg-surface p-3 pr-2 text-sm shadow-over"
        >
          <Icon name={marks[toast.tone][0]} className={`mt-0.5 ${marks[toast.tone][1]}`} />
          <div className="min-w-0 flex-1">
            <p className="font-medium">{toast.title}</p>
            {toast.detail && <p className="break-words text-muted">{toast.detail}</p>}
          </div>
          {toast.action && (
            <Button
              size="sm"
              onPress={() => {
                onDismiss(toast.id);
                toast.action?.run();
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <IconButton label={t("common.dismiss")} icon="close" size="sm" onPress={() => onDismiss(toast.id)} />
        </div>
      ))}
    </section>
  );
}
