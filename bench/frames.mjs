/** @file The work of a page's main thread in each frame, from a Chromium trace. */

/** What to trace for it. */
export const frameCategories = ["toplevel", "__metadata"];

/** @param {number[]} values */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Milliseconds of main-thread work from each frame's begin to the next, in the renderer that drew most. Wall time and
 * processor time are told apart: where the engine's threads take every core, a task waits for its turn.
 * @param {Buffer} trace
 */
export function frameWork(trace) {
  /** @type {{ name: string, ph: string, ts: number, dur?: number, tdur?: number, pid: number, tid: number, args?: Record<string, unknown> }[]} */
  const events = JSON.parse(trace.toString("utf8")).traceEvents;
  const tasksOf = events
    .filter(({ name, args }) => name === "thread_name" && args?.["name"] === "CrRendererMain")
    .map(({ pid, tid }) =>
      events
        .filter((event) => event.pid === pid && event.tid === tid && event.ph === "X" && /::RunTask$/.test(event.name))
        .toSorted((a, b) => a.ts - b.ts),
    );
  const tasks = tasksOf.toSorted((a, b) => b.length - a.length)[0] ?? [];
  /** @type {{ wall: number, cpu: number }[]} */
  const frames = [];
  for (const { args, dur = 0, tdur = 0 } of tasks) {
    if (args?.["src_func"] === "ScheduledActionSendBeginMainFrame") frames.push({ wall: 0, cpu: 0 });
    const frame = frames.at(-1);
    if (!frame) continue;
    frame.wall += dur / 1000;
    frame.cpu += tdur / 1000;
  }
  const longest = (/** @type {"dur" | "tdur"} */ key) =>
    tasks.reduce((most, task) => Math.max(most, (task[key] ?? 0) / 1000), 0);
  return {
    frames: frames.length,
    median: { wall: median(frames.map(({ wall }) => wall)), cpu: median(frames.map(({ cpu }) => cpu)) },
    longest: { wall: longest("dur"), cpu: longest("tdur") },
  };
}
