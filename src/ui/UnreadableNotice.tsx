/** @file Says that some of what is stored cannot be shown, rather than leaving it out in silence. */

import { useTranslation } from "react-i18next";
import { Notice } from "./Notice";

export function UnreadableNotice({ count }: { count: number }) {
  const { t } = useTranslation();
  if (count === 0) return null;
  return (
    <div className="p-3 lg:px-6">
      <Notice tone="warn">{t("common.unreadable", { count })}</Notice>
    </div>
  );
}
