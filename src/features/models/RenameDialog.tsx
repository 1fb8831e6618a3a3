/** @file Asks for another name. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/TextField";

type RenameProps = { title: string; name: string; onClose: () => void; onRename: (name: string) => void };

export function RenameDialog({ title, name, onClose, onRename }: RenameProps) {
  const { t } = useTranslation();
  const [value, setValue] = useState(name);
  const next = value.trim().slice(0, 120);
  const finish = () => {
    if (next === "") return;
    onClose();
    onRename(next);
  };
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      width="sm"
      actions={
        <>
          <Button onPress={onClose}>{t("common.cancel")}</Button>
          <Button variant="primary" isDisabled={next === ""} onPress={finish}>
            {t("models.rename")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          finish();
        }}
      >
        <TextField label={t("models.name")} value={value} onChange={setValue} autoFocus />
      </form>
    </Dialog>
  );
}
