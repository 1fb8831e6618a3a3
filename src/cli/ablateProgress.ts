/** @file How an ablation tells on the command line how far it is. */

import type { Cell } from "../core/ablation";
import { explain, fromWire } from "../core/errors";
import type { EvalMetrics, RunEvent } from "../core/metrics";
import { stepsInAll } from "../core/recipe";
import type { Run } from "../core/run";
import { type Output, percent } from "./output";

/** Milliseconds between two lines of progress. */
const tellEvery = 20_000;

/** The run of one cell under way. `done` is how much of its steps was behind it when it began. */
type Now = { label: string; begun: number; done: number; place: number; of: number; told: number };

const shareOf = ({ recipe, step }: Run) => step / stepsInAll(recipe);

function accuracyText(metrics: EvalMetrics): string {
  const { "gsm8k/strict": strict, "gsm8k/flexible": flexible, exact_match: exact, "eval/loss": loss, n } = metrics;
  return [
    loss === null ? null : `loss ${loss.toFixed(4)}`,
    strict === null ? null : `strict ${percent(strict)}`,
    flexible === null ? null : `flexible ${percent(flexible)}`,
    exact === null ? null : `exact ${percent(exact)}`,
    strict === null && exact === null ? null : `of ${n}`,
  ]
    .filter((part) => part !== null)
    .join("  ");
}

const minutes = (milliseconds: number) =>
  milliseconds < 90_000 ? `${Math.round(milliseconds / 1000)} s` : `${Math.round(milliseconds / 60_000)} min`;

export function newProgress(output: Output) {
  let now: Now | null = null;
  /** Milliseconds of each whole run's worth that ended here. */
  const taken: number[] = [];

  /** Milliseconds to the end of all, by the runs that ended and by this one's pace; null before there is any. */
  const left = ({ begun, done, place, of }: Now, share: number): number | null => {
    const worked = share - done;
    const pace = worked > 0.02 ? (performance.now() - begun) / worked : null;
    const whole = taken.length > 0 ? taken.reduce((a, b) => a + b, 0) / taken.length : pace;
    return whole === null ? null : (1 - share) * (pace ?? whole) + (of - place) * whole;
  };

  return {
    /** @param place from 1 */
    begin: (cell: Cell, run: Run, place: number, of: number) => {
      const label = `[${place}/${of}] ${cell.variant}, seed ${cell.seed}`;
      now = { label, begun: performance.now(), done: shareOf(run), place, of, told: performance.now() };
      const { variant, seed } = cell;
      output.result({ event: "cell", status: "running", variant, seed, place, of, step: run.step }, "");
      output.note(run.step > 0 ? `${label}: goes on from step ${run.checkpoint}` : label);
    },

    tell: (cell: Cell, run: Run, event: RunEvent) => {
      if (!now) return;
      const { variant, seed } = cell;
      const { steps } = run.recipe.schedule;
      if (event.event === "eval") {
        output.result({ event: "eval", variant, seed, ...event.metrics }, "");
        output.note(`${now.label}: step ${event.metrics.step}/${steps}  ${accuracyText(event.metrics)}`);
      } else if (event.event === "alert") {
        output.note(`${now.label}: step ${event.alert.step}: ${event.alert.kind} (${event.alert.value})`);
      } else if (event.event === "step" && performance.now() - now.told > tellEvery) {
        now.told = performance.now();
        const { step, "train/loss": loss } = event.metrics;
        const milliseconds = left(now, step / steps);
        const secondsLeft = milliseconds === null ? null : Math.round(milliseconds / 1000);
        output.result({ event: "progress", variant, seed, step, steps, "train/loss": loss, secondsLeft }, "");
        const rest = milliseconds === null ? "" : `, ${minutes(milliseconds)} left in all`;
        output.note(`${now.label}: step ${step}/${steps}  training loss ${loss.toFixed(4)}${rest}`);
      }
    },

    end: (cell: Cell, run: Run) => {
      if (!now) return;
      const { variant, seed } = cell;
      const { status, step, seconds, error } = run;
      output.result({ event: "cell", status, variant, seed, step, seconds, ...(error ? { error } : {}) }, "");
      if (error) {
        const { title, detail } = explain(fromWire(error));
        output.note(`${now.label}: ${title}${detail ? `: ${detail}` : ""}`);
      }
      const worked = shareOf(run) - now.done;
      if (status === "done" && worked > 0.1) taken.push((performance.now() - now.begun) / worked);
      now = null;
    },
  };
}
