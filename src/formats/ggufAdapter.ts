/**
 * @file A LoRA adapter as the GGUF file that llama.cpp and Ollama put beside a base, written and read.
 *
 * Sources: convert_lora_to_gguf.py and src/llama-adapter.cpp of https://github.com/ggml-org/llama.cpp. It computes
 * (adapter.lora.alpha / rank) · B · A with each module's own rank, and has no rsLoRA, no DoRA and no biases.
 */

import { type LinearName, linearNamesOf, linearPath, linearShape } from "../core/adapter";
import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import { type Said, say } from "../core/say";
import { encodeGgml } from "./ggmlEncode";
import { readGgufHeader } from "./ggufHeader";
import { ggufArchitectureOf, nameInGguf } from "./ggufNames";
import { float32, type GgufTensorPlan, type GgufTyped, ggufPadding, planGguf, text, uint32 } from "./ggufWriter";
import { quote } from "./safetensorsHeader";
import { newWeightFile, rotatedRow, type StoredTensor } from "./weightFiles";

export type LoraModule = {
  a: { shape: readonly number[]; values: Float32Array }; // [r, in]
  b: { shape: readonly number[]; values: Float32Array }; // [out, r]
  /** Of B · A. */
  scale: number;
};

/** By the linear layer's module path in Hugging Face's model: `model.layers.0.self_attn.q_proj`. */
export type LoraModules = ReadonlyMap<string, LoraModule>;

/** The largest rank that parsePeft takes. */
const mostRank = 4096;

function fail(detail: Said): never {
  throw new StudioError("adapter.invalid", detail);
}

type Place = { path: string; ggufName: string; out: number; in_: number; heads: number | null };

/** Every linear layer of the base's blocks: its name in a GGUF file, its shape, and the heads whose rows are turned. */
function listPlaces(config: ModelConfig): Place[] {
  const architecture = ggufArchitectureOf(config.architecture);
  const headsOf: Partial<Record<LinearName, number>> = { q_proj: config.heads, k_proj: config.keyValueHeads };
  return Array.from({ length: config.layers }, (_, layer) =>
    linearNamesOf(config).flatMap((name) => {
      const path = linearPath(layer, name);
      const known = nameInGguf(architecture, `${path}.weight`);
      const [out, in_] = linearShape(config, name);
      return known
        ? [{ path, ggufName: known.name, out, in_, heads: known.changes.rotated ? (headsOf[name] ?? null) : null }]
        : [];
    }),
  ).flat();
}

function checkModule(path: string, { a, b, scale }: LoraModule, { out, in_ }: Place): number {
  const [rank = 0] = a.shape;
  const isFitting = (shape: readonly number[], rows: number, columns: number, values: Float32Array) =>
    shape.length === 2 && shape[0] === rows && shape[1] === columns && values.length === rows * columns;
  if (rank < 1 || !isFitting(a.shape, rank, in_, a.values) || !isFitting(b.shape, out, rank, b.values))
    fail(say`${path}: A [${a.shape.join(", ")}] and B [${b.shape.join(", ")}] do not fit the weight [${out}, ${in_}]`);
  if (!Number.isFinite(scale)) fail(say`${path}: its scale is ${scale}`);
  return rank;
}

/**
 * The file's one alpha: what scale · rank is for most modules, so that most keep their B to the bit. It is never 0,
 * which llama.cpp takes for a scale of 1.
 */
function chooseAlpha(alphas: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const alpha of alphas) {
    const rounded = Math.fround(alpha);
    if (rounded !== 0) counts.set(rounded, (counts.get(rounded) ?? 0) + 1);
  }
  const [[alpha] = [1]] = [...counts].sort(([, a], [, b]) => b - a);
  return alpha;
}

/** B times `factor`, its rows in the file's order. */
function newB({ values, shape }: LoraModule["b"], factor: number, { heads, out }: Place): Float32Array {
  const [, rank = 0] = shape;
  const folded = factor === 1 ? values : values.map((value) => value * factor);
  if (heads === null) return folded;
  const turned = new Float32Array(folded.length);
  for (let row = 0; row < out; row++)
    turned.set(folded.subarray(row * rank, (row + 1) * rank), rotatedRow(row, out / heads) * rank);
  return turned;
}

/**
 * The file's bytes, in f32. A module whose scale · rank is not the file's alpha has the rest multiplied into its B.
 * Throws `adapter.invalid`, naming the module that the base has not, or that does not fit it.
 */
