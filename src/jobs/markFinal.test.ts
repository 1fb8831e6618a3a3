/** @file A mark made by hand stays in the row: it is trained on, leaves with the export, comes in again, and can be taken back. */

import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import type { Dataset } from "../core/dataset";
import { newObjective } from "../core/objective";
import { newRecipe, type Recipe } from "../core/recipe";
import { toExample } from "../data/example";
import { getDataset, readRows } from "../storage/datasets";
import { exportDataset } from "./exportDataset";
import { importDataset } from "./importDataset";
import { inspectFile } from "./inspectFile";
import { markFinal } from "./markFinal";
import { openModel, openTokenizer } from "./openModel";
import { newMarkedDocument } from "./prepareData";
import { previewRow } from "./previewRow";
import { newTinyModel } from "./tinyModel";

const open = await openModel(newTinyModel());
const model = { config: open.config, tokenizer: openTokenizer(open) };
const { signal } = new AbortController();
const noAsset = () => Promise.resolve(null);

async function bring(text: string): Promise<Dataset> {
  const file = Object.assign(new Blob([text]), { name: "rows.jsonl" });
  const { mapping } = await inspectFile(file);
  const result = await importDataset({ file, name: "rows", mapping, onBad: "report" });
  if (!("dataset" in result)) throw new Error("refused");
  return result.dataset;
}
const rows = Array.from({ length: 1200 }, (_, i) => ({ question: `q${i}`, answer: `1+1=2 so\n#### ${i}` }));

let dataset: Dataset;
let recipe: Recipe;
beforeEach(async () => {
  dataset = await bring(rows.map((row) => JSON.stringify(row)).join("\n"));
  recipe = newRecipe({ objective: newObjective("sft", { stepWeight: 0.3 }) });
  recipe.data.source = dataset.id;
});

/** What the model learns of a stored row as steps and as answer. */
async function parts(index: number): Promise<[string, string]> {
  const { mapping } = await getDataset(dataset.id);
  const [row = {}] = await readRows(dataset.id, index, 1);
  const { tokens } = await previewRow(toExample(row, mapping), recipe, model);
  const text = (part: string) =>
    model.tokenizer.decode(tokens.flatMap((token) => (token.part === part ? token.id : [])));
  return [text("steps"), text("final")];
}
/** The token of a row's document that begins with this text. */
function tokenAt(index: number, text: string): number {
  const { prompt, completion } = { prompt: rows[index]?.question ?? "", completion: rows[index]?.answer ?? "" };
  const { tokens } = newMarkedDocument({ prompt, completion }, recipe, model.tokenizer, 500, null);
  return tokens.findIndex((_, i) => model.tokenizer.decode(tokens.slice(i)).startsWith(text));
}

test("marked, trained on, exported, imported again, taken back; other rows stay as they were", async () => {
  expect(await parts(700)).toEqual([" 1+1=2 so\n", "#### 700"]);
  const marked = await markFinal({ recipe, row: 700, token: tokenAt(700, "2 so") }, model);
  expect(marked).toEqual(await getDataset(dataset.id));
  expect(marked.columns).toEqual(["question", "answer", "final_start"]);
  expect(await parts(700)).toEqual([" 1+1=", "2 so\n#### 700"]);
  const stored = await readRows(dataset.id, 0, 1200);
  expect(stored[700]).toEqual({ ...rows[700], final_start: 4 });
  expect(stored.filter((_, i) => i !== 700)).toEqual(rows.filter((_, i) => i !== 700));

  const text = await (await exportDataset(dataset.id, noAsset, signal)).text();
  const back = await bring(text.split("\n").slice(695, 705).join("\n")); // a mark in one of the first rows is seen
  expect(back.mapping.finalStart).toBe("final_start");
  expect((await readRows(back.id, 5, 1))[0]).toEqual({ ...rows[700], final_start: 4 });

  await markFinal({ recipe, row: 700, token: null }, model);
  expect((await readRows(dataset.id, 700, 1))[0]).toEqual(rows[700]);
  expect(await parts(700)).toEqual([" 1+1=2 so\n", "#### 700"]);
});

test("a mark moves, at the ends too", async () => {
  const { promptLength, tokens } = newMarkedDocument(
    { prompt: "q1", completion: "1+1=2 so\n#### 1" },
    recipe,
    model.tokenizer,
    500,
    null,
  );
  await markFinal({ recipe, row: 1, token: promptLength }, model);
  expect(await readRows(dataset.id, 1, 1)).toMatchObject([{ final_start: 0 }]);
  await markFinal({ recipe, row: 1, token: tokens.length }, model);
  expect(await readRows(dataset.id, 1, 1)).toMatchObject([{ final_start: 15 }]);
});

test("no such row, no such data set, the embedded data: nothing changes, and it is said", async () => {
  const missing = expect.objectContaining({ code: "dataset.missing" }) as Error;
  await expect(markFinal({ recipe, row: 1200, token: 9 }, model)).rejects.toEqual(missing);
  await expect(markFinal({ recipe, row: -1, token: 9 }, model)).rejects.toEqual(missing);
  const elsewhere = (source: string) => ({ ...recipe, data: { ...recipe.data, source } });
  await expect(markFinal({ recipe: elsewhere("dataset:gone"), row: 0, token: 9 }, model)).rejects.toEqual(missing);
  await expect(markFinal({ recipe: elsewhere("embedded"), row: 0, token: 9 }, model)).rejects.toMatchObject({
    code: "dataset.missing",
    message: expect.stringMatching(/embedded rows stay/) as string,
  });
  expect(await getDataset(dataset.id)).toEqual(dataset);
});
