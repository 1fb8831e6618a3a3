import { expect, test } from "vitest";
import { colorOf, extentOf, type Palette, parseColor, scaleTicks, strength } from "./scale";

const palette: Palette = {
  low: [0, 0, 255],
  middle: [200, 200, 200],
  high: [255, 100, 0],
  none: [255, 255, 255],
  mark: [0, 200, 0],
};

test("colours as style sheets write them, shortened or not", () => {
  expect(parseColor(" #0072B2")).toEqual([0, 0x72, 0xb2]);
  expect(parseColor("#fff")).toEqual([255, 255, 255]);
  expect(parseColor("#0af")).toEqual([0, 0xaa, 0xff]);
  expect(parseColor("")).toEqual([0, 0, 0]);
});

test("around a middle: its own colour there, the ends' colours at the ends and beyond", () => {
  const scale = { kind: "around", middle: 1, extent: 0.2 } as const;
  expect(colorOf(scale, palette, 1)).toEqual(palette.middle);
  expect(colorOf(scale, palette, 0.8)).toEqual(palette.low);
  expect(colorOf(scale, palette, 1.2)).toEqual(palette.high);
  expect(colorOf(scale, palette, 9)).toEqual(palette.high);
  expect(colorOf(scale, palette, 1.1)).toEqual([228, 150, 100]);
});

test("shares by their square root; what is no number is not drawn", () => {
  const scale = { kind: "share" } as const;
  expect(strength(scale, 0.25)).toBe(0.5);
  expect(colorOf(scale, palette, 0)).toEqual(palette.none);
  expect(colorOf(scale, palette, 1)).toEqual(palette.low);
  expect(colorOf(scale, palette, Number.NaN)).toBeNull();
  expect(colorOf(scale, palette, Infinity)).toBeNull();
});

test("the extent is round, holds every value, and stands still while they are near the middle", () => {
  expect(extentOf([1, 1], 1, 0.05)).toBe(0.05);
  expect(extentOf([0.93, 1.02], 1, 0.05)).toBe(0.1);
  expect(extentOf([1.1], 1, 0.05)).toBe(0.1);
  expect(extentOf([1.11], 1, 0.05)).toBe(0.2);
  expect(extentOf([-3, 0.4], 0, 0.05)).toBe(5);
  expect(extentOf([Number.NaN, 700], 0, 0.05)).toBe(1000);
  expect(extentOf([], 0, 0.05)).toBe(0.05);
});

test("the legend's numbers stand where their colours are", () => {
  expect(scaleTicks({ kind: "around", middle: 1, extent: 0.2 }).map(({ value }) => value)).toEqual([0.8, 1, 1.2]);
  for (const { value, at } of scaleTicks({ kind: "share" })) expect(strength({ kind: "share" }, value)).toBe(at);
});
