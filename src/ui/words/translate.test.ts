/** @file Details in a second language: a table from the English sentence to that language's, values and all. */

import i18n from "i18next";
import { beforeAll, expect, test } from "vitest";
import { fromWire, StudioError, toWire } from "../../core/errors";
import { say, sentence } from "../../core/say";
import { explainError } from "../explainError";
import { loadWords } from "./i18n";
import { translate } from "./translate";

beforeAll(async () => {
  await loadWords();
  i18n.addResourceBundle("de", "details", {
    "{{0}}, line {{1}}: {{2}}": "Zeile {{1}} von {{0}}: {{2}}",
    "is not JSON at its byte {{0}}: {{1}}": "ist ab Byte {{0}} kein JSON: {{1}}",
    "The key a.b is missing: $t(error.copy)": "Der Schlüssel a.b fehlt: $t(error.copy)",
  });
});

const nested = say`${"rows.jsonl"}, line ${7}: ${say`is not JSON at its byte ${2}: ${"{{0}} $t(error.copy) <b>"}`}`;

test("in English the sentence is its own entry", async () => {
  await i18n.changeLanguage("en");
  expect(translate(i18n.t, nested)).toBe("rows.jsonl, line 7: is not JSON at its byte 2: {{0}} $t(error.copy) <b>");
});

test("an error that crossed the wire is explained in the language of the page, its nested reason too", async () => {
  await i18n.changeLanguage("de");
  const error = fromWire(structuredClone(toWire(new StudioError("dataset.row", nested))));
  expect(explainError(i18n.t, error)).toMatchObject({
    code: "dataset.row",
    title: "A row of the data set cannot be used",
    detail: "Zeile 7 von rows.jsonl: ist ab Byte 2 kein JSON: {{0}} $t(error.copy) <b>",
  });
  expect(error.message).toBe("rows.jsonl, line 7: is not JSON at its byte 2: {{0}} $t(error.copy) <b>");
});

test("points, colons and dollars in a sentence are part of it, and what has no entry stays English", async () => {
  await i18n.changeLanguage("de");
  expect(translate(i18n.t, sentence("The key a.b is missing: $t(error.copy)"))).toBe(
    "Der Schlüssel a.b fehlt: $t(error.copy)",
  );
  expect(translate(i18n.t, say`config.json: ${say`is not JSON at its byte ${1}: ${"x"}`}`)).toBe(
    "config.json: ist ab Byte 1 kein JSON: x",
  );
  expect(translate(i18n.t, sentence("An old reason: has {{0}} $t(error.copy)"))).toBe(
    "An old reason: has {{0}} $t(error.copy)",
  );
});

test("an error without a detail has its title alone", () => {
  expect(explainError(i18n.t, new StudioError("run.active"))).toMatchObject({ title: "A run is training", detail: "" });
  expect(explainError(i18n.t, new Error("boom"))).toMatchObject({ code: "bug", detail: "boom" });
});
