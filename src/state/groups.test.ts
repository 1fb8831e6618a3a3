/** @file The inspector's state follows storage and what is told; answers are found step by step. */

import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { newId, type RunId } from "../core/ids";
import type { Completion, GroupStep } from "../core/metrics";
import { newObjective } from "../core/objective";
import { newRecipe, type Recipe } from "../core/recipe";
import { newReward } from "../core/reward";
import { newRun } from "../core/run";
import { newBrowserRunStore } from "../storage/browserRunStore";
import { write } from "../storage/database";
import { anyGroup, findInGroups, rightnessOf } from "./groupSearch";
import { exportGroups, mostFound, openGroups, searchGroups, showGroups, stopSearch, useGroups } from "./groups";
import { forgetGroups, recordGroups } from "./toldGroups";

const answer = (text: string, changes: Partial<Completion> = {}): Completion => ({
  tokens: text.split(/(?<= )/),
  finished: true,
  rewards: [1, 0.5],
  reward: 1.1,
  advantages: [0.5],
  change: null,
  ...changes,
});

const step = (n: number): GroupStep => ({
  step: n,
  rewardNames: ["answer", "steps"],
  groups: [
    {
      prompt: `Ann has ${n} pens`,
      reference: "#### 4",
      completions: [answer("so #### 4"), answer("so #### 5", { rewards: [0, 0.5], reward: 0.1 })],
    },
    {
      prompt: "Bob has none",
      reference: "",
      completions: [answer("he HAS some", { rewards: [null, 1], reward: 0.2, finished: false })],
    },
  ],
});
const grpo: Recipe = {
  ...newRecipe(),
  objective: newObjective("grpo", { rewards: [newReward("answer"), newReward("steps")] }),
};

async function stored(steps: number[]): Promise<RunId> {
  const run = newRun(grpo, "one");
  await newBrowserRunStore().save(
    run,
    steps.map((n) => ({ event: "groups", groups: step(n) })),
  );
  return run.id;
}

const shownStep = () => useGroups.getState().shown?.step;
const listed = () => {
  const { listing } = useGroups.getState();
  return listing.status === "ready" ? listing.steps : listing.status;
};

test("steps stored and steps only told are one list, and each is shown", async () => {
  const run = await stored([1, 2]);
  recordGroups(run, step(3));
  await openGroups(run);
  expect(listed()).toEqual([1, 2, 3]);
  await showGroups(run, 3);
  expect(useGroups.getState().shown).toEqual({ step: 3, status: "ready", groups: step(3) });
  await showGroups(run, 1);
  expect(useGroups.getState().shown).toEqual({ step: 1, status: "ready", groups: step(1) });
  recordGroups(run, step(4));
  expect(listed()).toEqual([1, 2, 3, 4]);
  recordGroups(run, step(2)); // it went back to a checkpoint
  expect(listed()).toEqual([1, 2]);
  await showGroups(run, 2);
  expect(shownStep()).toBe(2);
  forgetGroups(run);
  await openGroups(run);
  expect(listed()).toEqual([1, 2]);
});

test("what is in view of another run goes, and a slow read never replaces a later wish", async () => {
  const [first, second] = [await stored([1, 2]), await stored([7, 8])];
  await openGroups(first);
  await showGroups(first, 1);
  await openGroups(second);
  expect(useGroups.getState()).toMatchObject({ run: second, shown: null, search: null });
  await Promise.all([showGroups(second, 7), showGroups(second, 8)]);
  expect(shownStep()).toBe(8);
  await showGroups(second, 9);
  expect(useGroups.getState().shown).toBeNull();
});

test("a record that cannot be read is told as such, by the step and by the search", async () => {
  const run = await stored([1]);
  await write(["groups"], (tx) => tx.objectStore("groups").put({ run, step: 2, packed: { names: 3 } }));
  await openGroups(run);
  await showGroups(run, 2);
  expect(useGroups.getState().shown).toMatchObject({ step: 2, status: "failed", error: { code: "storage.failed" } });
  await searchGroups(run, grpo, anyGroup);
  const { search } = useGroups.getState();
  expect(search).toMatchObject({ status: "failed", searched: 1, error: { code: "storage.failed" } });
  expect(search?.found).toHaveLength(3);
  await expect(exportGroups(run)).rejects.toMatchObject({ code: "storage.failed" });
});

