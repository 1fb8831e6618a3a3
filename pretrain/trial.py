"""The LoRA trial: can the base be taught by a few hundred steps, and only by rows that are right?

    python pretrain/trial.py MODEL [--tokenizer FILE] [--data public/embedded] [--steps 300] [--limit 300] [--control]

MODEL is a folder as Hugging Face writes it, or a checkpoint.pt of pretrain.py (its averaged weights are taken).
"""

import argparse
import json
import math
import random
import re
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import nn

from llama import Llama, load

EOS = 0
KINDS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class LoRA(nn.Module):
    """W x + (alpha / r) B A x with A uniform as PEFT starts it and B zero."""

    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.a = nn.Parameter(torch.empty(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.a), self.b) * self.scale


def add_lora(model, rank, alpha):
    for p in model.parameters():
        p.requires_grad_(False)
    for layer in model.model.layers:
        for parent in [layer.self_attn, layer.mlp]:
            for kind in KINDS:
                if hasattr(parent, kind):
                    setattr(parent, kind, LoRA(getattr(parent, kind), rank, alpha))
    return [p for p in model.parameters() if p.requires_grad]


def prompt_of(row):
    return f"Question: {row['question']}\nAnswer:"


def example_of(row):
    return f"{prompt_of(row)} {row['answer']}"


@torch.no_grad()
def generate(model, tokenizer, prompts, limit=110):
    """Greedy completions of prompts, batched with a key-value cache; prompts are padded on the left."""
    texts = []
    for start in range(0, len(prompts), 100):
        ids = [tokenizer.encode(p, add_special_tokens=False).ids for p in prompts[start : start + 100]]
        longest = max(map(len, ids))
        batch = torch.tensor([[EOS] * (longest - len(r)) + r for r in ids])
        pads = torch.tensor([longest - len(r) for r in ids])
        caches = [[] for _ in model.model.layers]
        keys = torch.arange(longest + limit)
        positions = (torch.arange(longest)[None] - pads[:, None]).clamp(min=0)
        causal = keys[None, :longest] <= keys[:longest, None]
        mask = (causal[None] & (keys[None, None, :longest] >= pads[:, None, None]))[:, None]
        mask = mask | torch.eye(longest, dtype=torch.bool)
        hidden = model(batch, positions, mask, caches)[:, -1]
        done = torch.zeros(len(ids), dtype=torch.bool)
        out = [[] for _ in ids]
        for t in range(limit):
            token = model.logits(hidden).argmax(-1)
            done |= token == EOS
            if done.all():
                break
            for i, (value, stop) in enumerate(zip(token.tolist(), done.tolist())):
                if not stop:
                    out[i].append(value)
            position = (longest + t - pads)[:, None]
            mask = (keys[None, : longest + t + 1] >= pads[:, None])[:, None, None]
            hidden = model(token[:, None], position, mask, caches)[:, -1]
        texts += [tokenizer.decode(o) for o in out]
    return texts


def truth(row):
    return row["answer"].rsplit("#### ", 1)[1]


def score(texts, rows):
    """Strict: the number after `####`; flexible: the last number. In percent."""
    strict = flexible = 0
    for text, row in zip(texts, rows):
        match = re.search(r"#### (-?[0-9.,]+)", text)
        strict += match is not None and match.group(1) == truth(row)
        numbers = re.findall(r"-?[0-9]+", text.split("\n\n")[0])
        flexible += bool(numbers) and numbers[-1] == truth(row)
    return {"strict": round(100 * strict / len(rows), 1), "flexible": round(100 * flexible / len(rows), 1)}


def evaluate(model, tokenizer, rows, shots=""):
    texts = generate(model, tokenizer, [shots + prompt_of(r) for r in rows])
    return score(texts, rows), texts


