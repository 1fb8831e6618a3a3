"""LoAR as it leaves the studio, with its Python module on a transformers model, computes what the studio does: every
mode, alone and with LoRA through PEFT, in one pass and token by token."""

import sys

import pytest
import torch
import transformers as hf
from peft import PeftModel
from peftKinds import SHARED, relative_error
from safetensors.torch import load_file

LIMIT = 1e-4
SIZES = SHARED | dict(vocab_size=257, bos_token_id=None, eos_token_id=256)
BASES = {
    "llama": (hf.LlamaForCausalLM, hf.LlamaConfig, SIZES | dict(tie_word_embeddings=True)),
    "qwen2": (hf.Qwen2ForCausalLM, hf.Qwen2Config, SIZES | dict(
        hidden_size=24, num_attention_heads=4, num_key_value_heads=2, use_sliding_window=True, sliding_window=6,
        max_window_layers=1, tie_word_embeddings=False)),
    "gemma2": (hf.Gemma2ForCausalLM, hf.Gemma2Config, SIZES | dict(
        head_dim=8, sliding_window=4, query_pre_attn_scalar=5, attn_logit_softcapping=2.0, pad_token_id=0)),
    "gpt2": (hf.GPT2LMHeadModel, hf.GPT2Config, dict(
        n_embd=18, n_layer=2, n_head=3, n_positions=64, vocab_size=257, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=1, eos_token_id=256)),
}
MODES = ["soft", "hard", "literal", "gate"]
CASES = [(base, mode, lora) for base in BASES for mode in MODES for lora in (False, True)]
TOKENS = [3, 7, 1, 130, 22, 22, 5, 39, 0, 11, 60, 4]
MARKS = [1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1]


@pytest.fixture(scope="module")
def cases(anneal, tmp_path_factory):
    root = tmp_path_factory.mktemp("loar")
    for name, (cls, config, settings) in BASES.items():
        torch.manual_seed(3)
        model = cls(config(**settings))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        model.save_pretrained(root / name)
    anneal("loarCases", [
        {"base": str(root / base), "out": str(root / f"{base}-{mode}-{lora}"), "mode": mode, "hasLora": lora,
         "tokens": TOKENS, "marks": MARKS}
        for base, mode, lora in CASES
    ])
    return root


def load(cases, base, mode, lora):
    folder = cases / f"{base}-{mode}-{lora}"
    model = hf.AutoModelForCausalLM.from_pretrained(
        cases / base, dtype=torch.float32, local_files_only=True, attn_implementation="eager"
    ).eval()
    plain = logits_of(model, TOKENS)
    if lora:
        model = PeftModel.from_pretrained(model, folder / "lora").eval()
    sys.path.insert(0, str(folder))
    try:
        sys.modules.pop("anneal_loar", None)
        from anneal_loar import Loar
    finally:
        sys.path.pop(0)
    return folder, model, plain, Loar(model, folder)


def logits_of(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens]), use_cache=False).logits[0]


@pytest.mark.parametrize("base, mode, lora", CASES)
def test_same_logits(base, mode, lora, cases):
    folder, model, plain, loar = load(cases, base, mode, lora)
    loar.marks = torch.tensor([MARKS])
    wanted = load_file(folder / "results.safetensors")["logits"]
    error = relative_error(logits_of(model, TOKENS), wanted)
    print(base, mode, lora, error)
    assert error <= LIMIT
    assert relative_error(plain, wanted) > 0.01
    loar.marks = None
    if mode in ("soft", "hard", "literal"):
        assert relative_error(logits_of(model, TOKENS), wanted) > 1e-3  # the marks do something
    loar.remove()
    if not lora:
        assert torch.equal(logits_of(model, TOKENS), plain)


@pytest.mark.parametrize("base, mode", [("llama", "soft"), ("llama", "hard"), ("qwen2", "soft"), ("gpt2", "literal")])
def test_token_by_token(base, mode, cases):
    """With a cache, marks of the prompt alone, and the vocabulary's table for the rest: as all at once."""
    folder, model, _, loar = load(cases, base, mode, False)
    table = load_file(folder / "loar.safetensors")["table"]
    known = 7
    rest = [table[token].item() for token in TOKENS[known:]]
    loar.marks = torch.tensor([MARKS[:known] + rest])
    whole = logits_of(model, TOKENS)
    loar.marks = torch.tensor([MARKS[:known]])
    with torch.no_grad():
        out = model(torch.tensor([TOKENS[:known]]), use_cache=True)
        found = [out.logits[0]]
        for token in TOKENS[known:]:
            out = model(torch.tensor([[token]]), past_key_values=out.past_key_values, use_cache=True)
            found.append(out.logits[0])
    assert relative_error(torch.cat(found), whole) <= LIMIT


def test_what_does_not_fit(cases, tmp_path):
    folder, model, _, loar = load(cases, "llama", "soft", False)
    loar.marks = torch.tensor([MARKS, MARKS])
    with pytest.raises(ValueError, match="marks of 2 rows"):
        logits_of(model, TOKENS)
    loar.remove()
    cls = type(loar)
    model.config._attn_implementation = "sdpa"
    with pytest.raises(ValueError, match="eager"):
        cls(model, folder)
    other = hf.AutoModelForCausalLM.from_config(hf.LlamaConfig(**(SIZES | dict(num_hidden_layers=3))),
                                                attn_implementation="eager")
    with pytest.raises(ValueError, match="3 attention layers, LoAR was trained on 2"):
        cls(other, folder)
    (tmp_path / "loar.json").write_text('{"version": 2}')
    with pytest.raises(ValueError, match="version 2"):
        cls(model, tmp_path)
