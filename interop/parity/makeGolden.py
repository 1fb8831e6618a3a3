"""Golden numbers of transformers and PEFT for tiny random Llamas: src/model/golden/*.json.

Run with Python 3.11, torch 2.13, transformers 5.18 and peft 0.21:  python interop/parity/makeGolden.py
Floats are little-endian f32 in base64. With --check nothing is written: the files must agree to 1e-5.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "src" / "model" / "golden"

MODELS = {
    "tied": dict(
        vocab_size=40, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=64, rope_theta=10000.0, rms_norm_eps=1e-5,
        tie_word_embeddings=True,
    ),
    # Heads wider than the model divides into, one key-value head, another base of rotation, an odd hidden size.
    "untied": dict(
        vocab_size=37, hidden_size=18, intermediate_size=29, num_hidden_layers=3, num_attention_heads=3,
        num_key_value_heads=1, head_dim=12, max_position_embeddings=64, rope_theta=500.0, rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    ),
}
LORA = dict(rank=4, alpha=8, dropout=0.0)
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAMW = dict(learningRate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8, weightDecay=0.1, maxGradNorm=1.0)


def pack(tensor):
    array = tensor.detach().float().contiguous().numpy().astype("<f4")
    return {"shape": list(array.shape), "f32": base64.b64encode(array.tobytes()).decode()}


def documents(vocabulary, seed):
    """Rows of packed documents: tokens, and how much each prediction counts."""
    chance = np.random.default_rng(seed)
    rows = []
    for lengths in ([9, 7], [13], [5, 4, 8]):
        rows.append([
            {
                "tokens": chance.integers(0, vocabulary, size=n).tolist(),
                "weights": [0.0 if i < n // 3 else float(chance.choice([1.0, 0.5])) for i in range(n - 1)],
            }
            for n in lengths
        ])
    return rows


def loss_of(model, rows):
    """The weighted mean over all trained tokens, document by document: no packing, no padding, no mask."""
    total = sum(sum(document["weights"]) for row in rows for document in row)
    loss = 0.0
    for row in rows:
        for document in row:
            tokens = torch.tensor([document["tokens"]])
            logits = model(input_ids=tokens).logits[0, :-1]
            nll = torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="none")
            loss = loss + (nll * torch.tensor(document["weights"])).sum() / total
    return loss


def randomise(model, scale=0.3):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.copy_(1 + 0.2 * torch.randn_like(weight))
            else:
                weight.copy_(scale * torch.randn_like(weight))


def golden(name, config, seed):
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(**config, attn_implementation="eager", bos_token_id=1, eos_token_id=2))
    randomise(model)
    weights = {key: pack(value) for key, value in model.named_parameters()}
    rows = documents(config["vocab_size"], seed)
    sequence = rows[1][0]["tokens"]
    logits = model(input_ids=torch.tensor([sequence])).logits[0]
    loss = loss_of(model, rows)
    loss.backward()
    gradients = {key: pack(value.grad) for key, value in model.named_parameters()}
    greedy = model.generate(
        torch.tensor([sequence[:4]]), max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0
    )[0, 4:].tolist()
    model.zero_grad()

    adapted = get_peft_model(
        model,
        LoraConfig(r=LORA["rank"], lora_alpha=LORA["alpha"], lora_dropout=0.0, target_modules=TARGETS,
                   task_type="CAUSAL_LM"),
    )
    trained = {key: value for key, value in adapted.named_parameters() if value.requires_grad}
    plain = lambda key: key.replace("base_model.model.", "").replace(".default", "")
    with torch.no_grad():
        for key, value in trained.items():
            if "lora_B" in key:
                value.copy_(0.1 * torch.randn_like(value))
    start = {plain(key): pack(value) for key, value in trained.items()}
    optimizer = torch.optim.AdamW(
        trained.values(), lr=ADAMW["learningRate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["epsilon"],
        weight_decay=ADAMW["weightDecay"],
    )
    losses, norms, first = [], [], None
    for _ in range(10):
        optimizer.zero_grad()
        step_loss = loss_of(adapted, rows)
        step_loss.backward()
        if first is None:
            first = {plain(key): pack(value.grad) for key, value in trained.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(trained.values(), ADAMW["maxGradNorm"]).item())
        losses.append(step_loss.item())
        optimizer.step()
    full_config = json.loads(model.config.to_json_string())
    keep = ["model_type", "hidden_act", "rope_parameters", *config.keys()]
    return {
        "model": name,
        "config": {key: full_config.get(key, config.get(key)) for key in keep},
        "weights": weights,
        "rows": rows,
        "sequence": sequence,
        "logits": pack(logits),
        "loss": loss.item(),
        "gradients": gradients,
        "greedy": greedy,
        "lora": {
            **LORA, "adamw": ADAMW, "start": start, "gradients": first, "losses": losses, "norms": norms,
            "end": {plain(key): pack(value) for key, value in trained.items()},
            "endLogits": pack(adapted(input_ids=torch.tensor([sequence])).logits[0]),
        },
    }


def differences(a, b, path=""):
    """Places where two golden files differ by more than 1e-5 relative."""
    if isinstance(a, dict) and "f32" in a:
        x, y = (np.frombuffer(base64.b64decode(v["f32"]), "<f4") for v in (a, b))
        error = np.linalg.norm(x - y) / max(np.linalg.norm(y), 1e-30)
        return [f"{path}: {error:.1e}"] if not error <= 1e-5 else []
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return [f"{path}: other keys"]
        return [d for key in a for d in differences(a[key], b[key], f"{path}/{key}")]
    if isinstance(a, list):
        if len(a) != len(b):
            return [f"{path}: other length"]
        return [d for i, pair in enumerate(zip(a, b)) for d in differences(*pair, f"{path}/{i}")]
    if isinstance(a, float) and isinstance(b, float):
        return [] if abs(a - b) <= 1e-5 * max(1.0, abs(b)) else [f"{path}: {a} and {b}"]
    return [] if a == b else [f"{path}: {a} and {b}"]


def main():
    torch.set_num_threads(1)
    failed = []
    for seed, (name, config) in enumerate(MODELS.items(), start=7):
        file = FOLDER / f"{name}.json"
        value = golden(name, config, seed)
        if "--check" in sys.argv:
            failed += [f"{name}{d}" for d in differences(value, json.loads(file.read_text()))]
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value, indent=0).replace("\n", "") + "\n")
    for line in failed:
        print(line)
    sys.exit(1 if failed else 0)


main()
