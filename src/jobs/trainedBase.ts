/** @file The base as training saw it: where its matrices were packed on the device, with what packing loses lost. */

import { linearPath, stackNames, stacksOf } from "../core/adapter";
import { architectures } from "../core/architectures";
import type { ModelConfig } from "../core/model";
import { packWeight, unpackWeight, type WeightFormat } from "../core/packing";
import { tensorNames } from "../core/tensorNames";
import { transposed } from "../core/transposed";
import type { WeightFile } from "../core/weightFile";
import type { ReadRows } from "../formats/merge";
import { chooseFormat } from "./weightFormats";

/** Matrices that lie in one on the device, and so in one packing. */
function groupsOf(config: ModelConfig): string[][] {
  const names = tensorNames(config);
  const stacks = Array.from({ length: config.layers }, (_, layer) =>
    stackNames.map((stack) => stacksOf(config)[stack].map((name) => `${linearPath(layer, name)}.weight`)),
  ).flat();
  return [[names.embedding], [names.head], ...stacks];
}

const rounded = (values: Float32Array, width: number, format: WeightFormat): Float32Array =>
  unpackWeight(packWeight(values, [values.length / width, width], format), width, format);

/**
 * Rows of the base's tensors, of each matrix as its packing under the recipe's `precision` holds it, so that what is
 * merged is what was trained. Conv1D weights are packed across, so one of them at a time is held whole.
 */
export function readTrainedBase(config: ModelConfig, file: WeightFile, precision: WeightFormat | undefined): ReadRows {
  const formatOf = chooseFormat(file, precision);
  const formats = new Map<string, WeightFormat>();
  for (const names of groupsOf(config)) {
    const format = formatOf(names.flatMap((name) => file.tensors.get(name) ?? []));
    for (const name of names) {
      const entry = file.tensors.get(name);
      if (entry && format !== "f32" && entry.packed !== format) formats.set(name, format);
    }
  }
  const { isTransposed } = architectures[config.architecture];
  const { embedding, head } = tensorNames(config);
  let kept: { name: string; values: Float32Array } | null = null;
  return async (name, from, to) => {
    const format = formats.get(name);
    if (!format) return file.readRows(name, from, to);
    const [rows = 0, width = 0] = file.tensors.get(name)?.shape ?? [];
    if (!isTransposed || name === embedding || name === head)
      return rounded(await file.readRows(name, from, to), width, format);
    if (kept?.name !== name) {
      const turned = transposed(await file.readRows(name, 0, rows), rows);
      kept = { name, values: transposed(rounded(turned, rows, format), width) };
    }
    return kept.values.slice(from * width, to * width);
  };
}
