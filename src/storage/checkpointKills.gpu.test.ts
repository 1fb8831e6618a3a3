/** @file A worker killed in the middle of saving, in a real browser: no checkpoint is torn, none acknowledged is lost. */

import { expect, test } from "vitest";
import { newRandom } from "../core/random";
import { newRecipe } from "../core/recipe";
import { newRun, type Run } from "../core/run";
import { newBrowserRunStore } from "./browserRunStore";
import { checkpointFolder, runOfFile } from "./checkpointFiles";
import { checkpointBytes } from "./checkpointLoop.fixture";
import { opfs } from "./files";
import { deleteRun, readHistory, saveRun } from "./runs";
import { sweepStorage } from "./sweepStorage";

const kills = 50;

/** Lets a worker save from step `from` on, kills it `wait` milliseconds after its first; answers the last told. */
async function saveAndKill(run: Run, from: number, wait: number): Promise<number> {
  const worker = new Worker(new URL("./checkpointLoop.fixture.ts", import.meta.url), { type: "module" });
  let last = 0;
  await new Promise<void>((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }: MessageEvent<number>) => {
      if (last === 0) setTimeout(resolve, wait);
      last = data;
    };
    worker.postMessage({ run, from });
  });
  worker.terminate();
  return last;
}

test(`after each of ${kills} kills the newest checkpoint is whole, and the next start leaves no orphan`, async () => {
  const random = newRandom(50);
  const run = newRun(newRecipe(), "killed");
  await saveRun(run);
  const store = newBrowserRunStore();
  let from = 1;
  let cutShort = 0;
  for (let kill = 0; kill < kills; kill++) {
    const told = await saveAndKill(run, from, random.next() * 60);
    await new Promise((resolve) => setTimeout(resolve, 30)); // a dying worker lets go of its files
    const orphans = (await opfs.listFiles(checkpointFolder)).filter((path) => runOfFile(path) === run.id).length - 1;
    if (orphans > 0) cutShort++;
    await sweepStorage();
    const checkpoint = await store.readCheckpoint(run.id);
    const step = checkpoint?.step ?? 0;
    expect([told, told + 1]).toContain(step);
    expect(checkpoint?.bytes).toEqual(checkpointBytes(step));
    expect((await readHistory(run.id)).steps.at(-1)?.step).toBe(step);
    from = step + 1;
  }
  expect(cutShort, "kills that fell into a save").toBeGreaterThan(3);
  await expect
    .poll(
      async () => {
        await sweepStorage();
        return (await opfs.listFiles(checkpointFolder)).filter((path) => runOfFile(path) === run.id).length;
      },
      { timeout: 5000 },
    )
    .toBe(1);
  await deleteRun(run.id);
});
