"""Writes a checkpoint as Hugging Face does (f16 safetensors, config, tokenizer) with the manifest beside it.

    python pretrain/export.py CHECKPOINT TOKENIZER_FOLDER FOLDER [--weights averages|model]
"""

import argparse
import hashlib
import json
import os
import shutil

import torch
from safetensors.torch import save_file

RECIPE = {"learningRate": 0.002, "rank": 16, "alpha": 32, "steps": 300, "rowsPerStep": 16, "warmup": 20}


def digest(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def main():
    parser = argparse.ArgumentParser()
    for name in ["checkpoint", "tokenizer", "folder"]:
        parser.add_argument(name)
    parser.add_argument("--weights", default="averages", choices=["averages", "model"])
    args = parser.parse_args()
    saved = torch.load(args.checkpoint)
    os.makedirs(args.folder, exist_ok=True)
    path = lambda name: os.path.join(args.folder, name)
    tensors = {name: tensor.half().contiguous() for name, tensor in saved[args.weights].items()}
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    save_file(tensors, path("model.safetensors"), metadata={"format": "pt"})
    with open(path("config.json"), "w") as file:
        json.dump(saved["config"], file, indent=2)
        file.write("\n")
    generation = {"_from_model_config": True, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    with open(path("generation_config.json"), "w") as file:
        json.dump(generation, file, indent=2)
        file.write("\n")
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(os.path.join(args.tokenizer, name), path(name))
    files = ["model.safetensors", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]
    manifest = {
        "model": {
            "name": "anneal-base",
            "parameters": sum(tensor.numel() for tensor in tensors.values()),
            "tokens": saved["tokens"],
            "files": [{"name": f, "bytes": os.path.getsize(path(f)), "sha256": digest(path(f))} for f in files],
        },
        "data": [
            {"name": name, "file": f"{name}.jsonl", "rows": sum(1 for _ in open(path(f"{name}.jsonl"))), "bytes": os.path.getsize(path(f"{name}.jsonl")), "sha256": digest(path(f"{name}.jsonl"))}
            for name in ["train", "heldout", "unseen"]
        ],
        "recipe": RECIPE,
    }
    with open(path("manifest.json"), "w") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")
    print(json.dumps(manifest["model"]["parameters"]), "parameters")


main()
