/** @file The words of pages that are loaded when they are first opened, in English. */

import { exporting } from "./en/exports";
import { figures } from "./en/figures";
import { groups } from "./en/groups";
import { playground } from "./en/playground";
import { settings } from "./en/settings";

export const enLater = { exports: exporting, figures, groups, playground, settings };
