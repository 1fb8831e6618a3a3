/** @file The levers of a running job: pause, go on, stop with or without keeping what was learnt since the last checkpoint. */

export type Command = "run" | "pause" | "stop" | "keep";

export type Controls = {
  command: () => Command;
  pause: () => void;
  continue: () => void;
  /** A stop is final: nothing undoes it. `keep` saves a checkpoint first. */
  stop: (keep: boolean) => void;
  /** Aborted by a stop, never by a pause: long work inside a step listens to it. */
  signal: AbortSignal;
  /** Resolves at the next change of command. */
  changed: () => Promise<void>;
};

export function newControls(): Controls {
  const stopping = new AbortController();
  let command: Command = "run";
  let waiting: (() => void)[] = [];
  const set = (next: Command) => {
    if (command === "stop" || command === "keep") return;
    command = next;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  return {
    command: () => command,
    pause: () => {
      set("pause");
    },
    continue: () => {
      set("run");
    },
    stop: (keep) => {
      set(keep ? "keep" : "stop");
      stopping.abort();
    },
    signal: stopping.signal,
    changed: () =>
      new Promise((wake) => {
        waiting.push(wake);
      }),
  };
}
