/** @file The words of the interface in English, one file a page: those that the first page and the frame around it need. */

import { ablation } from "./en/ablation";
import { charts } from "./en/charts";
import { errors } from "./en/errors";
import { run } from "./en/run";
import { runs } from "./en/runs";
import { common, field, shell } from "./en/shell";
import { studio } from "./en/studio";
import { terms } from "./en/terms";

export const en = {
  common,
  field,
  shell,
  studio,
  runs,
  run,
  ablation,
  charts,
  terms,
  error: errors,
};
