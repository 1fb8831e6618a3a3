/** @file A file dropped on any page goes to Datasets, a model or an adapter to Models. */

import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { isAdapterDrop, offerAdapter } from "../../state/adapters";
import { inspectFile } from "../../state/imports";
import { importModel } from "../../state/models";
import { droppedFiles } from "../../ui/droppedFiles";
import { Icon } from "../../ui/Icon";

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;

/** What no data set is. */
const isOfModel = ({ name }: File) => /\.(gguf|safetensors|bin)$/i.test(name) || name === "config.json";

/** The base whose adapters lie under the drop. */
const baseUnder = (target: EventTarget | null): string | null =>
  (target instanceof Element && target.closest("[data-adapters-of]")?.getAttribute("data-adapters-of")) || null;

export function DropAnywhere() {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const [isOver, setOver] = useState(false);
  const depth = useRef(0); // enter and leave fire for every element passed
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const count = (event: DragEvent, change: number) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth.current = Math.max(0, depth.current + change);
      setOver(depth.current > 0);
    };
    addEventListener("dragenter", (event) => count(event, 1), { signal });
    addEventListener("dragleave", (event) => count(event, -1), { signal });
    addEventListener("dragover", (event) => count(event, 0), { signal });
    addEventListener(
      "drop",
      (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        if (!event.dataTransfer) return;
        const base = baseUnder(event.target);
        void droppedFiles(event.dataTransfer).then(async ({ files, folder }) => {
          const [file] = files;
          if (!file) return;
          if (await isAdapterDrop(files)) {
            navigate("/models");
            offerAdapter(files, base, folder ?? undefined);
            return;
          }
          if (folder !== null || files.some(isOfModel)) {
            navigate("/models");
            void importModel(files, folder ?? undefined);
            return;
          }
          navigate("/datasets");
          void inspectFile(file);
        });
      },
      { signal },
    );
    return () => controller.abort();
  }, [navigate]);
  if (!isOver) return null;
  return (
    <div className="pointer-events-none fixed inset-0 z-50 flex items-center justify-center bg-veil p-4">
      <div className="flex items-center gap-3 rounded-lg border-2 border-dashed border-accent bg-surface px-8 py-6 text-base shadow-over">
        <Icon name="upload" size={20} className="text-accent" />
        {t("shell.dropHere")}
      </div>
    </div>
  );
}
