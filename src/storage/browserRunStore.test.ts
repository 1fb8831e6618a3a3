import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { GroupStep, RunEvent, StepMetrics } from "../core/metrics";
import { newRecipe } from "../core/recipe";
import { newRun, type Run } from "../core/run";
import { newBrowserRunStore } from "./browserRunStore";
import { checkpointFolder } from "./checkpointFiles";
import { deleteEverything } from "./deleteEverything";
import { type Failure, type Faults, failingFiles, failObjectStores } from "./failingStorage";
import { eachGroups, listGroupSteps, readGroups } from "./groups";
import { holdRun } from "./locks";
import { newNodeBigFiles } from "./node/nodeBigFiles";
import { newNodeFiles } from "./node/nodeFiles";
import { deleteRun, getRun, listRuns, readHistory, saveRun } from "./runs";
import { sweepStorage } from "./sweepStorage";

const noBigFiles = newNodeBigFiles("/nowhere");

const folder = await mkdtemp(path.join(tmpdir(), "anneal-runs-"));
afterAll(() => rm(folder, { recursive: true }));
const files = newNodeFiles(folder);

const stepEvent = (step: number): RunEvent => ({
  event: "step",
  metrics: { step, "train/loss": 1 / (step + 1) } as StepMetrics,
});
const groupStep = (step: number): GroupStep => ({
  step,
  rewardNames: ["answer", "steps"],
  groups: [
    {
      prompt: "1+1?",
      reference: "#### 2",
      completions: [
        {
          tokens: ["2", "", " 👍", "\n"],
          finished: true,
          rewards: [1, null],
          reward: 1,
          advantages: [0.123_45],
          change: [0.5, -0.25, 1e-7, Number.NaN],
        },
        { tokens: [], finished: false, rewards: [0, 0.5], reward: 0.1, advantages: [-0.5], change: null },
      ],
    },
  ],
});
const groupsEvent = (step: number): RunEvent => ({ event: "groups", groups: groupStep(step) });
const content = (step: number) => new Uint8Array(1000 + step).fill(step % 251);
const at = (run: Run, step: number): Run => ({ ...run, status: "running", step, checkpoint: step });

/** All that is kept of a run. */
async function state(run: Run) {
  const checkpoint = await newBrowserRunStore(files).readCheckpoint(run.id);
  const { steps } = await readHistory(run.id);
  return {
    record: await getRun(run.id),
    checkpoint,
    steps: steps.map(({ step }) => step),
    groups: await listGroupSteps(run.id),
  };
}

test("record, history and checkpoint come back, and only the newest checkpoint's file stays", async () => {
  const run = newRun(newRecipe(), "one");
  const store = newBrowserRunStore(files);
  expect(await store.readCheckpoint(run.id)).toBeNull();
  await expect(store.getRun(run.id)).rejects.toMatchObject({ code: "run.missing" });
  for (const step of [1, 2, 3])
    await store.saveCheckpoint(at(run, step), [stepEvent(step), groupsEvent(step)], content(step));
  expect(await state(run)).toEqual({
    record: at(run, 3),
    checkpoint: { step: 3, bytes: content(3) },
    steps: [1, 2, 3],
    groups: [1, 2, 3],
  });
  expect(await files.listFiles(checkpointFolder)).toHaveLength(1);
  await deleteRun(run.id, files);
  expect(await files.listFiles(checkpointFolder)).toHaveLength(0);
  expect((await readHistory(run.id)).steps).toEqual([]);
  expect(await listGroupSteps(run.id)).toEqual([]);
});

test("groups come back in four digits, one step at a time, and go with the steps after a checkpoint", async () => {
  const [run, other] = [newRun(newRecipe(), "groups"), newRun(newRecipe(), "beside")];
  const store = newBrowserRunStore(files);
  for (const step of [2, 1, 10]) await store.save(at(run, 10), [stepEvent(step), groupsEvent(step)]);
  await store.save(at(other, 3), [groupsEvent(3)]);
  const expected = groupStep(2);
  expected.groups[0]?.completions[0]?.advantages.splice(0, 1, 0.1235);
  expect(await readGroups(run.id, 2)).toEqual(expected);
  expect(await readGroups(run.id, 3)).toBeNull();
  const seen: number[] = [];
  for await (const { step } of eachGroups(run.id)) {
    seen.push(step);
    if (step === 10) await store.save(at(run, 11), [groupsEvent(11)]);
  }
  expect(seen).toEqual([1, 2, 10, 11]);
  await store.truncate(run.id, 2);
  expect(await listGroupSteps(run.id)).toEqual([1, 2]);
  expect(await listGroupSteps(other.id)).toEqual([3]);
  await deleteRun(run.id, files);
  expect(await listGroupSteps(run.id)).toEqual([]);
  await deleteEverything(files, noBigFiles);
  expect(await listGroupSteps(other.id)).toEqual([]);
});

