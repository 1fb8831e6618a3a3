/** @file Other layers for a method that names its layers; what it says of those that are left out goes with them. */

import { type Adaptation, type MethodOf, methodOf, newMethod } from "../../core/adaptation";
import { type LinearName, stackNames, stacksOf } from "../../core/adapter";
import type { ModelConfig } from "../../core/model";

export type Targeted = "lora" | "ia3";

const only = <V>(pattern: Partial<Record<LinearName, V>>, names: readonly LinearName[]) =>
  Object.fromEntries(Object.entries(pattern).filter(([name]) => names.includes(name as LinearName)));

/** IA3 multiplies what the last matrix of the feed-forward part is given, and what all others give. */
function fedModules(config: ModelConfig, before: MethodOf<"ia3">, names: readonly LinearName[]): LinearName[] {
  const usual: readonly LinearName[] = stacksOf(config).down;
  return names.filter((name) =>
    before.targetModules.includes(name) ? before.feedForwardModules.includes(name) : usual.includes(name),
  );
}

export function withTargets<K extends Targeted>(
  config: ModelConfig,
  adaptation: Adaptation,
  kind: K,
  targetModules: LinearName[],
): Partial<MethodOf<K>>;
export function withTargets(
  config: ModelConfig,
  adaptation: Adaptation,
  kind: Targeted,
  targetModules: LinearName[],
): Partial<MethodOf<"lora">> | Partial<MethodOf<"ia3">> {
  if (kind === "ia3") {
    const before = methodOf(adaptation, "ia3") ?? newMethod("ia3");
    return { targetModules, feedForwardModules: fedModules(config, before, targetModules) };
  }
  const { rankPattern, alphaPattern } = methodOf(adaptation, "lora") ?? newMethod("lora");
  return {
    targetModules,
    rankPattern: only(rankPattern, targetModules),
    alphaPattern: only(alphaPattern, targetModules),
  };
}

/** Layers whose input no other layer reads: those that IA3 can take as feed-forward. */
export const ownInput = (config: ModelConfig): LinearName[] =>
  stackNames.flatMap((stack) => (stacksOf(config)[stack].length === 1 ? [...stacksOf(config)[stack]] : []));
