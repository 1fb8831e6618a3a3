/** @file Rotation tables: made as far as sequences reach, by the kind of layer and of sequence. */

import { beforeAll, expect, it } from "vitest";
import type { ModelConfig } from "../core/model";
import { deviceMemory, openDevice } from "../kernels/device";
import { disposeRopes, newRopes, ropeFor } from "./ropes";
import { tinyConfig } from "./tinyLlama";

beforeAll(() => openDevice("cpu"));

const long: ModelConfig = { ...tinyConfig, maxPositions: 131072 };

it("grows with the sequences, never beyond the model's last position", async () => {
  const before = deviceMemory().tensors;
  const ropes = newRopes(long);
  const first = ropeFor(ropes, 0, 10);
  expect(first.shape).toEqual([1024, 6]);
  expect(ropeFor(ropes, 1, 1024)).toBe(first);
  const head = await first.data();
  const grown = ropeFor(ropes, 0, 3000);
  expect(grown.shape).toEqual([4096, 6]);
  expect((await grown.data()).slice(0, head.length)).toEqual(head);
  expect(ropeFor(ropes, 0, 10)).toBe(grown);
  expect(ropeFor(ropes, 0, 131072).shape[0]).toBe(131072);
  expect(deviceMemory().tensors).toBe(before + 1);
  disposeRopes(ropes);
  expect(deviceMemory().tensors).toBe(before);

  const short = newRopes(tinyConfig);
  expect(ropeFor(short, 0, 24).shape).toEqual([24, 6]);
  disposeRopes(short);
});

it("turns layers with a window by their own base, and none where positions are learned", async () => {
  const ropes = newRopes({ ...long, windows: [4, null], localRopeTheta: 100 });
  const [local, whole] = [ropeFor(ropes, 0, 4), ropeFor(ropes, 1, 4)];
  const [angle] = [Math.fround(1 / Math.fround(100 ** Math.fround(2 / 6)))];
  expect((await local.data())[6 + 1]).toBeCloseTo(Math.cos(angle), 6);
  expect((await whole.data())[6 + 1]).not.toBeCloseTo(Math.cos(angle), 2);
  disposeRopes(ropes);

  const learned = newRopes({ ...tinyConfig, ropeTheta: null });
  expect([...(await ropeFor(learned, 0, 4).data()).slice(6, 12)]).toEqual([1, 1, 1, 0, 0, 0]);
  disposeRopes(learned);
});

it("takes the long factors for all of a sequence that goes beyond the original positions", async () => {
  const ropes = newRopes({
    ...long,
    ropeScaling: {
      kind: "longrope",
      shortFactor: [1, 1, 1],
      longFactor: [2, 4, 8],
      attentionFactor: 1.5,
      originalMaxPositions: 100,
    },
  });
  const [near, far] = await Promise.all([ropeFor(ropes, 0, 100).data(), ropeFor(ropes, 0, 101).data()]);
  expect(near[6]).toBeCloseTo(1.5 * Math.cos(1), 6);
  expect(far[6]).toBeCloseTo(1.5 * Math.cos(1 / 2), 6);
  disposeRopes(ropes);
});
