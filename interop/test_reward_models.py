"""Reward models both ways: PEFT's read-out (modules_to_save) in our engine, and what we write of it in PEFT, by their
rewards for whole answers of unequal length."""

import json
import warnings

import pytest
import torch
from peft import IA3Config, LoraConfig, PeftModel, get_peft_model
from peftKinds import BASES, LINEARS, new_base, relative_error
from safetensors.torch import load_file
from safetensors import safe_open
from transformers import AutoModelForSequenceClassification

LIMIT = 1e-4
ROWS = [[3, 7, 1, 30, 22], [22, 5, 39, 0, 11, 60, 4, 2], [8, 2]]
DIMENSIONS = [{"name": "helpful", "weight": 1}, {"name": "brief", "weight": 0.5}, {"name": "polite", "weight": -1}]
CASES = [(base, kind) for base in BASES for kind in ("lora", "ia3")]


def new_config(kind, base):
    linears = LINEARS[base]
    shared = dict(task_type="SEQ_CLS", fan_in_fan_out=base == "gpt2", target_modules=linears)
    if kind == "ia3":
        return IA3Config(feedforward_modules=[linears[-1]], **shared)
    return LoraConfig(r=3, lora_alpha=5, **shared)


def classifier(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the base has no read-out: it is the adapter's
        return AutoModelForSequenceClassification.from_pretrained(
            folder / "base", num_labels=len(DIMENSIONS), dtype=torch.float32, local_files_only=True
        ).eval()


def rewards_of(model):
    with torch.no_grad():  # one at a time: no padding
        return torch.cat([model(torch.tensor([row])).logits.float() for row in ROWS])


@pytest.fixture(scope="module")
def cases(anneal, tmp_path_factory):
    root = tmp_path_factory.mktemp("rewards")
    found, settings = {}, []
    for base, kind in CASES:
        folder = root / f"{base}-{kind}"
        new_base(base).save_pretrained(folder / "base")
        peft = get_peft_model(classifier(folder), new_config(kind, base)).eval()
        torch.manual_seed(3)
        with torch.no_grad():
            for key, parameter in peft.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_((1 if "ia3" in key else 0) + 0.3 * torch.randn_like(parameter))
        peft.save_pretrained(folder / "peft")
        found[base, kind] = folder, rewards_of(peft)
        settings.append({"base": str(folder / "base"), "adapter": str(folder / "peft"), "out": str(folder),
                         "rows": ROWS, "dimensions": DIMENSIONS})
    anneal("rewardCases", settings)
    return found


@pytest.mark.parametrize("base, kind", CASES)
def test_rewards(base, kind, cases):
    folder, theirs = cases[base, kind]
    ours = load_file(folder / "rewards.safetensors")["rewards"]
    fresh = classifier(folder)
    before = rewards_of(fresh)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PEFT only warns of missing and unknown keys
        again = PeftModel.from_pretrained(fresh, folder / "adapter").eval()
    errors = {
        "what PEFT wrote, in our engine": relative_error(ours, theirs),
        "what we wrote, in PEFT": relative_error(rewards_of(again), theirs),
    }
    print(base, kind, errors)
    assert max(errors.values()) <= LIMIT, errors
    assert relative_error(before, theirs) > 0.01  # the adapter does something

    read = json.loads((folder / "read.json").read_text())
    assert [method["kind"] for method in read["adaptation"]] == [kind, "head"]
    assert read["adaptation"][1]["outputs"] == len(DIMENSIONS)
    assert read["before"] is None and read["after"] == DIMENSIONS
    written = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert written["task_type"] == "SEQ_CLS" and written["modules_to_save"] == ["score"]
    ours, theirs = (load_file(folder / name / "adapter_model.safetensors") for name in ("adapter", "peft"))
    assert set(ours) == set(theirs) and all(torch.equal(ours[key], theirs[key]) for key in theirs)
    with safe_open(folder / "adapter" / "adapter_model.safetensors", framework="pt") as file:
        assert file.metadata()["format"] == "pt"
