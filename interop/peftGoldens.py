"""Golden numbers of PEFT for the tests that need no Python: src/formats/golden/peft/. The tiny Qwen2 of peftKinds.py
(biases, grouped heads), an adapter of every kind, what PEFT computes with it, and its losses over 20 steps of AdamW.

Run with Python 3.11, torch 2.13, transformers 5.18 and peft 0.21:  python interop/peftGoldens.py
Weights and adapters are rounded to f16 first, so that the files are small and lose nothing.
"""

import base64
import json
import pathlib
import tempfile

import torch
from peftKinds import KINDS, PLUS_RATIO, logits_of, new_adapter, new_base, new_rows, train
from safetensors.torch import load_file, save_file

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "src" / "formats" / "golden" / "peft"
BASE = "qwen2"
TOKENS = [3, 7, 1, 30, 22, 22, 5, 39]
LEARNING_RATE = 1e-3


def rounded(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    return model


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = new_rows()
    goldens = {"tokens": TOKENS, "rows": rows, "learningRate": LEARNING_RATE, "kinds": {}}
    for kind in KINDS:
        model = rounded(new_base(BASE))
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            model.save_pretrained(place / "base")
            goldens["config"] = json.loads((place / "base" / "config.json").read_text())
            half = {name: tensor.half() for name, tensor in load_file(place / "base" / "model.safetensors").items()}
            save_file(half, FOLDER / "base.safetensors", metadata={"format": "pt"})
            peft = rounded(new_adapter(model, kind, BASE))
            peft.save_pretrained(place / "adapter")
            adapter = load_file(place / "adapter" / "adapter_model.safetensors")
            file = "lora" if kind == "loraplus" else kind  # the same adapter, trained otherwise
            save_file({name: tensor.half() for name, tensor in adapter.items()}, FOLDER / f"{file}.safetensors",
                      metadata={"format": "pt"})
            config = json.loads((place / "adapter" / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = None
        logits = logits_of(peft, TOKENS).contiguous().numpy().tobytes()
        goldens["kinds"][kind] = {
            "adapter_config": config,
            "plusRatio": PLUS_RATIO if kind == "loraplus" else 1,
            "logits": base64.b64encode(logits).decode(),
            "losses": train(peft, kind, rows, LEARNING_RATE),
        }
    (FOLDER / "goldens.json").write_text(json.dumps(goldens, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