const found = (wish: Partial<typeof anyGroup>, recipe = grpo) =>
  findInGroups({ ...anyGroup, ...wish }, step(1), rightnessOf(recipe)).map(({ group, completion }) => [
    group,
    completion,
  ]);

test.each([
  [
    "anything",
    {},
    [
      [0, 0],
      [0, 1],
      [1, 0],
    ],
  ],
  [
    "a text of the prompt, in any case",
    { text: " ANN " },
    [
      [0, 0],
      [0, 1],
    ],
  ],
  ["a text of the answer", { text: "has some" }, [[1, 0]]],
  ["a text that is nowhere", { text: "zebra" }, []],
  [
    "rewards from",
    { low: 0.2 },
    [
      [0, 0],
      [1, 0],
    ],
  ],
  [
    "rewards to",
    { high: 0.2 },
    [
      [0, 1],
      [1, 0],
    ],
  ],
  ["rewards between", { low: 0.15, high: 0.5 }, [[1, 0]]],
  ["only right", { only: "right" }, [[0, 0]]],
  ["only wrong, which is not what cannot be judged", { only: "wrong" }, [[0, 1]]],
  ["only cut off", { only: "clipped" }, [[1, 0]]],
] as const)("found by %s", (_, wish, expected) => {
  expect(found(wish)).toEqual(expected);
});

test("right is what the run's own reward says, and without one what the reference says", () => {
  const strict: Recipe = {
    ...grpo,
    objective: newObjective("grpo", { rewards: [newReward("answer", { rule: "strict" })] }),
  };
  const group = { prompt: "", reference: "#### 4", completions: [] };
  const loose = answer("it is 4", { rewards: [0] });
  expect(rightnessOf(strict)(["answer"], group, loose)).toBe(false);
  const byLength: Recipe = { ...grpo, objective: newObjective("grpo", { rewards: [newReward("length")] }) };
  expect(rightnessOf(byLength)(["length"], group, loose)).toBe(true);
  expect(rightnessOf(byLength)(["length"], { ...group, reference: "" }, loose)).toBeNull();
  expect(rightnessOf(byLength)(["length"], { ...group, reference: "Paris" }, answer("Paris"))).toBe(true);
  const capital = { ...group, reference: "Paris" };
  expect(rightnessOf(byLength)(["length"], capital, answer("", { tokens: ["Paris", "<|endoftext|>"] }))).toBe(true);
  expect(rightnessOf(byLength)(["length"], capital, answer("", { tokens: ["Paris", "<b>"], finished: false }))).toBe(
    false,
  );
});

test("a search goes through all steps, stops at the most it shows, and when it is told to", async () => {
  const run = await stored(Array.from({ length: 80 }, (_, i) => i + 1));
  await openGroups(run);
  await searchGroups(run, grpo, { ...anyGroup, text: "Ann has 7 pens" });
  expect(useGroups.getState().search).toMatchObject({ status: "done", isCut: false, searched: 80 });
  expect(useGroups.getState().search?.found.map(({ step }) => step)).toEqual([7, 7]);
  await searchGroups(run, grpo, anyGroup);
  expect(useGroups.getState().search).toMatchObject({ status: "done", isCut: true });
  expect(useGroups.getState().search?.found).toHaveLength(mostFound);
  const going = searchGroups(run, grpo, { ...anyGroup, text: "nothing like it" });
  stopSearch();
  await going;
  expect(useGroups.getState().search).toMatchObject({ status: "done", isCut: true, found: [] });
});

test("all answers are exported, a line each", async () => {
  const run = await stored([1, 2]);
  const text = await (await exportGroups(run)).text();
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(6);
  expect(lines[1]).toMatchObject({
    step: 1,
    prompt: "Ann has 1 pens",
    reference: "#### 4",
    completion: "so #### 5",
    rewards: { answer: 0, steps: 0.5 },
    reward: 0.1,
    advantage: 0.5,
  });
  expect(await (await exportGroups(newId("run"))).text()).toBe("");
});
