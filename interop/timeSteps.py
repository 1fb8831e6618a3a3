"""Times PyTorch on the shapes of bench/shapes.json, on the CPU, and prints lines like those of `npm run bench -- --json`.

    .cache/interop-venv/bin/python interop/timeSteps.py [PREFIX]

The decoder is transformers' LlamaForCausalLM, LoRA is PEFT's on all linear layers, the optimizer torch.optim.AdamW.
"""

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

root = Path(__file__).resolve().parent.parent
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def read_shapes():
    """Name → (configuration, rows, length)."""
    document = json.loads((root / "bench/shapes.json").read_text())
    configs = document["configs"]
    configs["embedded"] = json.loads((root / "public/embedded/config.json").read_text())
    for name, shape in document["shapes"].items():
        if "weights" in shape:  # packed weights are the studio's own
            continue
        config = dict(configs[shape["config"]])
        config["num_hidden_layers"] = shape.get("layers", config["num_hidden_layers"])
        for field in ("architectures", "model_type", "torch_dtype"):
            config.pop(field, None)
        yield name, LlamaConfig(**config), shape["rows"], shape["length"]


def measure(run, warm_ups=3, most=9, budget=15.0):
    """Median and least milliseconds, and the number of repeats, as bench/measure.ts takes them."""
    for _ in range(warm_ups):
        run()
    times = []
    begun = time.perf_counter()
    while len(times) < 2 or (len(times) < most and time.perf_counter() - begun < budget):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return {"ms": round(statistics.median(times), 2), "fastestMs": round(min(times), 2), "repeats": len(times)}


def time_step(name, config, rows, length):
    """One training step: every weight, or LoRA of rank 16 beside frozen weights with half of each row trained."""
    torch.manual_seed(1)
    model = LlamaForCausalLM(config)
    is_lora = name.startswith("lora-step/")
    if is_lora:
        lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=LINEARS, task_type="CAUSAL_LM")
        model = get_peft_model(model, lora)
    model.train()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0.01)
    tokens = torch.randint(config.vocab_size, (rows, length))
    labels = tokens.clone()
    if is_lora:
        labels[:, : length // 2] = -100
    losses = []

    def step():
        loss = model(input_ids=tokens, labels=labels, use_cache=False).loss
        loss.backward()
        if is_lora:
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())

    figures = measure(step)
    return {**figures, "losses": [round(loss, 3) for loss in losses[:3]]}


def time_generation(config, rows, new_tokens=64):
    """Greedy generation of prompts of 20 to 60 tokens, padded on the left."""
    torch.manual_seed(1)
    model = LlamaForCausalLM(config).eval()
    lengths = [20 + i * 17 % 41 for i in range(rows)]
    width = max(lengths)
    tokens = torch.randint(config.vocab_size, (rows, width))
    mask = torch.tensor([[0] * (width - length) + [1] * length for length in lengths])
    choices = {"max_new_tokens": new_tokens, "min_new_tokens": new_tokens, "do_sample": False, "pad_token_id": 0}

    def run():
        with torch.inference_mode():
            model.generate(input_ids=tokens, attention_mask=mask, **choices)

    figures = measure(run, warm_ups=1, most=5, budget=8.0)
    return {**figures, "tokensPerSecond": round(1000 * rows * new_tokens / figures["ms"], 1)}


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    label = {"backend": "cpu", "system": "pytorch", "threads": torch.get_num_threads()}
    machine = {"os": platform.platform(), "torch": torch.__version__, "loadAverage": os.getloadavg()[0]}
    print(json.dumps({"machine": machine}), flush=True)
    embedded = None
    for name, config, rows, length in read_shapes():
        if name == "lora-step/embedded":
            embedded = config
        if name.startswith(only):
            print(json.dumps({"case": name, **label, **time_step(name, config, rows, length)}), flush=True)
    for rows in (1, 16, 64):
        name = f"generate/{rows}"
        if name.startswith(only):
            print(json.dumps({"case": name, **label, **time_generation(embedded, rows)}), flush=True)


if __name__ == "__main__":
    main()
