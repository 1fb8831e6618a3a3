/** @file The words of pages and parts that are loaded when they are first opened, in English. */

import { datasets } from "./en/datasets";
import { exporting } from "./en/exports";
import { figures } from "./en/figures";
import { figureTerms } from "./en/figureTerms";
import { groups } from "./en/groups";
import { models } from "./en/models";
import { objectiveTerms } from "./en/objectiveTerms";
import { playground } from "./en/playground";
import { rewards } from "./en/rewards";
import { settings } from "./en/settings";
import { solution } from "./en/solution";

export const enLater = {
  datasets,
  exports: exporting,
  figures,
  groups,
  models,
  playground,
  rewards,
  settings,
  solution,
  terms: { ...objectiveTerms, ...figureTerms },
};
