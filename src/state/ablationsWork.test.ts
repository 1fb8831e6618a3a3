/** @file The queue of an ablation over real storage: in order, over reloads and failures, and never two runs at once. */

import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { type Ablation, type AblationId, type Cell, newAblation, withCell } from "../core/ablation";
import { variantOfWord } from "../core/ablationVariants";
import { StudioError, toWire } from "../core/errors";
import type { RunId } from "../core/ids";
import { newRecipe, type Recipe } from "../core/recipe";
import { newRun, type Run } from "../core/run";
import { say } from "../core/say";
import { changeAblation, saveAblation } from "../storage/ablations";
import { getRun, listRuns, saveRun } from "../storage/runs";
import { cellStatus, viewQueue } from "./ablationsQueue";
import { type QueueHost, workQueue } from "./ablationsWork";

const recipe = newRecipe();

async function newStored(words = ["lora:2", "bias"], seeds = [1, 2]): Promise<Ablation> {
  const variants = words.map((word) => variantOfWord(recipe, word));
  const ablation = newAblation({ name: `a${Math.random()}`, recipe, variants, seeds });
  await saveAblation(ablation);
  return ablation;
}

type End = Partial<Run> | "hangs" | "dies";

/** A tab: an engine that trains one run at a time and ends it as it is told, and the records in storage. */
function newTab(id: AblationId, endOf: (run: Run) => End = () => ({})) {
  const started: string[] = [];
  const taken: number[] = [];
  const rests: string[] = [];
  let runs = new Map<RunId, Run>();
  let training: RunId | null = null;
  let hung: () => void = () => undefined;
  const hangs = new Promise<void>((resolve) => {
    hung = resolve;
  });
  const train = async (run: Run, how: string) => {
    if (training) throw new StudioError("run.active");
    training = run.id;
    started.push(`${how} ${run.name.split(" · ").slice(1).join(" ")}`);
    await saveRun({ ...run, status: "running" });
  };
  const host: QueueHost = {
    change: (by) => changeAblation(id, by),
    runs: () => runs,
    untilIdle: async () => {
      expect(training).toBeNull();
      runs = new Map((await listRuns()).readable.map((run) => [run.id, run]));
    },
    untilEnded: async (run) => {
      const now = await getRun(run);
      const end = training === run ? endOf(now) : now;
      if (end === "hangs") {
        hung();
        await new Promise(() => undefined);
      }
      const over: Partial<Run> =
        typeof end === "string" ? { status: "interrupted" } : { status: "done", step: 300, checkpoint: 300, ...end };
      await saveRun({ ...now, ...over });
      training = null;
      runs = new Map([...runs, [run, await getRun(run)]]);
    },
    plan: (planned: Recipe) =>
      planned.adaptation[0]?.kind === "bias"
        ? Promise.reject(new StudioError("adapter.invalid"))
        : Promise.resolve({ trained: 5, parameters: 100, memory: 7, file: 9 }),
    start: async (begun) => {
      const run = newRun(begun, begun.name);
      await train(run, "new");
      return run.id;
    },
    resume: (run) => {
      const known = runs.get(run);
      if (known) void train(known, "resumed");
    },
    rest: (_, how) => {
      rests.push(how);
      return Promise.resolve();
    },
    failure: () => undefined,
    onTaken: (seconds) => taken.push(seconds),
  };
  return { host, started, taken, rests, hangs };
}

const stored = (id: AblationId) => changeAblation(id, (old) => old);
const allRuns = async () => new Map((await listRuns()).readable.map((run) => [run.id, run]));
const statuses = async (id: AblationId) => {
  const runs = await allRuns();
  return (await stored(id)).cells.map((cell) => cellStatus(cell, runs));
};
const nobody = { here: false, elsewhere: false, taken: [] };

test("cells run in order, one at a time, and the record says whose run is whose", async () => {
  const { id } = await newStored();
  const tab = newTab(id);
  await workQueue(tab.host);
  expect(tab.started).toEqual(["new lora:2 1", "new bias 1", "new lora:2 2", "new bias 2"]);
  const ablation = await stored(id);
  const runs = await allRuns();
  for (const cell of ablation.cells) expect(runs.get(cell.run!)!.name).toContain(` · ${cell.variant} · ${cell.seed}`);
  expect(ablation.figures).toEqual({ "lora:2": { trained: 5, parameters: 100, memory: 7, file: 9 } });
  expect(tab.taken).toHaveLength(4);
  expect(viewQueue(ablation, runs, nobody)).toEqual({
    status: "ended",
    total: 4,
    done: 4,
    failed: 0,
    active: null,
    secondsLeft: 0,
  });
});

