import { expect, test } from "vitest";
import { formatBytes, formatCompact, formatCount, formatDuration, formatNumber, formatShare } from "./formatQuantity";

test("bytes take the unit that leaves few digits", () => {
  expect(formatBytes(0)).toBe("0 MB");
  expect(formatBytes(999)).toBe("999 byte");
  expect(formatBytes(2400)).toBe("2.4 kB");
  expect(formatBytes(212_300_000)).toBe("212 MB");
  expect(formatBytes(1_900_000_000)).toBe("1.9 GB");
});

test("durations grow from seconds to hours", () => {
  expect(formatDuration(8.4)).toBe("8 sec");
  expect(formatDuration(240)).toBe("4 min");
  expect(formatDuration(4800)).toBe("80 min");
  expect(formatDuration(3 * 3600)).toBe("3 hr");
  expect(formatDuration(3 * 3600 + 1200)).toBe("3 hr 20 min");
  expect(formatDuration(Number.NaN)).toBe("–");
});

test("counts, shares and small numbers", () => {
  expect(formatCount(7473)).toBe("7,473");
  expect(formatCompact(1_312_384)).toBe("1.31M");
  expect(formatShare(0.523)).toBe("52%");
  expect(formatShare(0.1776, 1)).toBe("17.8%");
  expect(formatNumber(0.41238)).toBe("0.4124");
  expect(formatNumber(0.0002)).toBe("2e-4");
  expect(formatNumber(0)).toBe("0");
  expect(formatNumber(Number.POSITIVE_INFINITY)).toBe("Infinity");
});
