/** @file The line at the foot of every page: backend and device, memory, the running job. */

import type { TFunction } from "i18next";
import { lazy, Suspense } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { EngineInfo } from "../../core/engine";
import { reopenEngine, useEngine, useMemory } from "../../state/engine";
import { openPalette } from "../../state/shell";
import { Kbd } from "../../ui/Badge";
import { Button as UiButton } from "../../ui/Button";
import { explainError } from "../../ui/explainError";
import { formatBytes, formatCount } from "../../ui/formatQuantity";
import { Icon } from "../../ui/Icon";
import { Tooltip } from "../../ui/Tooltip";
import { translate } from "../../ui/words/translate";

function engineWords(t: TFunction, info: EngineInfo): string {
  const name =
    info.backend === "wasm"
      ? t("shell.wasm", { count: info.threads })
      : info.backend === "webgpu"
        ? info.adapter
          ? t("shell.webgpuOn", { adapter: info.adapter })
          : t("shell.webgpu")
        : t("shell.cpu");
  return info.software ? `${name} (${t("shell.software")})` : name;
}

const part = "flex h-full items-center gap-1.5 whitespace-nowrap px-2 rounded-sm data-hovered:bg-hover cursor-default";

function EnginePart() {
  const { t } = useTranslation();
  const engine = useEngine();
  if (engine.status === "ready") {
    return (
      <Tooltip text={translate(t, engine.info.reason)}>
        <Button className={`${part} min-w-0`}>
          <span className="size-1.5 shrink-0 rounded-full bg-good" />
          <span className="truncate">{engineWords(t, engine.info)}</span>
        </Button>
      </Tooltip>
    );
  }
  if (engine.status === "failed") {
    const { title, detail } = explainError(t, engine.error);
    return (
      <>
        <Tooltip text={[title, detail].filter(Boolean).join(". ")}>
          <Button className={`${part} text-bad`}>
            <Icon name="error" size={14} />
            {t("shell.engineFailed")}
          </Button>
        </Tooltip>
        <UiButton size="sm" variant="quiet" onPress={() => void reopenEngine()}>
          {t("shell.retryEngine")}
        </UiButton>
      </>
    );
  }
  return <span className={`${part} text-faint`}>{t("shell.engineLoading")}</span>;
}

function MemoryPart() {
  const { t } = useTranslation();
  const { memory } = useMemory();
  if (!memory) return null;
  const share = Math.min(1, memory.used / Math.max(1, memory.available));
  return (
    <Tooltip text={t("shell.memoryWhy", { tensors: formatCount(memory.tensors) })}>
      <Button className={part}>
        <span className="h-1 w-8 overflow-hidden rounded-full bg-line">
          <span
            className={`block h-full ${share > 0.9 ? "bg-bad" : share > 0.7 ? "bg-warn" : "bg-muted"}`}
            style={{ width: `${share * 100}%` }}
          />
        </span>
        {t("shell.memory", { used: formatBytes(memory.used), available: formatBytes(memory.available) })}
      </Button>
    </Tooltip>
  );
}

/** Loaded once the engine is there, so that neither holds up the first paint. */
const RunPart = lazy(() => import("./RunPart"));

export function StatusLine() {
  const { t } = useTranslation();
  const isReady = useEngine(({ status }) => status === "ready");
  return (
    <footer
      aria-label={t("shell.status")}
      className="flex h-7 shrink-0 items-center gap-1 border-t border-line bg-page px-1 text-xs text-muted"
    >
      <EnginePart />
      <MemoryPart />
      <span className="flex-1" />
      {isReady && (
        <Suspense>
          <RunPart />
        </Suspense>
      )}
      <Button className={`${part} max-sm:hidden`} onPress={() => openPalette()}>
        {t("shell.find")}
        <Kbd>{/mac|iphone|ipad/i.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</Kbd>
      </Button>
    </footer>
  );
}
