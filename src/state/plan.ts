/** @file What the engine says of the recipe before it runs: the plan, and one row as the model will see it. */

import { create } from "zustand";
import type { Plan, RowPreview } from "../core/engine";
import type { Recipe } from "../core/recipe";
import { openEngine } from "./engine";

/** `value` is the last answer; it stays in view while the next is worked out. */
export type Asked<T> =
  | { status: "waiting"; value: T | null }
  | { status: "ready"; value: T }
  | { status: "failed"; value: null; error: unknown };

export const usePlan = create<Asked<Plan>>(() => ({ status: "waiting", value: null }));

/** A row of the data set that a recipe names `source`. */
export type ShownRow = { source: string; row: number; preview: RowPreview };

export const usePreview = create<Asked<ShownRow>>(() => ({ status: "waiting", value: null }));

/** Long enough that typing a number asks once. */
const pause = 250;

/** Asks after a pause, drops what is superseded, keeps the last answer in view. */
export function newAsker<A, T>(store: {
  setState: (state: Asked<T>, replace: true) => void;
  getState: () => Asked<T>;
}) {
  let last = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (args: A, ask: (args: A, signal: AbortSignal, show: (value: T) => void) => Promise<T>, wait: number) => {
    last.abort();
    last = new AbortController();
    const { signal } = last;
    clearTimeout(timer);
    store.setState({ status: "waiting", value: store.getState().value }, true);
    timer = setTimeout(() => {
      const show = (value: T) => {
        if (!signal.aborted) store.setState({ status: "ready", value }, true);
      };
      ask(args, signal, show).then(show, (error: unknown) => {
        if (!signal.aborted) store.setState({ status: "failed", value: null, error }, true);
      });
    }, wait);
  };
}

const askPlan = newAsker<Recipe, Plan>(usePlan);
const askPreview = newAsker<{ recipe: Recipe; row: number }, ShownRow>(usePreview);

/** Of which model and data the last plan speaks. */
let planned = "";

export function loadPlan(recipe: Recipe) {
  const subject = `${recipe.model} ${recipe.data.source}`;
  // Figures of other data are worse than none while the new ones are counted.
  if (subject !== planned) usePlan.setState({ status: "waiting", value: null }, true);
  planned = subject;
  const wait = usePlan.getState().value ? pause : 0;
  askPlan(
    recipe,
    async (asked, signal, show) => {
      const engine = await openEngine();
      const plan = await engine.call("recipe.plan", { recipe: asked }, signal);
      if (plan.seconds !== null) return plan;
      show(plan); // its time comes a moment later
      const isMeasured = await engine.call("recipe.measure", { recipe: asked }, signal);
      return isMeasured ? engine.call("recipe.plan", { recipe: asked }, signal) : plan;
    },
    wait,
  );
}

/** @param row 0-based row of the recipe's data set */
export function loadPreview(recipe: Recipe, row: number) {
  const shown = usePreview.getState().value;
  if (shown?.source !== recipe.data.source) usePreview.setState({ status: "waiting", value: null }, true);
  askPreview(
    { recipe, row },
    async (asked, signal) => ({
      source: asked.recipe.data.source,
      row: asked.row,
      preview: await (await openEngine()).call("recipe.preview", asked, signal),
    }),
    shown?.source !== recipe.data.source || shown.row !== row ? 0 : pause, // turning the pages is answered at once
  );
}
