/** @file Compiles the CPU kernels: `node src/kernels/wasm/build.mjs` writes binary.ts from assembly/. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const assembly = path.join(here, "assembly");

/** Of all sources in order, so that a test can tell whether binary.ts was made from them. */
export function sourceHash() {
  const hash = createHash("sha256");
  for (const name of readdirSync(assembly).sort()) hash.update(`${name}\n${readFileSync(path.join(assembly, name))}`);
  return hash.digest("hex");
}

/** Both binaries: with plain SIMD, and with fused multiply-add. */
export async function compile() {
  const { default: asc } = await import("assemblyscript/asc");
  const binaries = [];
  for (const relaxed of [0, 1]) {
    const options = [
      "entry.ts --baseDir . --optimizeLevel 3 --shrinkLevel 0 --noAssert --runtime stub --use abort=",
      "--importMemory --noExportMemory --sharedMemory --initialMemory 1 --maximumMemory 65536",
      `--enable threads --enable simd ${relaxed ? "--enable relaxed-simd" : ""} --use RELAXED=${relaxed} --outFile out.wasm`,
    ];
    let binary;
    const { error, stderr } = await asc.main(options.join(" ").split(/\s+/), {
      readFile: (name) => {
        try {
          return readFileSync(path.join(assembly, name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    });
    if (error) throw new Error(String(stderr));
    binaries.push(Buffer.from(binary).toString("base64"));
  }
  return binaries;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [simd, relaxed] = await compile();
  const lines = [
    "/** @file The compiled CPU kernels, in base64. Made by build.mjs from assembly/; do not edit. */",
    "",
    "// biome-ignore-all format: generated",
    `export const sourceHash = "${sourceHash()}";`,
    "",
    "/** For hosts with fixed-width SIMD. */",
    `export const simd = "${simd}";`,
    "",
    "/** For hosts with relaxed SIMD: fused multiply-add. */",
    `export const relaxedSimd = "${relaxed}";`,
    "",
  ];
  writeFileSync(path.join(here, "binary.ts"), lines.join("\n"));
}
