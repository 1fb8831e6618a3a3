"""Every architecture: the golden numbers are current, and what we export loads in transformers and PEFT and computes the same."""

import json
import subprocess
import sys
import warnings

import pytest
import torch
from conftest import ROOT
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

GOLDEN = ROOT / "src" / "model" / "golden" / "architectures"
LIMIT = 1e-4


def test_golden_architectures_are_current():
    done = subprocess.run(
        [sys.executable, "interop/architectureGoldens.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def load(folder):
    model, found = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, local_files_only=True
    )
    assert not found["missing_keys"] and not found["unexpected_keys"] and not found["mismatched_keys"]
    return model.eval()


@pytest.mark.parametrize("name", sorted(file.stem for file in GOLDEN.glob("*.json")))
def test_exports(name, anneal, tmp_path):
    config = json.loads((GOLDEN / f"{name}.json").read_text())["config"]
    tokens = [3, 7, 1, 30, 22, 22, 5, 39, 11, 4, 60, 17]
    anneal("adapter", {"base": None, "config": config, "dtype": "float32", "lora": {}, "tokens": tokens}, tmp_path)

    def logits_of(model):
        with torch.no_grad():
            return model(torch.tensor([tokens])).logits[0]

    base = load(tmp_path / "base")
    before = logits_of(base)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PEFT only warns of missing and unknown keys, and of fan_in_fan_out
        adapter = LoraConfig.from_pretrained(tmp_path / "adapter")
        model = PeftModel.from_pretrained(base, tmp_path / "adapter", config=adapter).eval()
    peft = logits_of(model)
    errors = {
        "our merged weights": logits_of(load(tmp_path / "merged")),
        "our engine": load_file(tmp_path / "logits.safetensors")["logits"],
    }
    errors = {key: ((value - peft).norm() / peft.norm()).item() for key, value in errors.items()}
    print(name, errors)
    assert all(error <= LIMIT for error in errors.values()), errors
    assert ((before - peft).norm() / peft.norm()).item() > 0.01  # the adapter does something
