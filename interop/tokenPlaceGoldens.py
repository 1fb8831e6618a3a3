"""Writes src/data/golden/tokenPlaces.json: where the tokenizers library says that each token of a text stands.

Run it with `python interop/tokenPlaceGoldens.py`; it reads ../shared (or ANNEAL_SHARED). Places are in UTF-16 units, start
and end in turn, of the texts of src/data/golden/nasty.json by their number.
"""

import json
import os
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("ANNEAL_SHARED", ROOT.parent / "shared"))
GOLDEN = ROOT / "src" / "data" / "golden"

FILES = {
    "embedded": ROOT / "public" / "embedded" / "tokenizer.json",
    "smollm2-135m-instruct": SHARED / "tokenizers" / "smollm2-135m-instruct" / "tokenizer.json",
    "phi3": SHARED / "tokenizers" / "phi3" / "tokenizer.json",
}


def units(text):
    """UTF-16 units before each code point."""
    counts = [0]
    for character in text:
        counts.append(counts[-1] + (2 if ord(character) > 0xFFFF else 1))
    return counts


def places(tokenizer, text):
    before = units(text)
    encoding = tokenizer.encode(text, add_special_tokens=False)
    return [before[at] for offsets in encoding.offsets for at in offsets]


texts = json.loads((GOLDEN / "nasty.json").read_text(encoding="utf-8"))
chosen = [(i, text) for i, text in enumerate(texts) if len(text) <= 60]
golden = {}
for name, file in FILES.items():
    tokenizer = Tokenizer.from_file(str(file))
    golden[name] = [[i, places(tokenizer, text)] for i, text in chosen]
(GOLDEN / "tokenPlaces.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
