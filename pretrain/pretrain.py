"""Pretrains the embedded base on packed rows of the corpus; stops and resumes at any checkpoint.

    python pretrain/pretrain.py prepare CORPUS TOKENIZER ROWS LENGTH
    python pretrain/pretrain.py train ROWS WORK --steps N [--decay D] [--batch B] [--vocab V]

The schedule is warm-up, stable, decay: train with a large N, stop when time is up (touch WORK/stop), and go on
with N = steps done + D for the decay. Matrices of the layers learn by Muon, the embedding and norms by AdamW. An
exponential average of the weights stands in for a decayed checkpoint in between.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from llama import Llama, new_config

SEED = 1


def prepare(corpus, tokenizer_file, rows_file, length):
    """Packs documents into rows of length + 1 ids: every row begins with a document, the last one is cut."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(tokenizer_file)
    rows, row = [], []
    with open(corpus) as file:
        while texts := [json.loads(line) for _, line in zip(range(10000), file)]:
            for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
                row += [*encoding.ids, 0]
                if len(row) > length:
                    rows.append(np.array(row[: length + 1], dtype=np.uint16))
                    row = []
    np.save(rows_file, np.stack(rows))
    print(json.dumps({"rows": len(rows), "tokens": len(rows) * length}))


def rate_at(step, steps, decay, warmup=150):
    if step < warmup:
        return (step + 1) / warmup
    if step > steps - decay:
        return max(0.0, (steps - step) / decay)
    return 1.0


class Muon(torch.optim.Optimizer):
    """Muon in f32 (torch's own works in bf16, which this kind of CPU does slowly): momentum, then each update is
    made orthogonal by a quintic Newton-Schulz iteration; matrices of one shape are done as a batch."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.02, iterations=4):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.iterations = iterations

    @torch.no_grad()
    def step(self):
        group = self.param_groups[0]
        shapes = {}
        for p in group["params"]:
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            state["momentum"].lerp_(p.grad, 1 - group["momentum"])
            update = p.grad.lerp(state["momentum"], group["momentum"])
            tall = p.shape[0] > p.shape[1]
            update = update.T if tall else update
            shapes.setdefault(update.shape, []).append((p, update, tall))
        for members in shapes.values():
            x = torch.stack([update for _, update, _ in members])
            x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(self.iterations):
                a = x @ x.mT
                x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
            for (p, _, tall), update in zip(members, x):
                scale = max(1, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.T if tall else update, alpha=-group["lr"] * scale)


def optimizers(model):
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    return [Muon(matrices, lr=0.02), torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.97), weight_decay=0.0)]


def train(args):
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    os.makedirs(args.work, exist_ok=True)
    rows = np.load(args.rows, mmap_mode="r")
    model = Llama(new_config(args.vocab, args.hidden, args.layers, args.heads, args.groups, args.inner))
    print("parameters", sum(p.numel() for p in model.parameters()), "rows", len(rows), flush=True)
    averages = {n: p.detach().clone() for n, p in model.named_parameters()}
    opts = optimizers(model)
    bases = [o.param_groups[0]["lr"] for o in opts]
    step, tokens, seconds = 0, 0, 0.0
    path = f"{args.work}/checkpoint.pt"
    if os.path.exists(path):
        saved = torch.load(path)
        model.load_state_dict(saved["model"])
        averages = saved["averages"]
        for o, state in zip(opts, saved["optimizers"]):
            o.load_state_dict(state)
        step, tokens, seconds = saved["step"], saved["tokens"], saved["seconds"]
        print("resumed at step", step, flush=True)

    @torch.compile(dynamic=False)
    def loss_of(ids):
        hidden = model(ids[:, :-1])
        return F.cross_entropy(model.logits(hidden).flatten(0, 1), ids[:, 1:].flatten())

    def save():
        state = {
            "model": model.state_dict(),
            "averages": averages,
            "optimizers": [o.state_dict() for o in opts],
            "step": step,
            "tokens": tokens,
            "seconds": seconds,
            "config": model.config,
        }
        torch.save(state, f"{path}.new")
        os.replace(f"{path}.new", path)

    log = open(f"{args.work}/log.jsonl", "a")
    started, saved_at, losses = time.time(), time.time(), []
    names, params = zip(*model.named_parameters())
    average_list = [averages[n] for n in names]
    while step < args.steps and not os.path.exists(f"{args.work}/stop"):
        # The row order is a fresh permutation each epoch, a function of seed and epoch alone.
        first = step * args.batch
        epoch, offset = divmod(first + args.skip, len(rows) - args.batch)
        order = np.random.default_rng([SEED, epoch]).permutation(len(rows))[offset : offset + args.batch]
        ids = torch.from_numpy(rows[np.sort(order)].astype(np.int64))
        loss = loss_of(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rate = args.peak * rate_at(step, args.steps, args.decay)
        for o, base in zip(opts, bases):
            o.param_groups[0]["lr"] = base * rate
            o.step()
            o.zero_grad(set_to_none=True)
        step += 1
        tokens += args.batch * (rows.shape[1] - 1)
        with torch.no_grad():
            torch._foreach_lerp_(average_list, list(params), 1 - min(0.998, (step + 1) / (step + 10)))
        losses.append(loss.item())
        if step % 50 == 0:
            now = seconds + time.time() - started
            line = {"step": step, "loss": round(float(np.mean(losses)), 4), "rate": round(rate, 4), "tokens": tokens, "seconds": round(now)}
            assert not math.isnan(line["loss"])
            losses = []
            log.write(json.dumps(line) + "\n")
            log.flush()
            print(line, flush=True)
        if time.time() - saved_at > 90:
            seconds += time.time() - started
            started = saved_at = time.time()
            save()
    seconds += time.time() - started
    save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("prepare")
    for name in ["corpus", "tokenizer", "rows"]:
        p.add_argument(name)
    p.add_argument("length", type=int)
    t = commands.add_parser("train")
    for name in ["rows", "work"]:
        t.add_argument(name)
    for name, value in {"steps": 0, "decay": 1, "threads": 2, "batch": 16, "skip": 0, "vocab": 1024, "hidden": 128, "layers": 6, "heads": 4, "groups": 2, "inner": 384}.items():
        t.add_argument(f"--{name}", type=int, default=value)
    t.add_argument("--peak", type=float, default=1.0, help="share of the full learning rates, for going on after a decay")
    args = parser.parse_args()
    if args.command == "prepare":
        prepare(args.corpus, args.tokenizer, args.rows, args.length)
    else:
        train(args)
