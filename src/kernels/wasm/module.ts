/** @file The compiled CPU kernels made ready for this host. */

import { StudioError } from "../../core/errors";
import { say } from "../../core/say";
import { relaxedSimd, simd } from "./binary";

export type KernelModule = { module: WebAssembly.Module; relaxed: boolean };

/** The exported functions by number, in the order of assembly/entry.ts. */
export const functions = [
  "multiply",
  "loraLinear",
  "dropout",
  "rmsNorm",
  "rmsNormBack",
  "attention",
  "attentionBack",
  "takeRows",
  "rowsBack",
  "crossEntropy",
  "crossEntropyBack",
  "add",
  "cacheFill",
  "cacheAttention",
  "loraBack",
  "addRmsNorm",
  "addRmsNormBack",
  "rmsNormWeight",
  "sumRows",
  "swiglu",
  "swigluBack",
  "splitStacked",
  "mergeStacked",
  "squaresPartial",
  "adamWFlat",
  "packedLinear",
  "packedBack",
  "weightRows",
  "entropy",
  "entropyBack",
  "softcap",
  "softcapBack",
  "addBias",
  "scale",
  "layerNorm",
  "layerNormBack",
  "headNorm",
  "headNormBack",
  "geglu",
  "gegluBack",
  "gelu",
  "geluBack",
  "scaleColumns",
  "columnProducts",
  "headGate",
  "headGateBack",
  "maskRows",
  "relu",
  "reluBack",
  "markedAttention",
  "markedAttentionBack",
  "markedCacheAttention",
  "scaleParts",
  "rowSquares",
  "adaptedNorms",
  "layerNormWeight",
  "headNormWeight",
  "sumRowsPartial",
] as const;
export type FunctionName = (typeof functions)[number];

/** Compiles the best binary that the host takes, for shared memory or not. Throws where there is no SIMD. */
export async function compileKernels(shared: boolean): Promise<KernelModule> {
  prepareNode();
  for (const relaxed of [true, false]) {
    const bytes = decode(relaxed ? relaxedSimd : simd);
    if (!shared) unshare(bytes);
    if (WebAssembly.validate(bytes)) return { module: await WebAssembly.compile(bytes), relaxed };
  }
  throw new StudioError("bug", say`WebAssembly has no SIMD here`);
}

/**
 * In Node the kernels are compiled by the optimizing compiler at once (a first pass would run several times slower for
 * seconds), and Node 20 has relaxed SIMD behind a flag. Browsers, and later Nodes, have it as they come.
 */
function prepareNode(): void {
  const { process } = globalThis as { process?: NodeProcess };
  const v8 = process?.getBuiltinModule?.("node:v8");
  v8?.setFlagsFromString("--no-liftoff");
  if (process?.versions?.node?.startsWith("20.")) v8?.setFlagsFromString("--experimental-wasm-relaxed-simd");
}

type NodeProcess = {
  versions?: { node?: string };
  getBuiltinModule?: (name: "node:v8") => { setFlagsFromString: (flags: string) => void } | undefined;
};

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The import `env.memory` is declared shared; where memory is not, its one flag is cleared. */
function unshare(bytes: Uint8Array): void {
  const wanted = [...new TextEncoder().encode("\x03env\x06memory"), 2, 3];
  const at = bytes.findIndex((_, i) => wanted.every((byte, j) => bytes[i + j] === byte));
  if (at < 0) throw new StudioError("bug", say`The kernels import no shared memory`);
  bytes[at + wanted.length - 1] = 1;
}
