/** @file Every word of the interface in English, one file a page. */

import { ablation } from "./en/ablation";
import { charts } from "./en/charts";
import { datasets } from "./en/datasets";
import { errors } from "./en/errors";
import { exporting } from "./en/exports";
import { figures } from "./en/figures";
import { groups } from "./en/groups";
import { models } from "./en/models";
import { playground } from "./en/playground";
import { rewards } from "./en/rewards";
import { run } from "./en/run";
import { runs } from "./en/runs";
import { settings } from "./en/settings";
import { common, field, shell } from "./en/shell";
import { studio } from "./en/studio";
import { terms } from "./en/terms";

export const en = {
  common,
  field,
  shell,
  studio,
  rewards,
  datasets,
  models,
  exports: exporting,
  runs,
  run,
  ablation,
  playground,
  settings,
  charts,
  figures,
  groups,
  terms,
  error: errors,
};
