/** @file A zip of ours opens with an independent reader. */

import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { newZip } from "./zip";

test("files come out as they went in", async () => {
  const files = [
    { path: "adapter_config.json", bytes: new TextEncoder().encode("{}") },
    { path: "folder/weights.bin", bytes: Uint8Array.from({ length: 100_000 }, (_, i) => i * 7) },
    { path: "数据.txt", bytes: new Uint8Array(0) },
  ];
  const date = new Date(2026, 0, 2, 3, 4, 6);
  const zip = await newZip(files, date);
  const read = unzipSync(zip);
  expect(Object.keys(read)).toEqual(files.map((file) => file.path));
  for (const { path, bytes } of files) expect(Buffer.from(read[path] ?? []).equals(bytes)).toBe(true);
  expect(await newZip(files, date)).toEqual(zip);
});
