/** @file Opens a GGUF file: its metadata, its configuration and its tensors as Hugging Face's checkpoint has them. */

import type { ByteSource } from "../core/byteSource";
import { StudioError } from "../core/errors";
import { say } from "../core/say";
import type { WeightFile } from "../core/weightFile";
import { type RopeFactors, readGgufConfig } from "./ggufConfig";
import { type GgufHeader, type GgufValue, readGgufHeader } from "./ggufHeader";
import { type GgufArchitecture, isGgufArchitecture, nameInHuggingFace } from "./ggufNames";
import { quote } from "./safetensorsHeader";
import { newWeightFile, type StoredTensor } from "./weightFiles";

export type Gguf = {
  version: number;
  architecture: GgufArchitecture;
  /** Every key of the file with its value. */
  metadata: ReadonlyMap<string, GgufValue>;
  /** As config.json of the same model has it: what core/model.ts' parseModelConfig reads. */
  config: Record<string, unknown>;
  /**
   * The tensors as Hugging Face's checkpoint has them: under its names, the rows of Llama's queries and keys in its
   * order, Gemma's norms as w of 1 + w, and the weights of GPT-2's Conv1D as [in, out]. These last are read whole for
   * any of their rows, as they lie transposed, and are not packed.
   */
  file: WeightFile;
};

/** The header's architecture. Throws `model.config`, saying what else the file tells, where we know none such. */
function findArchitecture({ metadata, tensors }: GgufHeader): GgufArchitecture {
  const said = metadata.get("general.architecture");
  if (typeof said !== "string")
    throw new StudioError("model.config", say`GGUF: the key "general.architecture" is missing`);
  const type = metadata.get("general.type") ?? "model";
  if (type !== "model") throw new StudioError("model.config", say`GGUF: the file is of type ${quote(String(type))}`);
  const parts = metadata.get("split.count");
  if (typeof parts === "number" && parts > 1)
    throw new StudioError("model.config", say`GGUF: the file is one part of ${parts}; join them first`);
  if (isGgufArchitecture(said)) return said;
  let parameters = 0;
  for (const { shape } of tensors.values()) parameters += shape.reduce((product, n) => product * n, 1);
  const context = metadata.get(`${said}.context_length`);
  throw new StudioError(
    "model.config",
    say`GGUF: the architecture ${quote(said)} is not supported (${parameters} parameters in ${tensors.size} tensors, context length ${typeof context === "number" ? context : "unknown"})`,
  );
}

/** Small tensors that are no weights but part of the configuration. */
async function readRopeFactors(tensors: GgufHeader["tensors"]): Promise<RopeFactors> {
  const read = async (name: string): Promise<Float32Array | null> => {
    const tensor = tensors.get(`${name}.weight`);
    if (!tensor) return null;
    const [length = 0, ...rest] = tensor.shape;
    if (rest.length > 0 || length < 1 || length > 4096)
      throw new StudioError(
        "model.config",
        say`GGUF: tensor "${name}.weight" has the shape [${tensor.shape.join(", ")}]`,
      );
    return newWeightFile(new Map([[name, tensor]])).readRows(name, 0, length);
  };
  return {
    freqs: await read("rope_freqs"),
    long: await read("rope_factors_long"),
    short: await read("rope_factors_short"),
  };
}

/** Each tensor under Hugging Face's name, with what is to be undone when it is read. */
function nameTensors(
  tensors: GgufHeader["tensors"],
  architecture: GgufArchitecture,
  config: Record<string, unknown>,
): Map<string, StoredTensor> {
  const named = new Map<string, StoredTensor>();
  const layers = Number(config["num_hidden_layers"] ?? config["n_layer"]);
  const heads = { attn_q: Number(config["num_attention_heads"]), attn_k: Number(config["num_key_value_heads"]) };
  for (const [ggufName, tensor] of tensors) {
    const where = say`GGUF: tensor ${quote(ggufName)}`;
    const known = nameInHuggingFace(architecture, ggufName);
    if (known === "ignored") continue;
    if (!known) throw new StudioError("model.tensor", say`${where}: ${architecture} has none of this name`);
    if (known.layer !== null && known.layer >= layers)
      throw new StudioError("model.tensor", say`${where}: the model has only ${layers} layers`);
    const { shape } = tensor;
    const presented: StoredTensor = { ...tensor };
    if (known.rotated) {
      presented.rotatedHeads = heads[known.rotated];
      if ((shape[0] ?? 0) % (2 * presented.rotatedHeads) !== 0)
        throw new StudioError(
          "model.tensor",
          say`${where}: its ${shape[0] ?? 0} rows are not of ${presented.rotatedHeads} heads`,
        );
    }
    if (known.isTransposed) {
      if (shape.length !== 2) throw new StudioError("model.tensor", say`${where}: it is no matrix`);
      presented.isTransposed = true;
      presented.shape = shape.toReversed();
    }
    if (known.shift !== null) presented.shift = known.shift;
    named.set(known.name, presented);
  }
  return named;
}

/**
 * Reads the header and nothing of the weights, which are read by rows when they are asked for.
 * Throws `model.tensor` and `model.config`, naming the key or tensor, and `file.unreadable`.
 */
export async function openGguf(source: ByteSource): Promise<Gguf> {
  const header = await readGgufHeader(source);
  const architecture = findArchitecture(header);
  const { version, metadata, tensors } = header;
  const config = readGgufConfig(header, architecture, await readRopeFactors(tensors));
  const file = newWeightFile(nameTensors(tensors, architecture, config));
  return { version, architecture, metadata, config, file };
}
