/** @file Every objective against TRL's own figures and autograd's gradients (interop/objectiveGoldens.py). */

import { describe, expect, test } from "vitest";
import golden from "./golden/objectives.json";
import { caseErrors, type ObjectiveCase } from "./runCase.fixture";

const cases = golden as unknown as ObjectiveCase[];

describe.each(cases.map((each) => ({ title: `${each.kind}: ${each.name}`, each })))("$title", ({ each }) => {
  test("is TRL's to 1e-6", () => {
    const errors = caseErrors(each);
    expect(Object.keys(errors).length).toBeGreaterThan(0);
    expect(Object.entries(errors).filter(([, error]) => !(error <= 1e-6))).toEqual([]);
  });
});

test("a wrong number and a missing one are seen", () => {
  const each = cases.find(({ kind }) => kind === "policy")!;
  const gradient = (each.expected["gradient"] as number[]).map((value, i) => (i === 3 ? value + 1e-3 : value));
  expect(caseErrors({ ...each, expected: { gradient } })["gradient"]).toBeGreaterThan(1e-5);
  expect(caseErrors({ ...each, expected: { gradient: [], nothing: 1 } })).toEqual({
    gradient: Number.NaN,
    nothing: Number.NaN,
  });
});
