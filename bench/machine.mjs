/** @file The machine that figures come from. */
import { execFileSync } from "node:child_process";
import os from "node:os";

/** @param {Record<string, string | number>} extra what runs the figures, and on which graphics adapter */
export function describeMachine(extra) {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1e9),
    os: `${os.platform()} ${os.release()}`,
    ...extra,
    /** Of the minute before: above 0.5 or so, other work shares the machine. */
    loadAverage: os.loadavg()[0] ?? 0,
    date: new Date().toISOString(),
    commit: commit(),
  };
}

function commit() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
