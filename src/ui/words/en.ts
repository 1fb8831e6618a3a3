/** @file Every word of the interface in English, one file a page. */

import { datasets } from "./en/datasets";
import { errors } from "./en/errors";
import { models } from "./en/models";
import { settings } from "./en/settings";
import { common, field, shell } from "./en/shell";
import { studio } from "./en/studio";
import { terms } from "./en/terms";

export const en = { common, field, shell, studio, datasets, models, settings, terms, error: errors };
