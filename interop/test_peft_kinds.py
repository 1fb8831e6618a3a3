"""Every kind of adapter that PEFT and the studio share, both ways, on a Llama, a Qwen2 (biases, grouped heads) and a
GPT-2 (Conv1D): the logits of what PEFT wrote and we read, of what we wrote and PEFT reads, of what we merged, and the
losses of 20 steps from the same numbers."""

import warnings

import pytest
import torch
from peft import PeftModel
from peftKinds import BASES, KINDS, PLUS_RATIO, logits_of, new_adapter, new_base, new_rows, relative_error, train
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

LIMIT = 1e-4
TOKENS = [3, 7, 1, 30, 22, 22, 5, 39, 0, 11, 60, 4]
LEARNING_RATE = 1e-3


CASES = [(base, kind) for base in BASES for kind in KINDS]


@pytest.fixture(scope="module")
def cases(anneal, tmp_path_factory):
    """By base and kind: its folder, and PEFT's logits without and with the adapter and its losses."""
    root = tmp_path_factory.mktemp("kinds")
    rows = new_rows()
    found, settings = {}, []
    for base, kind in CASES:
        folder = root / f"{base}-{kind}"
        model = new_base(base)
        model.save_pretrained(folder / "base")
        plain = logits_of(model, TOKENS)
        peft = new_adapter(model, kind, base)
        peft.save_pretrained(folder / "peft")
        theirs = logits_of(peft, TOKENS)
        losses = torch.tensor(train(peft, kind, rows, LEARNING_RATE))
        found[base, kind] = folder, plain, theirs, losses
        settings.append({
            "base": str(folder / "base"), "adapter": str(folder / "peft"), "out": str(folder), "tokens": TOKENS,
            "rows": rows, "learningRate": LEARNING_RATE, "plusRatio": PLUS_RATIO if kind == "loraplus" else 1,
        })
    anneal("peftCases", settings)
    return found


@pytest.mark.parametrize("base, kind", CASES)
def test_kind(base, kind, cases):
    folder, plain, theirs, losses = cases[base, kind]
    ours = load_file(folder / "results.safetensors")
    fresh = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32, local_files_only=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PEFT only warns of missing and unknown keys
        again = PeftModel.from_pretrained(fresh, folder / "adapter").eval()
    errors = {
        "what PEFT wrote, in our engine": relative_error(ours["logits"], theirs),
        "what we wrote, in PEFT": relative_error(logits_of(again, TOKENS), theirs),
    }
    merges = kind not in ("prefix", "prompt")
    assert (folder / "merged").exists() == merges
    if merges:
        merged, found = AutoModelForCausalLM.from_pretrained(
            folder / "merged", dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
        assert not any(found.values()), found
        errors["what we merged, in transformers"] = relative_error(logits_of(merged, TOKENS), theirs)
    gap = ((ours["losses"] - losses).abs() / losses).max().item()
    print(base, kind, errors, "losses", losses[0].item(), losses[-1].item(), "gap", gap)
    assert max(errors.values()) <= LIMIT, errors
    assert relative_error(plain, theirs) > 0.01  # the adapter does something
    assert gap <= 1e-3, (ours["losses"], losses)
