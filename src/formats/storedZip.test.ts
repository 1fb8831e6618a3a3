/** @file A zip as the studio writes it is read again by parts; anything else is refused by name. */

import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { bytesSource } from "../core/byteSource";
import { newRandom } from "../core/random";
import { openStoredZip } from "./storedZip";
import { newZip } from "./zip";

const random = newRandom(1);
const files = [
  { path: "README.md", bytes: new TextEncoder().encode("# card\n") },
  { path: "lora/größer.bin", bytes: Uint8Array.from({ length: 5000 }, () => random.below(256)) },
  { path: "empty", bytes: new Uint8Array() },
];

test("every file, whole and by parts", async () => {
  const found = await openStoredZip(bytesSource(await newZip(files), "a.zip"));
  expect([...found.keys()]).toEqual(files.map(({ path }) => path));
  for (const { path, bytes } of files) {
    const source = found.get(path);
    expect(source?.size).toBe(bytes.length);
    expect(await source?.read(0, bytes.length)).toEqual(bytes);
  }
  expect(await found.get("lora/größer.bin")?.read(100, 7)).toEqual(files[1]?.bytes.slice(100, 107));
  expect(() => found.get("empty")?.read(0, 1)).toThrow("empty has no bytes 0 to 1, only 0");
});

test("what is no such zip is refused", async () => {
  const refused = expect.objectContaining({ code: "file.unreadable" }) as Error;
  const open = (bytes: Uint8Array) => openStoredZip(bytesSource(bytes, "a.zip"));
  await expect(open(new Uint8Array())).rejects.toThrow(refused);
  await expect(open(new Uint8Array(200))).rejects.toThrow(refused);
  await expect(open(zipSync({ "a.txt": new Uint8Array(1000) }, { level: 9 }))).rejects.toThrow(refused);
  const whole = await newZip(files);
  for (let cut = 1; cut < whole.length; cut += 97) await expect(open(whole.slice(cut))).rejects.toThrow();
  for (let i = 0; i < 2000; i++) {
    const broken = whole.slice();
    broken[whole.length - 1 - random.below(250)] = random.below(256);
    await open(broken).then(
      () => undefined,
      (error: unknown) => expect(error).toEqual(refused),
    );
  }
});
