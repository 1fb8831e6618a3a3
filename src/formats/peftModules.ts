/** @file The module names of PEFT's settings: which of a base's linear layers each of them means. */

import { type LinearName, linearNamesOf, linearPath } from "../core/adapter";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { type Said, say } from "../core/say";

export function failAdapter(detail: Said): never {
  throw new StudioError("adapter.invalid", detail);
}

export const quoted = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));

/** How a name of the settings meets a module's path. */
type Meets = (path: string, name: string) => boolean;

/** `target_modules`: the whole path, or its last parts, so that GPT-2's `c_proj` means two layers. */
const byLastParts: Meets = (path, name) => path === name || path.endsWith(`.${name}`);

/** The layers of each kind that a name meets. */
function layersMet(config: ModelConfig, name: string, meets: Meets): Map<LinearName, number[]> {
  const found = new Map<LinearName, number[]>();
  for (const linear of linearNamesOf(config)) {
    const layers = Array.from({ length: config.layers }, (_, layer) => layer).filter((layer) =>
      meets(linearPath(layer, linear), name),
    );
    if (layers.length > 0) found.set(linear, layers);
  }
  return found;
}

function parseNames(key: string, value: unknown, config: ModelConfig, meets: Meets): LinearName[] {
  const known = linearNamesOf(config);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const named = new Map<LinearName, Set<number>>();
  for (const item of list) {
    const found = typeof item === "string" && item !== "" ? layersMet(config, item, meets) : new Map<never, never>();
    if (found.size === 0) failAdapter(say`${key}: ${quoted(item)} is not one of ${known.join(", ")}`);
    for (const [name, layers] of found) named.set(name, new Set([...(named.get(name) ?? []), ...layers]));
  }
  for (const [name, layers] of named) {
    const missing = Array.from({ length: config.layers }, (_, layer) => layer).find((layer) => !layers.has(layer));
    if (missing !== undefined)
      failAdapter(
        say`${key} leaves out ${linearPath(missing, name)}; a kind of layer is adapted in all blocks or in none`,
      );
  }
  return known.filter((name) => named.has(name));
}

/** Throws `adapter.invalid`, naming what is no layer of the base, or left out of one block and not of another. */
export function parseTargetModules(value: unknown, config: ModelConfig): LinearName[] {
  if (value === "all-linear") return linearNamesOf(config);
  const named = parseNames("target_modules", value, config, byLastParts);
  if (named.length === 0) failAdapter(say`target_modules is empty`);
  return named;
}

/** `feedforward_modules`, which PEFT finds by the end of a path alone; those among `targets` count. */
export function parseFeedForward(value: unknown, config: ModelConfig, targets: readonly LinearName[]): LinearName[] {
  if (value === null || value === undefined)
    failAdapter(say`feedforward_modules is missing: without it PEFT decides by the base's type`);
  if (Array.isArray(value) && value.length === 0) return [];
  const named = parseNames("feedforward_modules", value, config, (path, name) => path.endsWith(name));
  return targets.filter((name) => named.includes(name));
}

/**
 * `rank_pattern` and `alpha_pattern`: values of layers by the end of their path, the first key that fits deciding. Keys
 * that are regular expressions, and layers of one kind with values of their own, are refused by name.
 */
export function parsePattern(
  key: string,
  value: unknown,
  config: ModelConfig,
  { targets, common, isValid }: { targets: readonly LinearName[]; common: number; isValid: (x: unknown) => boolean },
): Partial<Record<LinearName, number>> {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) failAdapter(say`${key} is ${quoted(value)}, not an object`);
  const entries = Object.entries(value as Record<string, unknown>);
  for (const [name, given] of entries) {
    if (!/^\^?[\w.]+$/.test(name))
      failAdapter(say`${key}: ${quoted(name)} is a regular expression, which is not supported`);
    if (!isValid(given)) failAdapter(say`${key}: ${quoted(name)} is ${quoted(given)}`);
  }
  const valueOf = (path: string): number => {
    const found = entries.find(([name]) => (name.startsWith("^") ? path === name.slice(1) : byLastParts(path, name)));
    return found ? (found[1] as number) : common;
  };
  const pattern: Partial<Record<LinearName, number>> = {};
  for (const name of targets) {
    const first = valueOf(linearPath(0, name));
    for (let layer = 1; layer < config.layers; layer++) {
      const other = valueOf(linearPath(layer, name));
      if (other !== first)
        failAdapter(
          say`${key} gives ${linearPath(0, name)} ${first} and ${linearPath(layer, name)} ${other}; layers of one kind with values of their own are not supported`,
        );
    }
    if (first !== common) pattern[name] = first;
  }
  return pattern;
}
