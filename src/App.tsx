/** @file The shell around every page, and the page itself behind its error boundary. */

import { lazy, Suspense } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { useTranslation } from "react-i18next";
import { Route, Switch, useLocation } from "wouter";
import { DropAnywhere } from "./features/shell/DropAnywhere";
import { Frame } from "./features/shell/Frame";
import { NotFound } from "./features/shell/NotFound";
import { PageBoundary } from "./features/shell/PageBoundary";
import { routes } from "./routes";
import { useExports } from "./state/exports";
import { dismissMessage, useShell } from "./state/shell";
import { Toasts } from "./ui/Toasts";

const ExportDialog = lazy(() => import("./features/exports/ExportDialog"));
const CommandPalette = lazy(() => import("./features/shell/CommandPalette"));

export function App() {
  const { i18n } = useTranslation();
  const [location] = useLocation();
  const { messages, isPaletteOpen } = useShell();
  const isExporting = useExports(({ asking }) => asking !== null);
  return (
    <I18nProvider locale={i18n.resolvedLanguage ?? "en"}>
      <Frame>
        <PageBoundary key={location}>
          <Suspense>
            <Switch>
              {routes.map(({ path, Page }) => (
                <Route key={path} path={path}>
                  <Page />
                </Route>
              ))}
              <Route>
                <NotFound />
              </Route>
            </Switch>
          </Suspense>
        </PageBoundary>
      </Frame>
      <DropAnywhere />
      {isExporting && (
        <Suspense>
          <ExportDialog />
        </Suspense>
      )}
      {isPaletteOpen && (
        <Suspense>
          <CommandPalette />
        </Suspense>
      )}
      <Toasts toasts={messages} onDismiss={dismissMessage} />
    </I18nProvider>
  );
}
