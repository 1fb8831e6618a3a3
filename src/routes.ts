/** @file The table of pages, each loaded when it is first opened. */

import { type ComponentType, lazy } from "react";

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

export const routes = pages.map(([path, load]) => ({ path, Page: lazy(load) }));
