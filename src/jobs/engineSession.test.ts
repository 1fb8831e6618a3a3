/** @file The device's reason, given in English, as sentences that can be translated one by one. */

import { expect, test } from "vitest";
import { say, sentence, textOf } from "../core/say";
import { sayReason } from "./engineSession";

const noGpu = "This host has no WebGPU.";

test.each([
  ["WebAssembly was chosen.", sentence("WebAssembly was chosen.")],
  [`${noGpu} WebAssembly is next.`, say`${sentence(noGpu)} ${sentence("WebAssembly is next.")}`],
  [
    `${noGpu} WebAssembly does not run here (RangeError: out of (shared). memory).`,
    say`${sentence(noGpu)} ${say`WebAssembly does not run here (${"RangeError: out of (shared). memory"}).`}`,
  ],
])("%s", (reason, said) => {
  expect(sayReason(reason)).toEqual(said);
  expect(textOf(said)).toBe(reason);
});

test("a failed start without a sentence before it stands alone", () => {
  expect(sayReason(" WebAssembly does not run here (x).")).toEqual(say`WebAssembly does not run here (${"x"}).`);
});
