/** @file Theme, backend, storage, and what this is. */

import { useTranslation } from "react-i18next";
import { saveSettings, themeChoices, useSettings } from "../../state/settings";
import { Kbd } from "../../ui/Badge";
import { Card } from "../../ui/Card";
import { Choice } from "../../ui/Choice";
import { Page } from "../../ui/Page";
import { BackendSettings } from "./BackendSettings";
import { StorageSettings } from "./StorageSettings";

export default function SettingsPage() {
  const { t } = useTranslation();
  const { theme } = useSettings();
  return (
    <Page title={t("settings.title")}>
      <div className="grid max-w-280 items-start gap-4 lg:grid-cols-2">
        <BackendSettings />
        <div className="flex flex-col gap-4">
          <Card title={t("settings.theme")}>
            <Choice
              label={t("settings.theme")}
              value={theme}
              options={themeChoices.map((id) => ({ id, label: t(`settings.${id}`) }))}
              onChange={(value) => saveSettings({ theme: value })}
              isRow
            />
            <p className="mt-2 text-xs text-muted">{t("settings.themeNote")}</p>
          </Card>
          <StorageSettings />
          <Card title={t("settings.about")}>
            <p>{t("settings.aboutText")}</p>
            <p className="mt-1 text-xs text-muted">{t("settings.licence")}</p>
            <p className="mt-3 flex items-center gap-2 text-xs text-muted">
              <Kbd>{/mac|iphone|ipad/i.test(navigator.userAgent) ? "⌘K" : "Ctrl K"}</Kbd> {t("settings.keyFind")}
            </p>
          </Card>
        </div>
      </div>
    </Page>
  );
}
