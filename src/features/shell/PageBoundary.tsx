/** @file Catches what a page throws, so that the rest of the studio goes on. */

import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/ErrorNotice";
import { Page } from "../../ui/Page";

type Caught = { error: unknown } | null;

/** A class, since React has no other way to catch a render's error. Give it a `key` that changes with the page. */
export class PageBoundary extends Component<{ children: ReactNode }, { caught: Caught }> {
  override state: { caught: Caught } = { caught: null };

  static getDerivedStateFromError(error: unknown) {
    return { caught: { error } };
  }

  override render() {
    const { caught } = this.state;
    if (!caught) return this.props.children;
    return <PageFailed error={caught.error} onRetry={() => this.setState({ caught: null })} />;
  }
}

function PageFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation();
  return (
    <Page title={t("error.page")}>
      <ErrorNotice
        error={error}
        className="max-w-160"
        action={
          <Button size="sm" onPress={onRetry}>
            {t("error.reloadPage")}
          </Button>
        }
      />
    </Page>
  );
}
