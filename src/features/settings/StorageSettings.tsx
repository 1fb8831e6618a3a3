/** @file How much the studio keeps in this browser, and the way to be rid of it. */

import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteAllData, loadUsage, useUsage } from "../../state/usage";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { ConfirmDialog } from "../../ui/Dialog";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { formatBytes } from "../../ui/formatQuantity";
import { ProgressBar } from "../../ui/ProgressBar";

export function StorageSettings() {
  const { t } = useTranslation();
  const usage = useUsage();
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => void loadUsage(), []);
  return (
    <Card title={t("settings.storage")}>
      {usage.status === "ready" && (
        <>
          <p>{t("settings.used", { used: formatBytes(usage.used), available: formatBytes(usage.available) })}</p>
          <ProgressBar
            label={t("settings.usedLabel")}
            value={usage.available > 0 ? usage.used / usage.available : 0}
            className="my-2"
          />
        </>
      )}
      <p className="text-xs text-muted">
        {t("settings.stays")} {usage.status === "ready" && t(usage.isKept ? "settings.kept" : "settings.notKept")}
      </p>
      {error !== null && <ErrorNotice error={error} className="mt-3" />}
      <Button variant="danger" icon="trash" className="mt-3" onPress={() => setAsking(true)}>
        {t("settings.deleteAll")}
      </Button>
      <ConfirmDialog
        title={t("settings.deleteAllTitle")}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        action={t("settings.deleteAll")}
        onConfirm={() => void deleteAllData().catch(setError)}
      >
        {t("settings.deleteAllDetail")}
      </ConfirmDialog>
    </Card>
  );
}
