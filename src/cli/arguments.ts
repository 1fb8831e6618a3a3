/** @file The command line's words: commands, flags, and what is wrong with them. */

import { StudioError } from "../core/errors";
import { say } from "../core/say";

/** What a flag takes: nothing, a text, a whole number. */
type Kind = "flag" | "text" | "number";
export type Flags = Record<string, Kind>;

export type Arguments<F extends Flags> = {
  positional: string[];
  flags: { [K in keyof F]?: F[K] extends "flag" ? true : F[K] extends "number" ? number : string };
};

/**
 * Reads `--name value`, `--name=value` and bare words.
 * @throws `cli.usage`, naming the word that is not understood.
 */
export function parseArguments<const F extends Flags>(words: string[], known: F, positional: number): Arguments<F> {
  const result: { positional: string[]; flags: Record<string, string | number | true> } = { positional: [], flags: {} };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("--")) {
      if (result.positional.length === positional) throw new StudioError("cli.usage", say`Unexpected word ${word}`);
      result.positional.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!kind) throw new StudioError("cli.usage", say`Unknown flag --${name}`);
    if (kind === "flag") {
      if (equals >= 0) throw new StudioError("cli.usage", say`--${name} takes no value`);
      result.flags[name] = true;
      continue;
    }
    const value = equals < 0 ? words[++i] : word.slice(equals + 1);
    if (value === undefined) throw new StudioError("cli.usage", say`--${name} needs a value`);
    result.flags[name] = kind === "number" ? wholeNumber(name, value) : value;
  }
  return result as Arguments<F>;
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,10}$/.test(value)) throw new StudioError("cli.usage", say`--${name} needs a whole number, not ${value}`);
  return Number(value);
}

/** The flag's value. Throws `cli.usage` where it is missing. */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new StudioError("cli.usage", say`--${name} is missing`);
  return value;
}
