/** @file An adapter as files hold it: what was trained, and its numbers by the names of files. */

import type { Adaptation } from "../core/adaptation";

export type AdapterFiles = {
  adaptation: Adaptation;
  tensors: Map<string, { shape: number[]; values: Float32Array }>;
};
