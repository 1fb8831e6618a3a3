/** @file An address without a page. */

import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { EmptyState } from "../../ui/EmptyState";
import { Page } from "../../ui/Page";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Page title={t("shell.notFound")} fill>
      <EmptyState
        icon="search"
        title={t("shell.notFound")}
        action={
          <Link href="/" className="text-accent-ink underline">
            {t("shell.toStudio")}
          </Link>
        }
      >
        {t("shell.notFoundHint")}
      </EmptyState>
    </Page>
  );
}
