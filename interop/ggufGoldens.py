"""GGUF files made by gguf-py, and what it and Hugging Face's names say of them: src/formats/golden/.

Run with Python 3.11, gguf 0.19, torch 2.13 and transformers 5.18:  python interop/ggufGoldens.py [FOLDER]
types.gguf holds random blocks of every type we read. {architecture}.gguf is a tiny random model, whose tensors got
their names from gguf-py's own table and were changed as llama.cpp's convert_hf_to_gguf.py changes them.
written.gguf is what our writer is to write byte for byte, from the numbers in its tensor "F32".
goldens.json has the SHA-256 of the f32 numbers of each tensor as Hugging Face's checkpoint has it, and its
configuration.
"""

import copy
import hashlib
import json
import math
import pathlib
import sys

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from transformers import AutoConfig, AutoModelForCausalLM

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "src" / "formats" / "golden"

QUANTISED = [
    Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q4_K, Type.Q5_K, Type.Q6_K,
]
# Where the halves of a block's scales lie, in bytes.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()


def random_blocks(chance, kind, rows, width):
    """Every code at random; scales of all sizes a half can have, signed, among them the largest, the smallest and 0."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = chance.integers(0, 256, (rows * width // block, size), dtype=np.uint8)
    for at in SCALES[kind]:
        halves = (chance.integers(0, 0x7C00, len(blocks)) | (chance.integers(0, 2, len(blocks)) << 15)).astype("<u2")
        halves[: len(halves) // 2] = (chance.standard_normal(len(halves) // 2) * 0.02).astype("<f2").view("<u2")
        halves[-6:] = [0x0000, 0x8000, 0x0001, 0x8001, 0x7BFF, 0xFBFF]
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(-1, 2)
    blocks[len(blocks) // 2] = 0
    return blocks.reshape(rows, -1)


def write_types(folder):
    chance = np.random.default_rng(1)
    writer = gguf.GGUFWriter(folder / "types.gguf", "llama")
    known = {}
    for kind in QUANTISED:
        data = random_blocks(chance, kind, 4, 512)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        known[kind.name] = digest(gguf.quants.dequantize(data, kind))
    halves = np.arange(65536, dtype="<u2").view("<f2")
    halves = halves[~np.isnan(halves)][::62][:1024].reshape(-1, 32)
    bfloats = (np.arange(0, 65536, 66, dtype="<u4") << 16).view("<f4")
    bfloats = bfloats[~np.isnan(bfloats)][:960].reshape(30, 32)
    brain = gguf.quants.quantize(bfloats, Type.BF16)
    writer.add_tensor("F16", halves)
    writer.add_tensor("BF16", brain, raw_dtype=Type.BF16)
    writer.add_tensor("F32", chance.standard_normal((5, 7)).astype("<f4"))
    known |= {"F16": digest(halves.astype("<f4")), "BF16": digest(gguf.quants.dequantize(brain, Type.BF16))}
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = gguf.GGUFReader(folder / "types.gguf")
    for tensor in reader.tensors:
        again = digest(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
        assert known.setdefault(tensor.name, again) == again, tensor.name
    return known


SHARED = dict(
    vocab_size=32, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)
MODELS = {
    "llama": dict(SHARED, model_type="llama", rms_norm_eps=1e-5, rope_theta=500000.0, tie_word_embeddings=True,
                  attention_bias=True, head_dim=8,
                  rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                    original_max_position_embeddings=8192)),
    "qwen2": dict(SHARED, model_type="qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0, tie_word_embeddings=True),
    "qwen3": dict(SHARED, model_type="qwen3", rms_norm_eps=1e-6, rope_theta=1000000.0, head_dim=16,
                  tie_word_embeddings=False),
    "gemma2": dict(SHARED, model_type="gemma2", rms_norm_eps=1e-6, head_dim=16, query_pre_attn_scalar=16,
                   sliding_window=128, attn_logit_softcapping=50.0, final_logit_softcapping=30.0,
                   tie_word_embeddings=True),
    "gemma3": dict(SHARED, model_type="gemma3_text", rms_norm_eps=1e-6, head_dim=16, query_pre_attn_scalar=16,
                   sliding_window=64, tie_word_embeddings=True, num_hidden_layers=2),
    "phi3": dict(SHARED, model_type="phi3", rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False,
                 original_max_position_embeddings=64, sliding_window=100,
                 rope_scaling=dict(rope_type="longrope", long_factor=[1.5 + i / 4 for i in range(4)],
                                   short_factor=[1.0 + i / 8 for i in range(4)])),
    "gpt2": dict(model_type="gpt2", vocab_size=32, n_positions=64, n_embd=32, n_layer=1, n_head=4, n_inner=64,
                 layer_norm_epsilon=1e-5, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True),
}


def permute(weights, heads):
    """As convert_hf_to_gguf.py's LlamaModel.permute."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def unpermute(weights, heads):
    return weights.reshape(heads, weights.shape[0] // heads // 2, 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def changed(architecture, config, name, array, back=False):
    """What the converter does to a tensor of Hugging Face's, or what undoes it."""
    if architecture == "llama" and (".q_proj." in name or ".k_proj." in name):
        heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
        return (unpermute if back else permute)(array, heads)
    if architecture.startswith("gemma") and name.endswith("norm.weight"):
        return array - np.float32(1) if back else array + np.float32(1)
    if architecture == "gpt2" and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
        return np.ascontiguousarray(array.T)
    return array


def kind_of(name, array, index):
    if array.ndim < 2 or array.shape[-1] % 32 != 0:
        return Type.F32
    return [Type.Q4_1, Type.Q8_0, Type.Q4_0, Type.F16, Type.BF16, Type.Q5_1][index % 6]


def add_metadata(writer, architecture, config):
    """What set_gguf_parameters of the converter's class for the architecture writes."""
    get = config.to_dict().get
    writer.add_context_length(get("max_position_embeddings") or get("n_positions"))
    writer.add_embedding_length(get("hidden_size") or get("n_embd"))
    writer.add_feed_forward_length(get("intermediate_size") or get("n_inner"))
    writer.add_block_count(get("num_hidden_layers") or get("n_layer"))
    writer.add_head_count(get("num_attention_heads") or get("n_head"))
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    if architecture == "gpt2":
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_pad_token_id(config.pad_token_id)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    settings = MODELS[architecture]
    if "rope_theta" in settings:
        writer.add_rope_freq_base(settings["rope_theta"])
    if "head_dim" in settings:
        writer.add_key_length(settings["head_dim"])
        writer.add_value_length(settings["head_dim"])
    if architecture in ("llama", "phi3"):
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
        writer.add_vocab_size(config.vocab_size)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture == "gemma3":
        writer.add_rope_freq_base(1000000.0)
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(8.0)
    if "sliding_window" in settings:
        writer.add_sliding_window(settings["sliding_window"])
    if architecture == "phi3":
        writer.add_rope_scaling_orig_ctx_len(settings["original_max_position_embeddings"])


def add_rope_factors(writer, architecture):
    settings = MODELS[architecture]
    scaling = settings.get("rope_scaling")
    if architecture == "phi3":
        writer.add_tensor("rope_factors_long.weight", np.array(scaling["long_factor"], dtype="<f4"))
        writer.add_tensor("rope_factors_short.weight", np.array(scaling["short_factor"], dtype="<f4"))
    if architecture == "llama":
        # generate_extra_tensors of the converter's LlamaModel
        factors = []
        for i in range(0, settings["head_dim"], 2):
            wavelength = 2 * math.pi * settings["rope_theta"] ** (i / settings["head_dim"])
            original = scaling["original_max_position_embeddings"]
            low, high, factor = (scaling[key] for key in ("low_freq_factor", "high_freq_factor", "factor"))
            if wavelength < original / high:
                factors.append(1)
            elif wavelength > original / low:
                factors.append(factor)
            else:
                smooth = (original / wavelength - low) / (high - low)
                factors.append(1 / ((1 - smooth) / factor + smooth))
        writer.add_tensor("rope_freqs.weight", np.array(factors, dtype="<f4"))


def write_model(folder, architecture):
    torch.manual_seed(3)
    config = AutoConfig.for_model(**copy.deepcopy(MODELS[architecture]))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    layers = MODELS[architecture].get("num_hidden_layers") or MODELS[architecture]["n_layer"]
    kind = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(kind, layers)
    writer = gguf.GGUFWriter(folder / f"{architecture}.gguf", architecture)
    add_metadata(writer, architecture, config)
    known = {}
    add_rope_factors(writer, architecture)
    chance = np.random.default_rng(4)
    for index, (name, tensor) in enumerate(model.state_dict().items()):
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        given = chance.standard_normal(tuple(tensor.shape)).astype("<f4")
        if name.endswith("norm.weight"):
            given = (np.rint(given * 64) / 64).astype("<f4")  # so that 1 added and taken away is nothing
        array = changed(architecture, config, name, given)
        # transformers 5 keeps GPT-2's names under "transformer."; gguf-py's table has them so too
        ours = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert ours is not None, name
        type_ = kind_of(name, array, index)
        data = gguf.quants.quantize(array, type_)
        writer.add_tensor(ours, data, raw_dtype=type_)
        held = np.asarray(gguf.quants.dequantize(data, type_), dtype="<f4").reshape(array.shape)
        back = changed(architecture, config, name, held, back=True)
        known[name] = dict(shape=list(back.shape), type=type_.name, sha256=digest(back))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return dict(config=MODELS[architecture], tensors=known)


def awkward_numbers():
    """Rows of 64 that quantisation may err on: zeros, halves between two codes, equal magnitudes, all sizes."""
    chance = np.random.default_rng(5)
    rows = chance.standard_normal((24, 64)).astype("<f4") * np.logspace(-6, 4, 24, dtype="<f4")[:, None]
    rows[0] = 0
    rows[1, :32] = -0.0
    rows[2, :32] = np.arange(-16, 16, dtype="<f4") + np.float32(0.5)
    rows[2, 0] = 127  # so that codes are the numbers, each between two
    rows[3, :32] = np.arange(32) / 2
    rows[3, 0] = -8  # the same of Q4_0
    rows[4, 5] = -3
    rows[4, 9] = 3  # of two as large the first counts
    rows[5, :32] = 0.25
    rows[6, 0] = 65504
    return rows


def write_written(folder):
    """As src/formats/ggufWriter.test.ts writes it again."""
    writer = gguf.GGUFWriter(folder / "written.gguf", "llama")
    writer.add_string("a.string", "naïve 日本 👍")
    writer.add_uint32("a.uint32", 4294967295)
    writer.add_int32("a.int32", -5)
    writer.add_float32("a.float32", 0.1)
    writer.add_int64("a.int64", -(2**40))
    writer.add_float64("a.float64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_array("strings", ["", "a b", "é"])
    writer.add_array("int32s", [1, -1])
    writer.add_array("float32s", [0.5, -1000.0, 0.1])
    writer.add_array("bools", [True, False])
    numbers = awkward_numbers()
    writer.add_tensor("F32", numbers)
    for kind in (Type.F16, Type.Q8_0, Type.Q4_0):
        writer.add_tensor(kind.name, gguf.quants.quantize(numbers, kind), raw_dtype=kind)
    writer.add_tensor("odd", np.array([1, -2, 3, 4, 5], "<f4"))
    writer.add_tensor("odd16", np.array([[1, -2, 3]], "<f2"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    write_written(folder)
    goldens = dict(types=write_types(folder), models={name: write_model(folder, name) for name in MODELS})
    (folder / "goldens.json").write_text(json.dumps(goldens) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
