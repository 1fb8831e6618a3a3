/** @file Fields of a config.json, each read as what it must be or refused by name. */

import { StudioError } from "./errors";
import { type Said, say } from "./say";

export type Fields = Readonly<Record<string, unknown>>;

export function failConfig(detail: Said): never {
  throw new StudioError("model.config", detail);
}

/** A value as a message shows it. */
export const quoted = (value: unknown): string =>
  value === undefined ? "missing" : JSON.stringify(value).slice(0, 60);

const isAbsent = (value: unknown) => value === undefined || value === null;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A whole number from 1 to `most`. */
export function wholeField(fields: Fields, name: string, most = 2 ** 30): number {
  const n = fields[name];
  if (isAbsent(n)) failConfig(say`${name} is missing`);
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1) failConfig(say`${name} is not a positive whole number`);
  if (n > most) failConfig(say`${name} is ${n}; at most ${most} is supported`);
  return n;
}

/** The same, or null where there is none. */
export function wholeOrNull(fields: Fields, name: string, most?: number): number | null {
  return isAbsent(fields[name]) ? null : wholeField(fields, name, most);
}

export function positiveField(fields: Fields, name: string, most = Number.MAX_VALUE): number {
  const n = fields[name];
  if (isAbsent(n)) failConfig(say`${name} is missing`);
  if (typeof n !== "number" || !(n > 0) || !Number.isFinite(n)) failConfig(say`${name} is not a positive number`);
  if (n > most) failConfig(say`${name} is ${n}; at most ${most} is supported`);
  return n;
}

export function positiveOrNull(fields: Fields, name: string): number | null {
  return isAbsent(fields[name]) ? null : positiveField(fields, name);
}

/** False where there is none. */
export function flagField(fields: Fields, name: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== "boolean") failConfig(say`${name} is not true or false`);
  return value;
}

/** `count` positive numbers. */
export function numbersField(fields: Fields, name: string, count: number): number[] {
  const list = fields[name];
  const isFitting =
    Array.isArray(list) &&
    list.length === count &&
    list.every((n: unknown) => typeof n === "number" && n > 0 && Number.isFinite(n));
  if (!isFitting) failConfig(say`${name} is not a list of ${count} positive numbers`);
  return [...(list as number[])];
}

/** A token's number, a list of them, or none. */
export function tokenIds(fields: Fields, name: string): number[] {
  const value = fields[name] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  for (const id of list) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0) failConfig(say`${name} is not a token's number`);
  }
  return list as number[];
}