test("a tab that goes away in the middle: the next goes on with the run that was cut off", async () => {
  const { id } = await newStored();
  const first = newTab(id, (run) => (run.name.endsWith("bias · 1") ? "hangs" : {}));
  void workQueue(first.host);
  await first.hangs;
  expect(await statuses(id)).toEqual(["done", "running", "waiting", "waiting"]);
  const runs = await allRuns();
  const cut = [...runs.values()].find((run) => run.status === "running" && run.name.endsWith("bias · 1"))!;
  expect(viewQueue(await stored(id), runs, nobody)).toMatchObject({
    status: "interrupted",
    done: 1,
    active: { seed: 1 },
  });
  await saveRun({ ...cut, status: "interrupted", step: 100, checkpoint: 100 }); // as the sweep at start leaves it
  const next = newTab(id);
  await workQueue(next.host);
  expect(next.started).toEqual(["resumed bias 1", "new lora:2 2", "new bias 2"]);
  expect(await statuses(id)).toEqual(["done", "done", "done", "done"]);
  expect(next.taken).toHaveLength(2); // half a run says nothing of a whole one
});

test("a run that began before its cell was told is found again", async () => {
  const ablation = await newStored();
  const { host, started } = newTab(ablation.id);
  const lost = newTab(ablation.id);
  const start = lost.host.start;
  lost.host.start = async (begun) => {
    await start(begun);
    throw new StudioError("storage.failed");
  };
  await expect(workQueue(lost.host)).rejects.toMatchObject({ code: "storage.failed" });
  const [orphan] = [...(await allRuns()).values()].filter(({ name }) => name.startsWith(ablation.name));
  await saveRun({ ...orphan!, status: "interrupted" });
  await workQueue(host);
  expect(started[0]).toBe("resumed lora:2 1");
  expect((await stored(ablation.id)).cells[0]!.run).toBe(orphan!.id);
});

test("a run that fails is passed over, and gets another run when it is asked for again", async () => {
  const { id } = await newStored();
  const error = toWire(new StudioError("run.diverged", say`Step 3`));
  const failing = newTab(id, (run) => (run.name.endsWith("lora:2 · 1") ? { status: "failed", step: 3, error } : {}));
  await workQueue(failing.host);
  expect(await statuses(id)).toEqual(["failed", "done", "done", "done"]);
  const ablation = await stored(id);
  expect(viewQueue(ablation, await allRuns(), nobody)).toMatchObject({ status: "ended", done: 3, failed: 1 });
  await changeAblation(id, (old) => withCell(old, old.cells[0] as Cell, { run: null }));
  const again = newTab(id);
  await workQueue(again.host);
  expect(again.started).toEqual(["new lora:2 1"]);
});

test("a run stopped by hand pauses the queue; going on resumes it; a cell left out is not run", async () => {
  const { id } = await newStored();
  const stopping = newTab(id, () => ({ status: "stopped", step: 10, checkpoint: 10 }));
  await workQueue(stopping.host);
  expect(stopping.started).toEqual(["new lora:2 1"]);
  expect((await stored(id)).queue).toBe("paused");
  await changeAblation(id, (old) => ({
    ...withCell(old, { variant: "bias", seed: 1 }, { isLeftOut: true }),
    queue: "going",
  }));
  const next = newTab(id);
  await workQueue(next.host);
  expect(next.started).toEqual(["resumed lora:2 1", "new lora:2 2", "new bias 2"]);
  expect(await statuses(id)).toEqual(["done", "leftOut", "done", "done"]);
});

test("an engine that dies ends the work with its error; a pause while a run is prepared reaches it", async () => {
  const { id } = await newStored();
  await expect(workQueue(newTab(id, () => "dies").host)).rejects.toMatchObject({ code: "engine.crashed" });
  const late = newTab((await newStored()).id);
  const { start } = late.host;
  late.host.start = async (begun) => {
    await late.host.change((old) => ({ ...old, queue: "stopped" }));
    return start(begun);
  };
  await workQueue(late.host);
  expect([late.started, late.rests]).toEqual([["new lora:2 1"], ["stopped"]]);
});

test("time left goes by the cells that ended, else by the pace of the one under way", async () => {
  const ablation = await newStored();
  const [cell] = ablation.cells;
  const run: Run = { ...newRun(recipe, "x"), status: "running", step: 150, seconds: 60 };
  const going = withCell(ablation, cell!, { run: run.id });
  const runs = new Map([[run.id, run]]);
  expect(viewQueue(ablation, new Map(), nobody).secondsLeft).toBeNull();
  expect(viewQueue(going, runs, nobody).secondsLeft).toBeCloseTo(3.5 * 120);
  expect(viewQueue(going, runs, { here: true, elsewhere: false, taken: [200, 100] })).toMatchObject({
    status: "going",
    secondsLeft: 3.5 * 150,
  });
});
