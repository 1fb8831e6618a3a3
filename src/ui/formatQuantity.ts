/** @file Numbers as people read them, in the language of the page: bytes, durations, counts, shares. */

import i18n from "i18next";

const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

const written = new Map<string, Intl.NumberFormat>();

function formatter(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const language = i18n.resolvedLanguage ?? "en";
  const key = language + JSON.stringify(options);
  let format = written.get(key);
  if (!format) written.set(key, (format = new Intl.NumberFormat(language, options)));
  return format;
}

/** 212 MB, 1.9 GB: decimal units, as disks and browsers count. */
export function formatBytes(value: number): string {
  if (value === 0) return formatter({ style: "unit", unit: "megabyte", unitDisplay: "short" }).format(0);
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const scaled = value / 1000 ** power;
  const digits = power > 0 && scaled < 10 ? 1 : 0;
  const unit = units[power] ?? "byte";
  return formatter({ style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits }).format(scaled);
}

/** 8 s, 4 min, 1 h 20 min. */
export function formatDuration(seconds: number): string {
  const part = (value: number, unit: string) => formatter({ style: "unit", unit, unitDisplay: "short" }).format(value);
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return part(Math.round(seconds), "second");
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return part(minutes, "minute");
  const rest = minutes % 60;
  return rest === 0 ? part(minutes / 60, "hour") : `${part(Math.floor(minutes / 60), "hour")} ${part(rest, "minute")}`;
}

/** 7,473 */
export function formatCount(value: number): string {
  return formatter({ maximumFractionDigits: 0 }).format(value);
}

/** 1.9 M */
export function formatCompact(value: number): string {
  return formatter({ notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** 52 %, from 0.52. */
export function formatShare(value: number, digits = 0): string {
  return formatter({ style: "percent", maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

/** At most so many significant digits, never in exponents unless tiny. */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e");
  return formatter({ maximumSignificantDigits: digits }).format(value);
}

/** 22 Nov 2026, 14:05 */
export function formatTime(at: number): string {
  return new Intl.DateTimeFormat(i18n.resolvedLanguage ?? "en", { dateStyle: "medium", timeStyle: "short" }).format(at);
}