def batch_of(tokenizer, rows):
    encoded = []
    for row in rows:
        prompt = tokenizer.encode(prompt_of(row), add_special_tokens=False).ids
        answer = tokenizer.encode(f" {row['answer']}", add_special_tokens=False).ids + [EOS]
        encoded.append((prompt + answer, [-100] * len(prompt) + answer))
    longest = max(len(i) for i, _ in encoded)
    ids = torch.tensor([i + [EOS] * (longest - len(i)) for i, _ in encoded])
    labels = torch.tensor([l + [-100] * (longest - len(l)) for _, l in encoded])
    return ids[:, :-1], labels[:, 1:]


def tune(model, tokenizer, rows, args, watch=None):
    torch.manual_seed(args.seed)
    params = add_lora(model, args.rank, 2 * args.rank)
    opt = torch.optim.AdamW(params, lr=args.rate, betas=(0.9, 0.999), weight_decay=0.0)
    order = list(range(len(rows)))
    random.Random(args.seed).shuffle(order)
    warmup = args.warmup
    for step in range(args.steps):
        part = 0.5 * (1 + math.cos(math.pi * (step - warmup) / (args.steps - warmup)))
        opt.param_groups[0]["lr"] = args.rate * ((step + 1) / warmup if step < warmup else part)
        chosen = [rows[order[(step * 16 + j) % len(rows)]] for j in range(16)]
        ids, labels = batch_of(tokenizer, chosen)
        loss = F.cross_entropy(model.logits(model(ids)).flatten(0, 1), labels.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        opt.zero_grad()
        if watch and (step + 1) % 50 == 0:
            watch(step + 1, loss.item())


def load_model(path, weights="averages"):
    if not path.endswith(".pt"):
        return load(path)
    saved = torch.load(path)
    model = Llama(saved["config"])
    print("checkpoint at step", saved["step"], "tokens", saved["tokens"])
    model.load_state_dict(saved[weights])
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--tokenizer", default="public/embedded/tokenizer.json")
    parser.add_argument("--data", default="public/embedded")
    for name, value in {"steps": 300, "limit": 300, "rank": 16, "seed": 1, "warmup": 20, "threads": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--control", action="store_true", help="also train on shuffled answers")
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--weights", default="averages", choices=["averages", "model"], help="of a checkpoint.pt")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(args.tokenizer)
    read = lambda name: [json.loads(line) for line in open(f"{args.data}/{name}.jsonl")]
    train, heldout, unseen = read("train"), read("heldout")[: args.limit], read("unseen")[: args.limit]
    model = load_model(args.model, args.weights)
    shots = "".join(example_of(r) + "\n\n" for r in train[:4])

    def report(what, texts_or_score):
        print(what, json.dumps(texts_or_score), flush=True)

    result, texts = evaluate(model, tokenizer, heldout)
    report("step 0", result)
    print("\n".join(repr(t) for t in texts[: args.show]))
    result, texts = evaluate(model, tokenizer, heldout, shots)
    report("step 0, four shots", result)
    print("\n".join(repr(t) for t in texts[: args.show]))
    report("step 0, unseen", evaluate(model, tokenizer, unseen)[0])
    started = time.time()
    tune(model, tokenizer, train, args, lambda step, loss: report(f"  step {step}", [round(loss, 4), evaluate(model, tokenizer, heldout[:100])[0]]))
    print("tuned in", round(time.time() - started), "s with evaluations")
    result, texts = evaluate(model, tokenizer, heldout)
    report(f"step {args.steps}", result)
    print("\n".join(repr(r["question"]) + "\n   " + repr(t) for r, t in zip(heldout[: args.show], texts)))
    report(f"step {args.steps}, unseen", evaluate(model, tokenizer, unseen)[0])
    if args.control:
        answers = [r["answer"] for r in train]
        random.Random(args.seed).shuffle(answers)
        shuffled = [{"question": r["question"], "answer": a} for r, a in zip(train, answers)]
        model = load_model(args.model, args.weights)
        tune(model, tokenizer, shuffled, args)
        report(f"step {args.steps}, shuffled answers", evaluate(model, tokenizer, heldout)[0])


main()