test("every kind of event is kept, and what comes after a step can be dropped", async () => {
  const run = newRun(newRecipe(), "events");
  const store = newBrowserRunStore(files);
  const sample = { index: 0, prompt: "p", reference: "r", completion: "c", correct: true };
  const events = (step: number): RunEvent[] => [
    stepEvent(step),
    { event: "eval", metrics: { step, "eval/loss": 2 } as never },
    {
      event: "samples",
      samples: [
        { step, ...sample },
        { step, ...sample, index: 1 },
      ],
    },
    { event: "alert", alert: { step, kind: "spike", value: 9 } },
    { event: "alert", alert: { step, kind: "nan", value: 9 } },
    { event: "checkpoint", checkpoint: { step, bytes: 7 } },
    { event: "progress", phase: "training", done: step, total: 3 },
  ];
  for (const step of [1, 2, 10]) await store.save(at(run, step), events(step));
  await store.save(at(run, 10), events(10)); // told again: the same, not twice
  const whole = await readHistory(run.id);
  expect(whole.steps.map(({ step }) => step)).toEqual([1, 2, 10]);
  expect(whole.samples).toHaveLength(6);
  expect(whole.alerts).toHaveLength(6);
  await store.truncate(run.id, 2);
  const cut = await readHistory(run.id);
  for (const list of [cut.steps, cut.evals, cut.checkpoints]) expect(list.map(({ step }) => step)).toEqual([1, 2]);
  expect(cut.samples.map(({ step }) => step)).toEqual([1, 1, 2, 2]);
  expect((await listRuns()).readable.map(({ id }) => id)).toContain(run.id);
});

test("a checkpoint whose file is cut or gone is refused", async () => {
  const run = newRun(newRecipe(), "cut");
  const store = newBrowserRunStore(files);
  await store.saveCheckpoint(at(run, 1), [], content(1));
  const file = (await files.listFiles(checkpointFolder)).find((name) => name.includes(run.id.slice(4))) ?? "";
  await files.writeFile(file, content(1).slice(0, 500));
  await expect(store.readCheckpoint(run.id)).rejects.toMatchObject({ code: "storage.failed" });
  await files.deleteFile(file);
  await expect(store.readCheckpoint(run.id)).rejects.toMatchObject({ code: "storage.failed" });
});

const failures: Failure[] = ["refuse", "late", "death"];
const errors = [
  ["QuotaExceededError", "storage.full"],
  ["UnknownError", "storage.failed"],
] as const;
const cases = failures.flatMap((failure) => errors.map(([error, code]) => ({ failure, error, code })));

test.each(cases)(
  "each storage call failing in turn ($failure, $error) leaves the old or the new state",
  async (how) => {
    let failed = 0;
    for (let failAt = 1; failAt <= 25; failAt++) {
      const run = newRun(newRecipe(), `fault ${failAt}`);
      const faults: Faults = { calls: 0, failAt, failure: how.failure, error: how.error };
      const store = newBrowserRunStore(failingFiles(files, faults));
      const heal = failObjectStores(faults);
      let acknowledged = 0;
      let last = 0;
      try {
        for (last = 1; last <= 4; last++) {
          await store.saveCheckpoint(at(run, last), [stepEvent(last), groupsEvent(last)], content(last));
          acknowledged = last;
        }
      } catch (error) {
        failed++;
        // an aborted transaction does not always say why; a refused call does
        if (how.failure !== "late") expect(error).toMatchObject({ code: how.code });
        else expect(["storage.full", "storage.failed"]).toContain((error as { code: string }).code);
      } finally {
        heal();
      }
      if (acknowledged > 0 || (await newBrowserRunStore(files).readCheckpoint(run.id))) {
        const kept = await state(run);
        const step = kept.record.step;
        expect(step === acknowledged || (acknowledged < 4 && step === last)).toBe(true);
        expect(kept).toEqual({
          record: at(run, step),
          checkpoint: { step, bytes: content(step) },
          steps: Array.from({ length: step }, (_, i) => i + 1),
          groups: Array.from({ length: step }, (_, i) => i + 1),
        });
        await sweepStorage(files, noBigFiles);
        expect((await state(run)).checkpoint).toEqual({ step, bytes: content(step) });
        expect((await getRun(run.id)).status).toBe("interrupted");
        await deleteRun(run.id, files);
      } else {
        await sweepStorage(files, noBigFiles);
      }
      expect(await files.listFiles(checkpointFolder)).toEqual([]);
    }
    expect(failed).toBeGreaterThanOrEqual(how.failure === "refuse" ? 12 : 8);
  },
);

test("a run that somebody holds is neither swept, nor deleted, nor held twice", async () => {
  const run = { ...newRun(newRecipe(), "held"), status: "running" as const };
  await saveRun(run);
  await holdRun(run.id, async () => {
    await sweepStorage(files, noBigFiles);
    expect((await getRun(run.id)).status).toBe("running");
    await expect(deleteRun(run.id, files)).rejects.toMatchObject({ code: "run.locked" });
    await expect(holdRun(run.id, () => Promise.resolve())).rejects.toMatchObject({ code: "run.locked" });
  });
  await sweepStorage(files, noBigFiles);
  expect((await getRun(run.id)).status).toBe("interrupted");
});

test("a record of an unknown form keeps no other from view", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const good = newRun(newRecipe(), "good");
  await saveRun(good);
  const before = await listRuns();
  await saveRun({ ...newRun(newRecipe(), "from later"), version: 2 } as unknown as Run);
  const after = await listRuns();
  expect(after.readable.map(({ id }) => id)).toEqual(before.readable.map(({ id }) => id));
  expect(after.unreadable).toBe(before.unreadable + 1);
  expect(warn).toHaveBeenCalled();
  warn.mockRestore();
});
