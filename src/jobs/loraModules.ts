/** @file A LoRA adapter by its modules, as GGUF has it, and by a recipe's ranks and alphas. */

import { type Lora, loraScale, newMethod } from "../core/adaptation";
import { type LinearName, linearNamesOf, linearPath } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { say } from "../core/say";
import type { LoraModule, LoraModules } from "../formats/ggufAdapter";
import type { AdapterFiles } from "./adapterFiles";

/** Every adapted layer's pair with its scale. Throws `adapter.invalid` where a tensor is missing. */
export function modulesOfLora(config: ModelConfig, lora: Lora, tensors: AdapterFiles["tensors"]): LoraModules {
  const modules = new Map<string, LoraModule>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of lora.targetModules) {
      const path = linearPath(layer, name);
      const [a, b] = [tensors.get(`${path}.lora_A.weight`), tensors.get(`${path}.lora_B.weight`)];
      if (!a || !b) throw new StudioError("adapter.invalid", say`${path}: a tensor is missing`);
      modules.set(path, { a, b, scale: loraScale(lora, name).scale });
    }
  }
  return modules;
}

/**
 * The way back. All layers of a name must have one rank and one scale, as a recipe says them by name. Throws
 * `adapter.invalid`, naming the one that differs or is missing.
 */
export function loraOfModules(config: ModelConfig, modules: LoraModules): AdapterFiles {
  const found = new Map<LinearName, { rank: number; scale: number }>();
  const tensors: AdapterFiles["tensors"] = new Map();
  const targetModules = linearNamesOf(config).filter((name) => modules.has(linearPath(0, name)));
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of targetModules) {
      const path = linearPath(layer, name);
      const module = modules.get(path);
      if (!module) throw new StudioError("adapter.invalid", say`${path} is not adapted, as the first layer's is`);
      const { a, b, scale } = module;
      const [rank = 0] = a.shape;
      const first = found.get(name) ?? { rank, scale };
      found.set(name, first);
      if (first.rank !== rank || Math.abs(first.scale - scale) > 1e-6 * Math.abs(scale)) {
        throw new StudioError("adapter.invalid", say`${path} has another rank or scale than the first layer's`);
      }
      tensors.set(`${path}.lora_A.weight`, { shape: [...a.shape], values: a.values });
      tensors.set(`${path}.lora_B.weight`, { shape: [...b.shape], values: b.values });
    }
  }
  if (tensors.size !== 2 * modules.size) {
    const strange = [...modules.keys()].find((path) => !tensors.has(`${path}.lora_A.weight`)) ?? "";
    throw new StudioError("adapter.invalid", say`${strange} is adapted, but not in the first layer`);
  }
  const [first] = found.values();
  if (!first) throw new StudioError("adapter.invalid", say`It adapts no layer of this model`);
  const { rank } = first;
  const others = [...found].filter(([, each]) => each.rank !== rank);
  const alphas = [...found].filter(([, each]) => each.rank * each.scale !== rank * first.scale);
  const lora = newMethod("lora", {
    rank,
    alpha: rank * first.scale,
    targetModules,
    rankPattern: Object.fromEntries(others.map(([name, each]) => [name, each.rank])),
    alphaPattern: Object.fromEntries(alphas.map(([name, each]) => [name, each.rank * each.scale])),
  });
  return { adaptation: [lora], tensors };
}
