"""Our GGUF files in gguf-py and llama.cpp: the same numbers, the same logits, the same text."""

import json
import shutil
import subprocess

import gguf
import numpy as np
import pytest
import torch
from conftest import ROOT
from gguf import GGMLQuantizationType as Type
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file, save_file
from test_llamacpp import TEXTS, first, in_line, llamacpp, ours, say  # noqa: F401, two of them fixtures
from transformers import AutoConfig, AutoModelForCausalLM

SHARED = dict(
    vocab_size=1024, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=512, bos_token_id=0, eos_token_id=0, pad_token_id=0,
    initializer_range=0.2,
)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
GEMMA = dict(head_dim=32, query_pre_attn_scalar=32, sliding_window=24)
MODELS = {
    "llama": dict(SHARED, rope_theta=500000.0, attention_bias=True, mlp_bias=True, rope_scaling=LLAMA3, max_position_embeddings=8193),
    "mistral": dict(SHARED, head_dim=32, sliding_window=512, tie_word_embeddings=False),
    "qwen2": dict(SHARED, rope_theta=1000000.0, tie_word_embeddings=True,
                  rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=128)),
    "qwen3": dict(SHARED, head_dim=32, rope_scaling=dict(rope_type="linear", factor=2.0)),
    "gemma2": dict(SHARED, **GEMMA, attn_logit_softcapping=50.0, final_logit_softcapping=30.0),
    "gemma3": dict(SHARED, **GEMMA, layer_types=["full_attention", "sliding_attention", "full_attention"]),
    # llama.cpp's least context is 256, and beyond the original positions it takes the long factors for any text.
    "phi3": dict(SHARED, num_key_value_heads=4, original_max_position_embeddings=256,
                 rope_scaling=dict(rope_type="longrope", long_factor=[1 + i / 3 for i in range(8)],
                                   short_factor=[1 + i / 7 for i in range(8)])),
    "gpt2": dict(vocab_size=1024, n_positions=512, n_embd=64, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0,
                 initializer_range=0.2),
}
QUESTIONS = [json.loads(line) for line in (ROOT / "public" / "embedded" / "unseen.jsonl").read_text().splitlines()]
# Near each other as far as f32 goes; llama.cpp's gelu is a table of halves.
LOGITS = {"gemma2": 2e-3, "gemma3": 2e-3, "gpt2": 2e-3}


def export(command, model, out, **request):
    asked = out.parent / f"{out.name}.json"
    asked.write_text(json.dumps(request))
    words = ["node", "scripts/bundle.mjs", "interop/ggufExport.ts", command, model, asked, out]
    done = subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


KINDS = ["F32", "F16", "Q8_0", "Q4_0"]


def export_plain(model, folder, peft=None):
    """Our GGUF in f32, the adapter merged in."""
    assert all("llama.cpp" in note for note in export("model", model, folder, types=["F32"], peft=peft and str(peft)))
    return folder / "F32.gguf"


def newModel(architecture):
    torch.manual_seed(5)
    model_type = "gemma3_text" if architecture == "gemma3" else architecture
    config = AutoConfig.for_model(model_type, **json.loads(json.dumps(MODELS[architecture])))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():  # Norms and biases that are more than ones and zeros.
        for name, tensor in model.named_parameters():
            if tensor.dim() == 1:
                tensor.add_(torch.randn_like(tensor) * 0.1)
    return model


@pytest.fixture(scope="module", params=MODELS)
def base(request, tmp_path_factory, embedded):
    """(architecture, transformers' model, its folder, our GGUF of it in f32)"""
    folder = tmp_path_factory.mktemp(request.param)
    model = newModel(request.param)
    model.save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(embedded / name, folder / "model")
    notes = export("model", folder / "model", folder / "written", types=KINDS, peft=None)
    assert len(notes) == (1 if request.param == "phi3" else 0)
    return request.param, model, folder, folder / "written" / "F32.gguf"


IDS = [[int(id) for id in np.random.default_rng(i).integers(1, 1024, 48)] for i in range(2)]


def inTransformers(model):
    with torch.no_grad():
        return np.concatenate([model(torch.tensor([ids])).logits[0].float().numpy() for ids in IDS])


def inLlamaCpp(llamacpp, file, **options):
    sequences = [{"ids": ids[:1], "tokens": [*ids[1:], 0]} for ids in IDS]
    places = in_line(llamacpp("force", file, sequences=sequences, top=1024, contextSize=64, isExact=True, **options))
    values = np.zeros((len(places), 1024), np.float32)
    for row, place in zip(values, places, strict=True):
        assert len(place) == 1024
        row[[token for token, _ in place]] = [logit for _, logit in place]
    return values


def apart(a, b):
    """The greatest difference in parts of the range."""
    assert a.shape == b.shape
    return np.abs(a - b).max() / (b.max() - b.min())


