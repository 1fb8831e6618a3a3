"""Golden numbers of transformers and PEFT for a tiny random model of every architecture:
src/model/golden/architectures/NAME.safetensors (the weights, f16) and NAME.json (what they compute, f32).

Run with Python 3.11, torch 2.13, transformers 5.18 and peft 0.21:  python interop/architectureGoldens.py [NAME …]
With --check nothing is written: what the weights that are there compute must agree to 1e-4. Sizes are odd on purpose,
windows shorter than the sequences, soft caps within the numbers' range, positions beyond the original ones.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import torch
import transformers as hf
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "src" / "model" / "golden" / "architectures"

SHARED = dict(
    vocab_size=61, hidden_size=18, intermediate_size=26, num_hidden_layers=2, num_attention_heads=3,
    num_key_value_heads=1, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
    pad_token_id=0,
)
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=2.5, rope_theta=40.0,
              original_max_position_embeddings=16)
SHORT, LONG = [1.0, 1.1, 1.3], [1.5, 2.5, 4.0]
GPT2 = dict(n_embd=18, n_layer=2, n_head=3, n_inner=None, n_positions=48, vocab_size=61, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, bos_token_id=1, eos_token_id=2)

# name: class, what its configuration has beyond SHARED, scale of its weights
MODELS = {
    "llama3": ("Llama", dict(rope_parameters=LLAMA3, tie_word_embeddings=True), 0.3),
    "llamaBiases": ("Llama", dict(attention_bias=True, mlp_bias=True, head_dim=8,
                                  rope_parameters=dict(rope_type="linear", factor=2.5, rope_theta=1000.0)), 0.3),
    "qwen2": ("Qwen2", dict(use_sliding_window=True, sliding_window=6, max_window_layers=1, head_dim=12,
                            max_position_embeddings=256, rope_parameters=dict(
                                rope_type="yarn", factor=4.0, original_max_position_embeddings=64,
                                rope_theta=40.0)), 0.3),
    "mistral": ("Mistral", dict(sliding_window=5, head_dim=10), 0.3),
    "qwen3": ("Qwen3", dict(head_dim=10, num_attention_heads=4, num_key_value_heads=2, hidden_size=22,
                            tie_word_embeddings=True), 0.3),
    "phi3Short": ("Phi3", dict(original_max_position_embeddings=32, sliding_window=7,
                               rope_parameters=dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG)), 0.3),
    "phi3Long": ("Phi3", dict(original_max_position_embeddings=4, intermediate_size=23,
                              rope_parameters=dict(rope_type="longrope", short_factor=SHORT, long_factor=LONG)), 0.3),
    "gemma2": ("Gemma2", dict(head_dim=8, sliding_window=4, query_pre_attn_scalar=5, attn_logit_softcapping=2.0,
                              final_logit_softcapping=3.0), 0.3),
    "gemma3": ("Gemma3", dict(head_dim=8, num_hidden_layers=3, sliding_window=5, query_pre_attn_scalar=11,
                              layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                              rope_parameters=dict(
                                  full_attention=dict(rope_type="linear", factor=3.0, rope_theta=2000.0),
                                  sliding_attention=dict(rope_type="default", rope_theta=50.0))), 0.3),
    "gpt2": ("GPT2", GPT2, 0.3),
}
RANK, ALPHA = 2, 5
LENGTHS = ([9, 7], [13], [5, 6, 8])


def newModel(kind, fields, scale, seed):
    config_class, model_class = {
        "Gemma3": (hf.Gemma3TextConfig, hf.Gemma3ForCausalLM), "GPT2": (hf.GPT2Config, hf.GPT2LMHeadModel),
    }.get(kind) or (getattr(hf, f"{kind}Config"), getattr(hf, f"{kind}ForCausalLM"))
    torch.manual_seed(seed)
    config = config_class(**({} if kind == "GPT2" else SHARED) | fields)
    config._attn_implementation = "eager"
    model = model_class(config).float().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            is_norm = "norm" in name or ".ln_" in name
            drawn = (0.2 if is_norm or name.endswith("bias") else scale) * torch.randn_like(weight)
            if is_norm and name.endswith("weight") and "Gemma" not in kind:
                drawn += 1
            weight.copy_(drawn.half().float())
    return model


def pack(tensor, dtype="<f4"):
    array = tensor.detach().float().contiguous().numpy().astype(dtype)
    return {"shape": list(array.shape), "f16" if dtype == "<f2" else "f32": base64.b64encode(array.tobytes()).decode()}


def documents(vocabulary, seed):
    """Rows of packed documents: tokens, and how much each prediction counts."""
    chance = np.random.default_rng(seed)
    return [
        [
            {
                "tokens": chance.integers(0, vocabulary, size=n).tolist(),
                "weights": [0.0 if i < n // 3 else float(chance.choice([1.0, 0.5])) for i in range(n - 1)],
            }
            for n in lengths
        ]
        for lengths in LENGTHS
    ]


def loss_of(model, rows):
    """The weighted mean over all trained tokens, document by document: no packing, no padding."""
    total = sum(sum(document["weights"]) for row in rows for document in row)
    loss = 0.0
    for document in (document for row in rows for document in row):
        tokens = torch.tensor([document["tokens"]])
        logits = model(input_ids=tokens).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="none")
        loss = loss + (nll * torch.tensor(document["weights"])).sum() / total
    return loss


def golden(name, seed):
    kind, fields, scale = MODELS[name]
    model = newModel(kind, fields, scale, seed)
    weights = {key: value.detach().half().contiguous() for key, value in model.named_parameters()}
    chance = np.random.default_rng(seed)
    sequence = chance.integers(0, 61, size=24).tolist()
    rows = documents(61, seed)
    logits = model(input_ids=torch.tensor([sequence])).logits[0]
    prompt = torch.tensor([sequence[:9]])
    # The mask is said: else a token 0 in the prompt would be taken for padding.
    greedy = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8, do_sample=False,
                            eos_token_id=None, pad_token_id=0)[0, 9:].tolist()
    targets = ["c_attn", "c_proj", "c_fc"] if kind == "GPT2" else "all-linear"
    adapted = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=targets,
                                               task_type="CAUSAL_LM", fan_in_fan_out=kind == "GPT2"))
    trained = {key: value for key, value in adapted.named_parameters() if value.requires_grad}
    plain = lambda key: key.replace("base_model.model.", "").replace(".default", "")
    with torch.no_grad():
        for key, value in trained.items():
            value.copy_((0.2 * torch.randn_like(value)).half().float())
    loss = loss_of(adapted, rows)
    loss.backward()
    config = json.loads(model.config.to_json_string(use_diff=False))
    keep = [*SHARED, *GPT2, *fields, "model_type", "head_dim", "hidden_act", "hidden_activation", "rope_parameters",
            "tie_word_embeddings", "use_sliding_window", "layer_types", "sliding_window", "activation_function"]
    return weights, {
        "config": {key: config[key] for key in dict.fromkeys(keep) if key in config},
        "rows": rows, "sequence": sequence, "logits": pack(logits), "greedy": greedy,
        "lora": {
            "rank": RANK, "alpha": ALPHA, "loss": loss.item(),
            "start": {plain(key): pack(value, "<f2") for key, value in trained.items()},
            "gradients": {plain(key): pack(value.grad) for key, value in trained.items()},
        },
    }


def differences(a, b, path=""):
    """Places where two golden files differ by more than 1e-4 relative."""
    if isinstance(a, dict) and ("f32" in a or "f16" in a):
        key = "f32" if "f32" in a else "f16"
        x, y = (np.frombuffer(base64.b64decode(v[key]), "<f4" if key == "f32" else "<f2").astype("f8") for v in (a, b))
        error = np.linalg.norm(x - y) / max(np.linalg.norm(y), 1e-30)
        return [f"{path}: {error:.1e}"] if not error <= 1e-4 else []
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return [f"{path}: other keys"]
        return [line for key in a for line in differences(a[key], b[key], f"{path}/{key}")]
    if isinstance(a, list):
        if len(a) != len(b):
            return [f"{path}: other length"]
        return [line for i, pair in enumerate(zip(a, b)) for line in differences(*pair, f"{path}/{i}")]
    if isinstance(a, float) and isinstance(b, float):
        return [] if abs(a - b) <= 1e-4 * max(1.0, abs(b)) else [f"{path}: {a} and {b}"]
    return [] if a == b else [f"{path}: {a} and {b}"]


def main():
    torch.set_num_threads(1)
    named = [name for name in sys.argv[1:] if not name.startswith("--")] or list(MODELS)
    failed = []
    for name in named:
        weights, value = golden(name, 20 + list(MODELS).index(name))
        if "--check" in sys.argv:
            saved = load_file(FOLDER / f"{name}.safetensors")
            same = saved.keys() == weights.keys() and all(torch.equal(saved[key], weights[key]) for key in saved)
            failed += [] if same else [f"{name}: other weights"]
            failed += [f"{name}{line}" for line in differences(value, json.loads((FOLDER / f"{name}.json").read_text()))]
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            save_file(weights, FOLDER / f"{name}.safetensors", metadata={"format": "pt"})
            (FOLDER / f"{name}.safetensors").chmod(0o644)
            (FOLDER / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")
    for line in failed:
        print(line)
    sys.exit(1 if failed else 0)


main()
