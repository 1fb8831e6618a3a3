/** @file The table of pages, each loaded when it is first opened. */

import { type ComponentType, lazy } from "react";
import { loadMoreWords } from "./ui/words/i18n";

type Page = () => Promise<{ default: ComponentType }>;

const pages: readonly (readonly [path: string, load: Page])[] = [
  ["/", () => import("./features/studio/StudioPage")],
  ["/models", () => import("./features/models/ModelsPage")],
  ["/datasets/:id?", () => import("./features/datasets/DatasetsPage")],
  ["/runs", () => import("./features/runs/RunsPage")],
  ["/runs/:id", () => import("./features/runs/RunPage")],
  ["/runs/:id/groups", () => import("./features/runs/GroupsPage")],
  ["/compare", () => import("./features/ablation/AblationsPage")],
  ["/compare/new", () => import("./features/ablation/NewAblationPage")],
  ["/compare/:id", () => import("./features/ablation/AblationPage")],
  ["/playground", () => import("./features/playground/PlaygroundPage")],
  ["/settings", () => import("./features/settings/SettingsPage")],
];

/** A page comes with its words; those of the first one are there already. */
const withWords = async (load: Page) => (await Promise.all([load(), loadMoreWords()]))[0];

export const routes = pages.map(([path, load]) => ({
  path,
  Page: lazy(path === "/" ? load : () => withWords(load)),
}));
