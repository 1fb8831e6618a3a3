"""An adapter of ours loads in PEFT on a base of ours and computes what our engine computes."""

import json
import warnings
import zipfile

import pytest
import torch
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

LIMIT = 1e-4
TINY = {
    "model_type": "llama", "vocab_size": 40, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "eos_token_id": 1,
}
CASES = {
    "tied": dict(config=TINY, dtype="float32", lora={}),
    "untied, heads wider, half precision": dict(
        config=TINY | dict(tie_word_embeddings=False, head_dim=12, num_key_value_heads=1, rope_theta=500.0),
        dtype="float16", lora=dict(rank=3, alpha=7.5, targetModules=["q_proj", "down_proj"]),
    ),
    "embedded": dict(base=True, config=None, dtype="float32", lora=dict(rank=16, alpha=32)),
}


def logits_of(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].float()


def relative_error(a, b):
    error = ((a - b).norm() / b.norm()).item()
    return error if error == error else float("inf")


@pytest.mark.parametrize("name", CASES)
def test_adapter(name, anneal, embedded, tmp_path):
    case = CASES[name]
    settings = {"base": None} | case
    if case.get("base"):
        settings["base"] = str(embedded)
    tokens = [3, 7, 1, 30, 22, 22, 5, 39, 0, 11]
    anneal("adapter", settings | {"tokens": tokens}, tmp_path)

    base, found = AutoModelForCausalLM.from_pretrained(
        tmp_path / "base", dtype=torch.float32, output_loading_info=True, local_files_only=True
    )
    assert not found["missing_keys"] and not found["unexpected_keys"] and not found["mismatched_keys"]
    before = logits_of(base, tokens)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PEFT only warns of missing and unknown keys
        config = LoraConfig.from_pretrained(tmp_path / "adapter")
        model = PeftModel.from_pretrained(base, tmp_path / "adapter", config=config).eval()
    loaded = {k.replace(".default", ""): v for k, v in model.state_dict().items() if "lora_" in k}
    written = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert set(loaded) == set(written)
    assert all(torch.equal(loaded[key], written[key]) for key in written)

    peft = logits_of(model, tokens)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32, local_files_only=True)
    engine = load_file(tmp_path / "logits.safetensors")["logits"]
    errors = {
        "our merged weights": relative_error(logits_of(merged, tokens), peft),
        "our engine": relative_error(engine, peft),
    }
    print(name, errors)
    assert max(errors.values()) <= LIMIT, errors
    assert relative_error(before, peft) > 0.01  # the adapter does something

    with zipfile.ZipFile(tmp_path / "adapter.zip") as archive:
        assert archive.testzip() is None
        for file in archive.namelist():
            assert archive.read(file) == (tmp_path / "adapter" / file).read_bytes()


def test_model_card_metadata(anneal, tmp_path):
    from huggingface_hub import ModelCard

    anneal("adapter", {"base": None, "config": TINY, "dtype": "float32", "lora": {}, "tokens": [1]}, tmp_path)
    data = ModelCard.load(tmp_path / "adapter" / "README.md").data
    assert data.library_name == "peft"
    assert data.base_model == str(tmp_path / "base")
    assert "lora" in data.tags


def test_reads_adapters_of_peft(anneal, shared, tmp_path):
    folder = shared / "golden" / "peft-0.21.0" / "qwen_lora"
    config = TINY | dict(hidden_size=32, head_dim=8, num_attention_heads=4, num_key_value_heads=2)
    anneal("peft", folder, config, tmp_path)
    theirs = load_file(folder / "adapter_model.safetensors")
    ours = load_file(tmp_path / "tensors.safetensors")
    assert {f"base_model.model.{key}" for key in ours} == set(theirs)
    assert all(torch.equal(ours[key.removeprefix("base_model.model.")], theirs[key]) for key in theirs)
    settings = json.loads((tmp_path / "lora.json").read_text())
    assert settings["rank"] == 8 and settings["alpha"] == 16 and sorted(settings["targetModules"]) == ["q_proj", "v_proj"]
