/** @file An adapter as files hold it: PEFT's layout where PEFT has a form for what was trained, else the studio's own. */

import type { Adaptation } from "../core/adaptation";
import { StudioError } from "../core/errors";
import type { ModelConfig } from "../core/model";
import type { Dimension } from "../core/objective";
import { say } from "../core/say";
import { parseLoarFolder } from "../formats/loarFolder";
import { newNativeAdapterFiles, parseNativeAdapter } from "../formats/nativeAdapter";
import { type AdapterFolder, newPeftFiles, parsePeft, peftFormOf } from "../formats/peft";
import type { NamedFile } from "../formats/zip";

export type AdapterFiles = {
  adaptation: Adaptation;
  /** By the names of `adaptationTensors`. */
  tensors: Map<string, { shape: number[]; values: Float32Array }>;
  /** Of a reward model: what its numbers are called, and count, where that is known. */
  dimensions?: Dimension[];
};

/** Throws `adapter.invalid` where the tensors are not the adaptation's. */
export function newAdapterFiles(adapter: AdapterFolder & { adaptation: Adaptation }): NamedFile[] {
  const form = peftFormOf(adapter.adaptation);
  return form ? newPeftFiles({ ...adapter, ...form }) : newNativeAdapterFiles(adapter);
}

function parseJson(name: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new StudioError("adapter.invalid", say`${name} is not JSON in UTF-8`, { cause });
  }
}

type Read = (file: string) => Promise<Uint8Array | null>;

/**
 * Reads any of the layouts for this base, LoAR's for transformers with PEFT's folder beside it among them; `read` answers
 * null where there is no such file. Throws `adapter.invalid`, and `model.tensor` for the file of tensors itself.
 */
export async function readAdapterFiles(read: Read, config: ModelConfig): Promise<AdapterFiles> {
  const settings = await read("loar.json");
  if (!settings) return readOneFolder(read, config);
  const safetensors = await read("loar.safetensors");
  if (!safetensors) throw new StudioError("adapter.invalid", say`loar.safetensors is missing`);
  const { method, tensors } = parseLoarFolder({ loar: parseJson("loar.json", settings), safetensors }, config);
  if (!(await read("lora/adapter_config.json"))) return { adaptation: [method], tensors };
  const beside = await readOneFolder((file) => read(`lora/${file}`), config);
  return { adaptation: [method, ...beside.adaptation], tensors: new Map([...tensors, ...beside.tensors]) };
}

/** PEFT's folder, or the studio's. */
async function readOneFolder(readFile: Read, config: ModelConfig): Promise<AdapterFiles> {
  const fail = (file: string) => new StudioError("adapter.invalid", say`${file} is missing`);
  const [own, peft] = [await readFile("anneal_adapter.json"), await readFile("adapter_config.json")];
  if (own && peft) {
    throw new StudioError(
      "adapter.invalid",
      say`There is an anneal_adapter.json and an adapter_config.json: they are of two adapters`,
    );
  }
  if (!own && !peft) throw fail("adapter_config.json");
  const safetensors = await readFile("adapter_model.safetensors");
  if (!safetensors) throw fail("adapter_model.safetensors");
  if (own) return parseNativeAdapter({ anneal_adapter: parseJson("anneal_adapter.json", own), safetensors }, config);
  const adapter_config = parseJson("adapter_config.json", peft as Uint8Array);
  const { method, head, ...read } = parsePeft({ adapter_config, safetensors }, config);
  return { ...read, adaptation: head ? [method, head] : [method] };
}
