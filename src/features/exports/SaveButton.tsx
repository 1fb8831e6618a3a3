/** @file Hands a written export to the browser as a download. */

import { useTranslation } from "react-i18next";
import type { MadeExport } from "../../core/exportFormat";
import { readExport } from "../../state/exports";
import { showMessage } from "../../state/shell";
import { Button } from "../../ui/Button";
import { explainError } from "../../ui/explainError";
import { saveFile } from "../../ui/saveFile";

/** One that was not proved is to be taken knowingly. */
export function SaveButton({ made, isGood }: { made: MadeExport; isGood: boolean }) {
  const { t } = useTranslation();
  const save = async () => {
    try {
      const { name, zip } = await readExport(made);
      saveFile(name, zip, "application/zip");
      showMessage({ tone: isGood ? "good" : "info", title: t("exports.saved"), detail: name });
    } catch (error) {
      const { title, detail } = explainError(t, error);
      showMessage({ tone: "bad", title, detail });
    }
  };
  return (
    <Button variant={isGood ? "primary" : "danger"} icon="download" onPress={() => void save()}>
      {isGood ? t("exports.save", { name: made.name }) : t("exports.takeAnyway")}
    </Button>
  );
}