def test_llamacpp_computes_what_transformers_does(base, llamacpp):
    architecture, model, _, file = base
    theirs, mine = inTransformers(model), inLlamaCpp(llamacpp, file)
    difference = apart(mine, theirs)
    print(f"\n{architecture}: llama.cpp's logits from our file differ from transformers' by {difference:.1e} of their range")
    assert difference < LOGITS.get(architecture, 1e-4)


@pytest.mark.parametrize("kind", ["F16", "Q8_0", "Q4_0"])
def test_gguf_py_reads_what_it_would_have_written(base, kind):
    architecture, _, _, file = base
    plain = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
    reader = gguf.GGUFReader(file.with_name(f"{kind}.gguf"))
    assert {tensor.name for tensor in reader.tensors} == set(plain)
    named = "llama" if architecture == "mistral" else architecture
    assert reader.fields["general.architecture"].contents() == named
    known = gguf.get_tensor_name_map(next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == named), 3)
    assert {tensor.name.rsplit(".", 1)[0] for tensor in reader.tensors} <= {name for _, name in known.mapping.values()}
    kinds = set()
    for tensor in reader.tensors:
        values = np.array(plain[tensor.name].data)
        assert plain[tensor.name].tensor_type == Type.F32
        kinds.add(tensor.tensor_type)
        expected = values if tensor.tensor_type == Type.F32 else gguf.quants.quantize(values, tensor.tensor_type)
        assert np.array_equal(np.array(tensor.data).view(np.uint8), expected.view(np.uint8)), tensor.name
    assert kinds == {Type.F32, Type[kind]} | ({Type.Q8_0} if kind == "Q4_0" else set())


def newAdapter(model, folder):
    """rsLoRA with a rank and an alpha of their own for one layer, B not zero."""
    torch.manual_seed(6)
    down = "mlp.c_proj" if model.config.model_type == "gpt2" else "down_proj"
    config = LoraConfig(r=8, lora_alpha=12, use_rslora=True, target_modules="all-linear", task_type="CAUSAL_LM",
                        rank_pattern={down: 4}, alpha_pattern={down: 3})
    adapted = get_peft_model(model, config).eval()
    with torch.no_grad():
        for name, tensor in adapted.named_parameters():
            if "lora_B" in name:
                tensor.copy_(torch.randn_like(tensor) * 0.1)
    adapted.save_pretrained(folder)
    return adapted


def test_an_adapter(base, llamacpp, ours, tmp_path):
    architecture, _, folder, file = base
    model = AutoModelForCausalLM.from_pretrained(folder / "model", attn_implementation="eager")
    plain = inTransformers(model)
    adapted = newAdapter(model, tmp_path / "peft")
    theirs = inTransformers(adapted)
    assert apart(plain, theirs) > 0.05, "the adapter changes nothing"
    adapter, merged = tmp_path / "adapter.gguf", export_plain(folder / "model", tmp_path / "merged", tmp_path / "peft")
    export("adapter", folder / "model", adapter, peft=str(tmp_path / "peft"))
    whole, beside = inLlamaCpp(llamacpp, merged), inLlamaCpp(llamacpp, file, lora=str(adapter))
    studio = ours("logits", merged, ids=IDS[0])
    figures = apart(whole, theirs), apart(beside, theirs), apart(studio, theirs[: len(studio)])
    print("\n{}: from PEFT's logits differ llama.cpp's, merged {:.1e}, beside {:.1e}; the studio's {:.1e}".format(architecture, *figures))
    limit = LOGITS.get(architecture, 1e-4)
    assert figures[0] < limit and figures[1] < limit and figures[2] < 1e-4
    # Read again it is PEFT's: A, and B times its scale.
    export("read", adapter, tmp_path / "read", peft=str(folder / "model" / "config.json"))
    read, given = load_file(tmp_path / "read"), load_file(tmp_path / "peft" / "adapter_model.safetensors")
    assert len(read) == len(given) > 0
    for name, values in read.items():
        module, which = name.rsplit(".", 1)
        expected = given[f"base_model.model.{module}.lora_{which.upper()}.weight"]
        if which == "b":
            expected = expected * (3 / 2 if expected.shape[1] == 4 else 12 / 8**0.5)
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-7)


def continued(llamacpp, file, prompts, tokens, **options):
    return [one["tokens"] for one in llamacpp("continue", file, prompts=prompts, tokens=tokens, isExact=True, **options)]


@pytest.mark.parametrize("base", ["llama", "qwen2"], indirect=True)
def test_the_same_choices_beside_and_merged(base, llamacpp, ours, tmp_path):
    _, _, folder, file = base
    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    newAdapter(model, tmp_path / "peft")
    adapter, merged = tmp_path / "adapter.gguf", export_plain(folder / "model", tmp_path / "merged", tmp_path / "peft")
    export("adapter", folder / "model", adapter, peft=str(tmp_path / "peft"))
    prompts = ["Once upon a time", "Question: 12 + 30?\nAnswer:", "def f(x):", "日本"]
    mine = [one["together"] for one in ours("continue", merged, prompts=prompts, forced=[[]] * 4, maxTokens=48)]
    assert continued(llamacpp, merged, prompts, 48) == mine
    assert continued(llamacpp, file, prompts, 48, lora=str(adapter)) == mine
    assert len({token for tokens in mine for token in tokens}) > 8
    assert continued(llamacpp, file, prompts, 48) != mine


