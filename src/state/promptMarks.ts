/** @file Which tokens of the question being written carry logic for what will be asked. */

import { create } from "zustand";
import type { TrainedId } from "../core/adapterRecord";
import type { PreviewToken } from "../core/engine";
import { openEngine } from "./engine";
import { type Asked, newAsker } from "./plan";

export type MarkedPrompt = { run: TrainedId; prompt: string; tokens: readonly PreviewToken[] };

/** The last answer stays in view while the next is worked out. */
export const usePromptMarks = create<Asked<MarkedPrompt>>(() => ({ status: "waiting", value: null }));

const askMarks = newAsker<{ run: TrainedId; prompt: string }, MarkedPrompt>(usePromptMarks);

/** Long enough that a word being typed asks once. */
const pause = 200;

export function loadPromptMarks(run: TrainedId, prompt: string) {
  if (usePromptMarks.getState().value?.run !== run) usePromptMarks.setState({ status: "waiting", value: null }, true);
  askMarks(
    { run, prompt },
    async (asked, signal) => ({
      ...asked,
      tokens: await (await openEngine()).call("prompt.preview", asked, signal),
    }),
    pause,
  );
}
