/** @file Errors: the titles and hints of core's table under `error.<code>.title` and `error.<code>.hint`. */

import { explanations } from "../../../core/errors";

type Words = { [key: string]: string | Words };

/** A code's dot is a key's dot. */
function nest(): Words {
  const root: Words = {};
  for (const [code, [title, hint]] of Object.entries(explanations)) {
    let at = root;
    for (const part of code.split(".")) {
      const next = at[part];
      at = typeof next === "object" ? next : (at[part] = {});
    }
    at["title"] = title;
    at["hint"] = hint;
  }
  return root;
}

export const errors = {
  // Typed as nothing: these keys are made of codes, and only `explainError` asks for them.
  ...(nest() as unknown as object),
  copy: "Copy details",
  page: "This page stopped working",
  reloadPage: "Show the page again",
};
