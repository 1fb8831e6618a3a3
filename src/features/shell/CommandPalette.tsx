/** @file ⌘/Ctrl K: finds pages, runs, data sets and actions by name. */

import { useEffect } from "react";
import { Autocomplete, useFilter } from "react-aria-components/Autocomplete";
import { Dialog } from "react-aria-components/Dialog";
import { Header } from "react-aria-components/Header";
import { Input } from "react-aria-components/Input";
import { Menu, MenuItem, MenuSection } from "react-aria-components/Menu";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { TextField } from "react-aria-components/TextField";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { loadDatasets, useDatasets } from "../../state/datasets";
import { inspectFile } from "../../state/imports";
import { loadRuns, useRuns } from "../../state/runs";
import { currentTheme, saveSettings } from "../../state/settings";
import { openPalette } from "../../state/shell";
import { Icon, type IconName } from "../../ui/Icon";
import { datasetFiles, pickFile } from "../../ui/pickFile";
import { itemClass } from "../../ui/Select";
import { places } from "./Rail";

type Entry = { id: string; label: string; icon: IconName; act: () => void };
type Group = { id: string; label: string; entries: Entry[] };

function useGroups(): Group[] {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const datasets = useDatasets();
  const runs = useRuns();
  useEffect(() => {
    if (useDatasets.getState().status !== "ready") void loadDatasets();
    if (useRuns.getState().status !== "ready") void loadRuns();
  }, []);
  const pages = places.map(
    ({ path, name }): Entry => ({ id: path, label: t(`shell.${name}`), icon: name, act: () => navigate(path) }),
  );
  const bring = () =>
    pickFile(datasetFiles, (file) => {
      navigate("/datasets");
      void inspectFile(file);
    });
  const actions: Entry[] = [
    { id: "action:compare", label: t("ablation.title"), icon: "runs", act: () => navigate("/compare") },
    { id: "action:import", label: t("shell.actionImport"), icon: "upload", act: bring },
    {
      id: "action:theme",
      label: t("shell.actionTheme"),
      icon: "moon",
      act: () => saveSettings({ theme: currentTheme() === "dark" ? "light" : "dark" }),
    },
  ];
  const named = (path: string, icon: IconName, things: readonly { id: string; name: string }[]) =>
    things.map(
      (thing): Entry => ({ id: thing.id, label: thing.name, icon, act: () => navigate(`${path}/${thing.id}`) }),
    );
  return [
    { id: "pages", label: t("shell.groupPages"), entries: pages },
    {
      id: "runs",
      label: t("shell.groupRuns"),
      entries: named("/runs", "runs", runs.status === "ready" ? runs.runs : []),
    },
    {
      id: "datasets",
      label: t("shell.groupDatasets"),
      entries: named("/datasets", "datasets", datasets.status === "ready" ? datasets.datasets : []),
    },
    { id: "actions", label: t("shell.groupActions"), entries: actions },
  ].filter(({ entries }) => entries.length > 0);
}

export default function CommandPalette() {
  const { t } = useTranslation();
  const groups = useGroups();
  const { contains } = useFilter({ sensitivity: "base" });
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={openPalette}
      className="fixed inset-0 z-50 flex items-start justify-center bg-veil px-4 pt-[12dvh]"
    >
      <Modal className="w-full max-w-140 overflow-hidden rounded-lg border border-line bg-surface shadow-over">
        <Dialog aria-label={t("shell.palette")} className="flex max-h-[60dvh] flex-col outline-none">
          <Autocomplete filter={contains}>
            <TextField
              aria-label={t("shell.palette")}
              autoFocus
              className="flex items-center gap-2 border-b border-line px-3 text-faint"
            >
              <Icon name="search" />
              <Input
                placeholder={t("shell.palettePlaceholder")}
                className="h-11 flex-1 bg-transparent text-base text-ink outline-none placeholder:text-faint"
              />
            </TextField>
            <Menu
              aria-label={t("shell.palette")}
              className="min-h-0 flex-1 overflow-auto p-1 outline-none"
              renderEmptyState={() => <p className="p-3 text-sm text-muted">{t("shell.paletteEmpty")}</p>}
            >
              {groups.map((group) => (
                <MenuSection key={group.id} id={group.id}>
                  <Header className="px-2 pt-2 pb-1 text-xs text-faint">{group.label}</Header>
                  {group.entries.map((entry) => (
                    <MenuItem
                      key={entry.id}
                      id={entry.id}
                      textValue={entry.label}
                      className={`${itemClass} items-center`}
                      onAction={() => {
                        openPalette(false);
                        entry.act();
                      }}
                    >
                      <Icon name={entry.icon} className="text-faint" />
                      <span className="truncate">{entry.label}</span>
                    </MenuItem>
                  ))}
                </MenuSection>
              ))}
            </Menu>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