export function newGgufAdapter(adapter: {
  config: ModelConfig;
  name: string;
  modules: LoraModules;
}): Uint8Array<ArrayBuffer> {
  const { config, name, modules } = adapter;
  const places = new Map(listPlaces(config).map((place) => [place.path, place]));
  if (modules.size === 0) fail(say`The adapter has no module`);
  const checked = [...modules].map(([path, module]) => {
    const place = places.get(path) ?? fail(say`${path} is no linear layer of the base`);
    return { module, place, alpha: module.scale * checkModule(path, module, place) };
  });
  const alpha = chooseAlpha(checked.map((each) => each.alpha));
  const metadata = new Map<string, GgufTyped>([
    ["general.architecture", text(ggufArchitectureOf(config.architecture))],
    ["general.type", text("adapter")],
    ["adapter.type", text("lora")],
    ["general.name", text(name)],
    ["adapter.lora.alpha", float32(alpha)],
    ["general.file_type", uint32(0)],
    ["general.quantization_version", uint32(2)],
  ]);
  const plans = new Map<string, GgufTensorPlan>();
  const numbers: Float32Array[] = [];
  for (const each of checked) {
    const { module, place } = each;
    plans.set(`${place.ggufName}.lora_a`, { shape: module.a.shape, type: "F32" });
    plans.set(`${place.ggufName}.lora_b`, { shape: module.b.shape, type: "F32" });
    const factor = Math.fround(each.alpha) === alpha ? 1 : each.alpha / alpha;
    numbers.push(module.a.values, newB(module.b, factor, place));
  }
  const { head, size } = planGguf(metadata, plans);
  const bytes = new Uint8Array(size);
  bytes.set(head);
  let at = head.length;
  [...plans.values()].forEach((plan, i) => {
    const encoded = encodeGgml(numbers[i] ?? new Float32Array(), "F32");
    bytes.set(encoded, at);
    at += encoded.length + ggufPadding(plan).length;
  });
  return bytes;
}

type Header = Awaited<ReturnType<typeof readGgufHeader>>;

/** The file's alpha, null where it says none and B · A stands for itself. */
function readAlpha({ metadata }: Header, config: ModelConfig): number | null {
  const said = (key: string) => metadata.get(key);
  const wanted = ggufArchitectureOf(config.architecture);
  const shown = (key: string) => quote(String(said(key) ?? "model"));
  if (said("general.type") !== "adapter") fail(say`GGUF: the file is no adapter but of type ${shown("general.type")}`);
  if (said("general.architecture") !== wanted)
    fail(say`GGUF: the adapter is for ${quote(String(said("general.architecture")))}, the base is ${quote(wanted)}`);
  if (said("adapter.type") !== "lora")
    fail(say`GGUF: the adapter's type is ${quote(String(said("adapter.type")))}; only "lora" is supported`);
  if (said("adapter.alora.invocation_tokens") !== undefined)
    fail(say`GGUF: the adapter works only behind certain tokens (aLoRA), which is not supported`);
  const alpha = said("adapter.lora.alpha") ?? 0;
  if (typeof alpha !== "number" || !Number.isFinite(alpha))
    fail(say`GGUF: the key "adapter.lora.alpha" is not a number`);
  return alpha === 0 ? null : alpha;
}

/** The tensors of each module by its GGUF name. Throws where one stands alone or belongs to no module. */
function pairTensors({ tensors }: Header, places: ReadonlyMap<string, Place>): [Place, StoredTensor, StoredTensor][] {
  const pairs = new Map<string, { a?: StoredTensor; b?: StoredTensor }>();
  for (const [name, tensor] of tensors) {
    const [, weight = "", which] = /^(.+)\.lora_([ab])$/.exec(name) ?? [];
    if (!places.has(weight)) fail(say`GGUF: tensor ${quote(name)} belongs to no linear layer of the base`);
    pairs.set(weight, { ...pairs.get(weight), [which === "a" ? "a" : "b"]: tensor });
  }
  if (pairs.size === 0) fail(say`GGUF: the adapter has no tensor`);
  return [...pairs].map(([weight, { a, b }]) => {
    const place = places.get(weight) ?? fail(say`GGUF: tensor ${quote(weight)} belongs to no linear layer of the base`);
    if (!a || !b) fail(say`GGUF: tensor ${quote(`${weight}.lora_${a ? "b" : "a"}`)} is missing`);
    return [place, a, b];
  });
}

/**
 * Reads an adapter for this base, every tensor counted: `scale` is alpha / rank, and 1 where the file says no alpha, as
 * llama.cpp has it. Throws `adapter.invalid`, naming the key or tensor, `model.tensor` for the file itself, and
 * `file.unreadable`.
 */
export async function parseGgufAdapter(source: ByteSource, config: ModelConfig): Promise<Map<string, LoraModule>> {
  const header = await readGgufHeader(source);
  const alpha = readAlpha(header, config);
  const places = new Map(listPlaces(config).map((place) => [place.ggufName, place]));
  const modules = new Map<string, LoraModule>();
  for (const [place, a, b] of pairTensors(header, places)) {
    const { path, out, in_, heads, ggufName } = place;
    const [rank = 0] = a.shape;
    const isFitting =
      a.shape.length === 2 && b.shape.length === 2 && a.shape[1] === in_ && b.shape[0] === out && b.shape[1] === rank;
    if (!isFitting || rank < 1 || rank > mostRank)
      fail(
        say`GGUF: ${quote(ggufName)}: A [${a.shape.join(", ")}] and B [${b.shape.join(", ")}] do not fit the weight [${out}, ${in_}]`,
      );
    const turned: StoredTensor = heads === null ? b : { ...b, rotatedHeads: heads };
    const file = newWeightFile(
      new Map([
        ["a", a],
        ["b", turned],
      ]),
    );
    const [aValues, bValues] = [await file.readRows("a", 0, rank), await file.readRows("b", 0, out)];
    modules.set(path, {
      a: { shape: a.shape, values: aValues },
      b: { shape: b.shape, values: bValues },
      scale: alpha === null ? 1 : alpha / rank,
    });
  }
  return modules;
}
