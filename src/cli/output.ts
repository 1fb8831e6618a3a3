/** @file Where the command line's words go: results to standard output, progress and errors to standard error. */

import { explain } from "../core/errors";
import type { EvalMetrics, StepMetrics } from "../core/metrics";

export type Output = {
  json: boolean;
  /** With --json one object a line; else `text`. Both go to standard output. */
  result: (record: Record<string, unknown>, text: string) => void;
  /** Progress for a person; silent with --json or --quiet. */
  note: (text: string) => void;
};

export function newOutput({ json, quiet }: { json: boolean; quiet: boolean }): Output {
  return {
    json,
    result: (record, text) => {
      process.stdout.write(json ? `${JSON.stringify(record)}\n` : text === "" ? "" : `${text}\n`);
    },
    note: (text) => {
      if (!json && !quiet) process.stderr.write(`${text}\n`);
    },
  };
}

/** Tells an error the way the command was asked to speak. */
export function tellError(json: boolean, error: unknown): void {
  const { code, title, hint, detail } = explain(error);
  if (json) {
    process.stdout.write(`${JSON.stringify({ event: "error", code, message: detail || title, hint })}\n`);
  } else {
    process.stderr.write(`${title}${detail ? `\n  ${detail}` : ""}\n  ${hint}\n`);
    if (code === "bug" && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
  }
}

/** 0.4321 → "43.2 %". */
export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** What the latest step and an evaluation say of rewards, for a line of text; nothing where neither measures any. */
export function describeRewards(last: StepMetrics | null, metrics: EvalMetrics): string[] {
  const parts: string[] = [];
  const { "gsm8k/pass": pass, pass_at: k, "rewards/accuracies": preferred } = metrics;
  if (pass !== undefined) parts.push(`pass@${k ?? "k"} ${percent(pass)}`);
  if (preferred !== undefined) parts.push(`preferred ${percent(preferred)}`);
  if (last?.reward !== undefined) {
    const spread = last.reward_std === undefined ? "" : ` ± ${last.reward_std.toFixed(3)}`;
    parts.push(`reward ${last.reward.toFixed(3)}${spread}`);
  }
  if (last?.kl !== undefined) parts.push(`kl ${last.kl.toFixed(4)}`);
  if (last?.frac_reward_zero_std !== undefined) parts.push(`no spread ${percent(last.frac_reward_zero_std)}`);
  return parts;
}