def test_the_same_stories(shared, llamacpp, tmp_path):
    """stories260K, with a random adapter beside it and merged: a real model's real text."""
    source = shared / "models" / "stories260K" / "stories260K-f32.gguf"
    adapter, peft = tmp_path / "adapter.gguf", tmp_path / "peft"
    again = export_plain(source, tmp_path / "again")
    first_, second = gguf.GGUFReader(source), gguf.GGUFReader(again)
    for name in first_.fields:
        if name.startswith("tokenizer."):
            assert second.fields[name].contents() == first_.fields[name].contents()
            assert second.fields[name].types == first_.fields[name].types, name
    shapes = {tensor.name: tensor.shape for tensor in second.tensors}
    peft.mkdir()
    (peft / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 8}))
    chance, tensors = np.random.default_rng(3), {}
    for layer in range(5):
        for module, stem in (("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("mlp.down_proj", "ffn_down")):
            wide, out = map(int, shapes[f"blk.{layer}.{stem}.weight"])
            place = f"base_model.model.model.layers.{layer}.{module}"
            tensors[f"{place}.lora_A.weight"] = (chance.standard_normal((4, wide)) * 0.1).astype("<f4")
            tensors[f"{place}.lora_B.weight"] = (chance.standard_normal((out, 4)) * 0.03).astype("<f4")
    save_file(tensors, peft / "adapter_model.safetensors")
    merged = export_plain(source, tmp_path / "merged", peft)
    export("adapter", source, adapter, peft=str(peft))
    prompts = ["Once upon a time", "The dog"]

    def stories(file, **options):
        return [one["text"] for one in llamacpp("continue", file, prompts=prompts, tokens=200, isExact=True, **options)]

    plain, changed = stories(again), stories(merged)
    assert plain == stories(source) != changed
    assert stories(again, lora=str(adapter)) == changed
    for prompt, text, other in zip(prompts, plain, changed, strict=True):
        assert say(again, prompt, 200)[0]["text"] == text and len(text) > 400
        assert say(merged, prompt, 200)[0]["text"] == other and len(other) > 400


@pytest.fixture(scope="module")
def exported(tmp_path_factory, embedded):
    folder = tmp_path_factory.mktemp("embedded")
    assert export("model", embedded, folder, types=KINDS, peft=None) == []
    return {kind: folder / f"{kind}.gguf" for kind in KINDS}


def test_the_embedded_base_has_the_same_ids(exported, embedded, llamacpp, ours):
    texts = TEXTS + [f"Question: {row['question']}\nAnswer: {row['answer']}" for row in QUESTIONS]
    theirs, mine = llamacpp("tokenize", exported["F32"], texts=texts), ours("tokenize", embedded, prompts=texts)
    for text, a, b in zip(texts, theirs, mine, strict=True):
        assert a == b, text
    assert llamacpp("ends", exported["F32"]) == ours("ends", exported["F32"]) == [0]


def test_the_embedded_base_answers_the_same(exported, llamacpp, ours):
    prompts = [f"Question: {row['question']}\nAnswer:" for row in QUESTIONS[:8]]
    mine = [one["together"] for one in ours("continue", exported["F32"], prompts=prompts, forced=[[]] * 8, maxTokens=64)]
    assert continued(llamacpp, exported["F32"], prompts, 64) == mine


@pytest.mark.parametrize("kind", KINDS)
def test_the_embedded_base_chooses_the_same(exported, llamacpp, ours, kind):
    """Place by place on real text, with our own reading of the same file; llama.cpp rounds activations for Q8_0 and Q4_0."""
    texts = [f"Question: {row['question']}\nAnswer: {row['answer']}" for row in QUESTIONS[:16]]
    start, *ids = llamacpp("tokenize", exported["F32"], texts=["Question:", *texts])
    rest = [one[len(start):] for one in ids]
    assert all(one[: len(start)] == start for one in ids)
    theirs = in_line(llamacpp("force", exported[kind], sequences=[{"ids": start, "tokens": one} for one in rest]))
    answers = ours("continue", exported[kind], prompts=["Question:"] * len(rest), forced=rest, maxTokens=1)
    mine = in_line(one["places"] for one in answers)
    assert len(theirs) == len(mine) > 1000
    same = sum(a == b for a, b in zip(first(theirs), first(mine))) / len(mine)
    print(f"\n{kind}: llama.cpp chooses as we do at {100 * same:.2f} % of {len(mine)} places")
    assert same >= (0.995 if kind in ("F32", "F16") else 0.97)
