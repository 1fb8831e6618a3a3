/** @file Asks for a model repository of a Hugging Face hub. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { downloadModel } from "../../state/models";
import { saveSettings, useSettings } from "../../state/settings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/TextField";

export function DownloadDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const host = useSettings(({ hubHost }) => hubHost);
  const [text, setText] = useState("");
  const [revision, setRevision] = useState("main");
  const isNamed = /[^/\s]\/[^/\s]/.test(text);
  const start = () => {
    if (!isNamed) return;
    onClose();
    void downloadModel(text, host, revision.trim() || "main");
  };
  return (
    <Dialog
      title={t("models.download.title")}
      isOpen={isOpen}
      onClose={onClose}
      width="sm"
      actions={
        <>
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" icon="download" isDisabled={!isNamed} onPress={start}>
            {t("models.download.start")}
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <p className="text-sm text-muted">{t("models.download.hint")}</p>
        <TextField
          label={t("models.download.repository")}
          value={text}
          onChange={setText}
          placeholder="HuggingFaceTB/SmolLM2-135M-Instruct"
        />
        <div className="grid grid-cols-2 gap-3">
          <TextField label={t("models.download.revision")} value={revision} onChange={setRevision} />
          <TextField label={t("models.download.host")} value={host} onChange={(hubHost) => saveSettings({ hubHost })} />
        </div>
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
