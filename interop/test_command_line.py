"""The command line from end to end: train, export, and the originals agree with what it says."""

import json
import subprocess

import torch
from conftest import ROOT
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def cli(*words):
    done = subprocess.run(
        ["node", "scripts/anneal.mjs", *map(str, words), "--json"], cwd=ROOT, capture_output=True, text=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (events[-1:], done.stderr[-3000:])
    return events


def test_trained_adapter(anneal, embedded, tmp_path):
    recipe = tmp_path / "recipe.json"
    changes = {
        "schedule": {"steps": 4, "warmupSteps": 0},
        "batching": {"rows": 4},
        "data": {"limit": 200},
        "evaluation": {"every": 4, "rows": 2, "lossRows": 4, "samples": 1, "maxTokens": 24},
        "checkpoints": {"every": 4},
    }
    anneal("recipe", changes, recipe)
    events = cli("train", recipe, "--out", tmp_path / "run", "--backend", "wasm")
    assert [event["step"] for event in events if event["event"] == "step"] == [1, 2, 3, 4]
    cli("export", "--model", "embedded", "--format", "hf", "--out", tmp_path / "base")
    cli("export", "--model", "embedded", "--adapter", tmp_path / "run/adapter", "--format", "merged",
        "--out", tmp_path / "merged")

    prompt = "Question: Tom has 12 apples. He buys 5 more. How many apples does he have?\nAnswer:"
    said = cli("generate", "--model", "embedded", "--adapter", tmp_path / "run/adapter", "--prompt", prompt,
               "--max-tokens", 24)[-1]["text"]

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base", local_files_only=True)
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32, local_files_only=True)
    model = PeftModel.from_pretrained(base, tmp_path / "run/adapter").eval()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32, local_files_only=True)
    with torch.no_grad():
        ours, theirs = merged(ids).logits, model(ids).logits
        assert (ours - theirs).norm() / theirs.norm() <= 1e-4
        answer = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
    text = tokenizer.decode(answer[0, ids.shape[1]:], skip_special_tokens=True)
    assert said == text
