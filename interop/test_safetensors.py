"""safetensors: our bytes are the reference implementation's, and its files are read as it reads them."""

import random
import string

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file


def random_tensors(seed, dtypes):
    chance = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    names = ["é", "数据", "a b", 'quote " and \\', "\u007f", "𝔘", "Ü", "tab\t"] + [
        "".join(chance.choices(string.ascii_letters + "._0123456789", k=chance.randint(1, 30))) for _ in range(12)
    ]
    tensors = {}
    for name in names:
        shape = [chance.randint(0, 5) for _ in range(chance.randint(0, 3))]
        tensors[name] = (torch.randn(shape, generator=generator) * 10 ** chance.randint(-6, 4)).to(chance.choice(dtypes))
    return tensors


@pytest.mark.parametrize("seed", range(6))
def test_bytes_are_the_same(seed, anneal, tmp_path):
    file, again = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    save_file(random_tensors(seed, [torch.float32, torch.float16]), file, metadata={"format": "pt"} if seed % 2 else None)
    anneal("rewrite", file, again)
    assert again.read_bytes() == file.read_bytes()


def test_other_dtypes_widen(anneal, tmp_path):
    dtypes = [torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    tensors = random_tensors(9, dtypes)
    tensors |= {str(dtype): (torch.arange(-4, 4).to(dtype)) for dtype in dtypes}
    file, wide = tmp_path / "theirs.safetensors", tmp_path / "wide.safetensors"
    save_file(tensors, file)
    anneal("widen", file, wide)
    ours = load_file(wide)
    assert set(ours) == set(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(ours[name].nan_to_num(), tensor.float().nan_to_num()), name


def test_half_precision_rounds_as_torch_does(anneal, tmp_path):
    # All f32 values whose rounding is delicate: halves, ties, subnormals, the edges of the range.
    halves = torch.from_numpy(np.arange(65536, dtype=np.uint16).view(np.float16).copy()).float()
    halves = halves[torch.isfinite(halves)].sort().values.unique()
    middles = (halves[1:] + halves[:-1]) / 2
    values = torch.cat([halves, middles, torch.nextafter(middles, middles + 1), torch.nextafter(middles, middles - 1)])
    values = torch.cat([values, torch.tensor([65519.996, 65520.0, 1e9, -1e9, 1e-9])])
    # `rewrite` keeps F16 as F16; a base written in half precision goes through the same narrowing.
    save_file({"x": values.half()}, tmp_path / "half.safetensors")
    save_file({"x": values}, tmp_path / "single.safetensors")
    anneal("rewrite", tmp_path / "half.safetensors", tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "half.safetensors").read_bytes()
    anneal("narrow", tmp_path / "single.safetensors", tmp_path / "narrow.safetensors")
    ours = load_file(tmp_path / "narrow.safetensors")["x"]
    assert torch.equal(ours.view(torch.int16), values.half().view(torch.int16))


def test_what_the_reference_refuses_we_refuse(anneal, tmp_path):
    """Mutants of a file: whatever we read, the reference reads too, and alike."""
    whole = save({"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2).half()}, metadata={"format": "pt"})
    chance = random.Random(5)
    mutants = []
    for _ in range(3000):
        mutant = bytearray(whole)
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(mutant))
            kind = chance.randrange(3)
            if kind == 0:
                mutant[at] = chance.choice(b'"{}[],:0123456789 \\eau')
            elif kind == 1:
                mutant[at] ^= 1 << chance.randrange(8)
            else:
                mutant = mutant[: chance.randrange(len(mutant)) + 1]
        mutants.append(bytes(mutant).hex())
    anneal("mutants", mutants, tmp_path / "out.json")
    import json

    read = json.loads((tmp_path / "out.json").read_text())
    both = 0
    for mutant, ours in zip(mutants, read, strict=True):
        if ours is None:
            continue
        try:
            theirs = load(bytes.fromhex(mutant))
        except SafetensorError as error:
            raise AssertionError(f"we read what the reference refuses ({error}): {bytes.fromhex(mutant)!r}")
        assert {name: list(tensor.shape) for name, tensor in theirs.items()} == ours
        both += 1
    assert both > 100
