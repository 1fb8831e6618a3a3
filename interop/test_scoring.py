"""GSM8K's scores are lm-eval's, by its own filter, its own task file and its own exact match."""

import importlib.resources
import json
import random

import pytest
import yaml
from lm_eval.api.metrics import exact_match_hf_evaluate, mean_stderr
from lm_eval.filters.extraction import RegexFilter


@pytest.fixture(scope="module")
def task():
    file = importlib.resources.files("lm_eval") / "tasks" / "gsm8k" / "gsm8k.yaml"
    return yaml.safe_load(file.read_text())


def random_pairs(count):
    chance = random.Random(7)
    pieces = [
        "####", " ", "  ", "#### ", "72", "1,072", "-5", "$", "3.50", ".", "..", ",", "\n", "-", "The answer is", "7", "0",
        "-$7", "$-7", "½", "٣", "１２", "é", "<<48/2=24>>", "\t", "\u00a0", "\r", "\u2028", "72.", "A", "İ", "ß", "🎉", "#",
    ]

    def text(most):
        return "".join(chance.choices(pieces, k=chance.randint(0, most)))

    pairs = []
    for _ in range(count):
        number = chance.choice(["72", "1,072", "-5", "3.50", "7", "$7", "72.", "0"])
        reference = text(4) + f"\n#### {number}" + chance.choice(["", "", "", "\n", "."])
        completion = text(8) + (f"#### {number}" if chance.random() < 0.3 else "") + text(4)
        pairs.append({"completion": completion, "reference": reference})
    return pairs


def test_extraction_and_match(anneal, task, tmp_path):
    filters = {entry["name"]: entry["filter"][0] for entry in task["filter_list"]}
    chosen = {
        name: RegexFilter(**{key: value for key, value in filter.items() if key != "function"})
        for name, filter in filters.items()
    }
    metric = task["metric_list"][0]
    options = {key: metric[key] for key in ("ignore_case", "ignore_punctuation", "regexes_to_ignore")}
    pairs = random_pairs(20_000)
    anneal("score", pairs, tmp_path / "out.json")
    said = json.loads((tmp_path / "out.json").read_text())
    right = []
    for pair, ours in zip(pairs, said["results"], strict=True):
        theirs = []
        for name in ("strict-match", "flexible-extract"):
            answer = chosen[name].apply([[pair["completion"]]], [{}])[0][0]
            score = exact_match_hf_evaluate([answer], [pair["reference"]], **options)["exact_match"]
            theirs += [answer, bool(score)]
        assert ours == theirs, pair
        right.append(float(theirs[1]))
    assert 0.05 < sum(right) / len(right) < 0.95
    assert abs(said["stderr"] - mean_stderr(right)) < 1e-12
