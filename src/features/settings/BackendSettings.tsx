/** @file Which backend does the arithmetic, what each means, and why the present one runs. */

import { useTranslation } from "react-i18next";
import { reopenEngine, useEngine } from "../../state/engine";
import { useActiveRun } from "../../state/runs";
import { backendChoices, saveSettings, useSettings } from "../../state/settings";
import { Badge } from "../../ui/Badge";
import { Card } from "../../ui/Card";
import { Choice } from "../../ui/Choice";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { translate } from "../../ui/words/translate";

const means = { auto: "autoMeans", webgpu: "webgpuMeans", wasm: "wasmMeans", cpu: "cpuMeans" } as const;

export function BackendSettings() {
  const { t } = useTranslation();
  const { backend } = useSettings();
  const engine = useEngine();
  const active = useActiveRun();
  return (
    <Card title={t("settings.backend")}>
      <Choice
        label={t("settings.backend")}
        value={backend}
        isDisabled={active !== null || engine.status === "opening"}
        options={backendChoices.map((id) => ({
          id,
          label: t(`settings.${id}`),
          description: t(`settings.${means[id]}`),
        }))}
        onChange={(value) => {
          saveSettings({ backend: value });
          void reopenEngine();
        }}
      />
      {active && <p className="mt-3 text-xs text-muted">{t("settings.notWhileTraining")}</p>}
      <div className="mt-4 border-t border-line pt-3" aria-live="polite">
        {engine.status === "failed" && <ErrorNotice error={engine.error} />}
        {engine.status === "opening" && <p className="text-muted">{t("settings.switching")}</p>}
        {engine.status === "ready" && (
          <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
            <dt className="text-muted">{t("settings.running")}</dt>
            <dd>
              {t(`settings.${engine.info.backend}`)}
              {engine.info.adapter && <span className="text-muted"> · {engine.info.adapter}</span>}
              {engine.info.backend === "wasm" && (
                <span className="text-muted"> · {t("settings.threads", { count: engine.info.threads })}</span>
              )}
            </dd>
            <dt className="text-muted">{t("settings.why")}</dt>
            <dd>{translate(t, engine.info.reason)}</dd>
            <dt className="text-muted">{t("settings.features")}</dt>
            <dd className="flex flex-wrap gap-1">
              {engine.info.features.length === 0 && t("settings.none")}
              {engine.info.features.map((feature) => (
                <Badge key={feature}>{feature}</Badge>
              ))}
            </dd>
          </dl>
        )}
      </div>
    </Card>
  );
}
