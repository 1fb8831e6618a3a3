/**
 * @file What runs around a user's reward function. Like `lockDown`, `serveReward` names nothing outside itself: the foreign
 * code stands as text behind it in one script, so that no way to make code of text is needed and lines are the user's own.
 */

import type { RatedText } from "../core/reward";

/** The first, `id` 0, has no rows: it loads the code. `groups`: which rows one call of `rewards` is given. */
export type RewardCall = { id: number; rows: readonly RatedText[]; groups: readonly (readonly number[])[] };

/**
 * Why a function failed. `syntax` and `threw`: in its own words. `promise`, `notNumber`, `notFinite`, `notList`: by what it
 * gave. `wrongLength`: two numbers, those given and the rows. `noFunction`: neither `reward` nor `rewards` is there.
 */
export type RewardWhy =
  | "syntax"
  | "threw"
  | "promise"
  | "notNumber"
  | "notFinite"
  | "notList"
  | "wrongLength"
  | "noFunction";

export type RewardAnswer =
  /** The code has been run and its function is there. */
  | { at: "loaded" }
  /** A row is about to be rated: told so that a loop without end is known by its row. */
  | { at: "row"; id: number; row: number }
  | { at: "done"; id: number; values: (number | null)[] }
  /** `id` is 0 while the code is loaded. `row` is −1 where no row is known. */
  | { at: "failed"; id: number; row: number; why: RewardWhy; text: string; stack: string };

/** How it speaks to its host, and the global object. */
export type RewardHost = {
  scope: object;
  lockDown: (scope: object) => void;
  post: (answer: RewardAnswer | "ready") => void;
  listen: (onCall: (call: RewardCall) => void) => void;
};

/** Locks down; answers a function that takes one which runs the code and answers what it defines. */
export function serveReward({ scope, lockDown, post, listen }: RewardHost): (load: () => unknown) => void {
  type Rate = (row: RatedText | RatedText[]) => unknown;
  let load: (() => unknown) | null = null;
  let rateOne: Rate | null = null;
  let rateAll: Rate | null = null;
  let rowNow = -1;
  lockDown(scope);
  listen(answer);
  post("ready");
  return (given) => {
    load = given;
  };

  function loadCode(): void {
    try {
      const { reward, rewards } = (load?.() ?? {}) as { reward?: unknown; rewards?: unknown };
      if (typeof reward === "function") rateOne = reward as Rate;
      else if (typeof rewards === "function") rateAll = rewards as Rate;
      if (rateOne || rateAll) post({ at: "loaded" });
      else post({ at: "failed", id: 0, row: -1, why: "noFunction", text: "", stack: "" });
    } catch (error) {
      fail(0, -1, error);
    }
  }

  function fail(id: number, row: number, error: unknown): void {
    let [text, stack] = ["?", ""];
    let why: RewardWhy = "threw";
    try {
      const { name, message, stack: places } = (error ?? {}) as { name?: unknown; message?: unknown; stack?: unknown };
      text = (typeof message === "string" ? `${String(name)}: ${message}` : String(error)).slice(0, 500);
      if (typeof places === "string") stack = places.slice(0, 4000);
      if (name === "SyntaxError" && id === 0) why = "syntax";
    } catch {
      // An error that cannot even be read stays without words.
    }
    post({ at: "failed", id, row, why, text, stack });
  }

  /** What is wrong with a value as a reward, null where nothing is. */
  function wrongValue(value: unknown): RewardWhy | null {
    if (value === null || (typeof value === "number" && value - value === 0)) return null;
    if (typeof value === "number") return "notFinite";
    const isPromise = typeof value === "object" && typeof (value as { then?: unknown }).then === "function";
    return isPromise ? "promise" : "notNumber";
  }

  function words(value: unknown): string {
    return typeof value === "object" ? "an object" : `${value as number}`.slice(0, 60);
  }

  /** Writes the group's values; answers what is wrong with one, null where nothing is. */
  function rateGroup(id: number, rows: readonly RatedText[], group: readonly number[], values: (number | null)[]) {
    let list: unknown = null;
    rowNow = group[0] ?? -1;
    if (rateAll) {
      post({ at: "row", id, row: rowNow });
      list = rateAll(group.map((each) => rows[each] as RatedText));
      if (wrongValue(list) === "promise") return { why: "promise", text: "" } as const;
      if (!Array.isArray(list)) return { why: "notList", text: words(list) } as const;
      if (list.length !== group.length) return { why: "wrongLength", text: `${list.length} ${group.length}` } as const;
    }
    for (const [i, row] of group.entries()) {
      rowNow = row;
      if (!rateAll) post({ at: "row", id, row });
      const value: unknown = rateAll ? (list as unknown[])[i] : rateOne?.(rows[row] as RatedText);
      const why = wrongValue(value);
      if (why) return { why, text: words(value) };
      values[row] = value as number | null;
    }
    return null;
  }

  function answer({ id, rows, groups }: RewardCall): void {
    if (id === 0) {
      loadCode();
      return;
    }
    const values: (number | null)[] = [];
    rowNow = -1;
    try {
      for (const group of groups) {
        const wrong = rateGroup(id, rows, group, values);
        if (wrong) {
          post({ at: "failed", id, row: rowNow, stack: "", ...wrong });
          return;
        }
      }
      post({ at: "done", id, values });
    } catch (error) {
      fail(id, rowNow, error);
    }
  }
}
