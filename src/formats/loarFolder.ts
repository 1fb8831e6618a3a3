/** @file LoAR's folder for Python, read again: loar.json says how it routes, loar.safetensors holds its gates. */

import { adaptationSchema, adaptationTensors, type Loar } from "../core/adaptation";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import { checkTensors, type ReadTensors } from "./peft";
import { failAdapter as fail, quoted } from "./peftModules";
import { parseSafetensors } from "./safetensors";

const formatVersion = 1;

/** Throws `adapter.invalid`, naming the field or tensor, and `model.tensor` for the file of tensors itself. */
export function parseLoarFolder(
  files: { loar: unknown; safetensors: Uint8Array },
  config: ModelConfig,
): { method: Loar; tensors: ReadTensors } {
  const { version, mode, annotator } = (files.loar ?? {}) as Record<string, unknown>;
  if (version !== formatVersion) fail(say`loar.json: version is ${quoted(version)}; ${formatVersion} is known`);
  const parsed = adaptationSchema.safeParse([{ kind: "loar", mode, annotator }]);
  if (!parsed.success) {
    const { path = [], message = "" } = parsed.error.issues[0] ?? {};
    fail(say`loar.json: ${path.slice(1).map(String).join(".")}: ${message}`);
  }
  const tensors: ReadTensors = new Map();
  for (const [name, { shape, values }] of parseSafetensors(files.safetensors).tensors) {
    if (name !== "table") tensors.set(name, { shape, values }); // which tokens are marked is the annotator's to say
  }
  checkTensors(adaptationTensors(config, parsed.data), tensors);
  return { method: parsed.data[0] as Loar, tensors };
}
