"""Blocks of NF4 as bitsandbytes rounds and reads them: src/core/golden/nf4.json.

Run with Python 3.11, torch 2.13 and bitsandbytes 0.50 (its CPU path):  python interop/nf4Golden.py [FILE]
Blocks of 32. Each one's largest magnitude is a number of half precision, so that what we keep in a half is what
bitsandbytes keeps in a single; and no number lies so near the middle of two levels that the order of a multiplication
decides. Codes are one hexadecimal digit a number, in the numbers' order.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from bitsandbytes.functional import dequantize_4bit, get_4bit_type, quantize_4bit

FILE = pathlib.Path(__file__).resolve().parents[1] / "src" / "core" / "golden" / "nf4.json"
BLOCK = 32


def halved(block):
    """The block with its largest magnitude rounded up to a half."""
    at = np.abs(block).argmax()
    half = np.float16(abs(block[at]))
    if half < abs(block[at]):
        half = np.nextafter(half, np.float16(np.inf))
    block[at] = np.copysign(np.float32(half), block[at])
    return block.astype("<f4")


def blocks():
    chance = np.random.default_rng(4)
    normal = lambda scale: (chance.standard_normal(BLOCK) * scale).astype("<f4")
    yield "zeros", np.zeros(BLOCK, "<f4")
    yield "negative zeros", -np.zeros(BLOCK, "<f4")
    for sign in (1, -1):
        outlier = normal(1e-3)
        outlier[17] = sign * 8
        yield f"one outlier of {8 * sign} among small ones", outlier
        yield f"all of sign {sign}", sign * np.abs(normal(0.02))
        yield f"all equal {sign}", np.full(BLOCK, sign * 0.375, "<f4")
        alone = np.zeros(BLOCK, "<f4")
        alone[31] = sign * 0.5
        yield f"one number {sign * 0.5}, the last", alone
        yield f"the levels times {sign * 0.25}", np.tile(get_4bit_type("nf4", device="cpu").numpy(), 2) * sign * 0.25
    yield "as large as a half can be", normal(1) * 65504
    yield "uniform", chance.uniform(-1, 1, BLOCK).astype("<f4")
    yield "heavy tails", chance.standard_t(2, BLOCK).astype("<f4")
    for i in range(48):
        yield f"normal {i}", normal(10.0 ** chance.uniform(-3, 1))


def golden(name, block):
    block = halved(np.clip(block, -65504, 65504).copy())
    levels = get_4bit_type("nf4", device="cpu").numpy().astype("f8")
    most = np.abs(block).max()
    if most > 0:
        middles = (levels[1:] + levels[:-1]) / 2
        assert np.abs(block[:, None].astype("f8") / most - middles).min() > 1e-6, name
    packed, state = quantize_4bit(torch.from_numpy(block), blocksize=BLOCK, quant_type="nf4")
    read = dequantize_4bit(packed, state).numpy().astype("<f4").reshape(-1)
    # The formula, apart from bitsandbytes: the nearest of the levels, times the largest magnitude.
    nearest = np.abs(block[:, None].astype("f8") / (most or 1) - levels).argmin(axis=1)
    assert (np.float32(levels)[nearest] * np.float32(most) == read).all(), name
    codes = "".join(f"{byte:02x}" for byte in packed.numpy().reshape(-1))
    return {
        "name": name,
        "numbers": block.view("<u4").tolist(),
        "codes": codes,
        "read": read.view("<u4").tolist(),
    }


def main(file=FILE):
    file.parent.mkdir(parents=True, exist_ok=True)
    levels = get_4bit_type("nf4", device="cpu").numpy().astype("<f4")
    hexes = lambda numbers: "".join(f"{number:08x}" for number in numbers)
    rows = [golden(name, block) for name, block in blocks()]
    rows = [{**row, "numbers": hexes(row["numbers"]), "read": hexes(row["read"])} for row in rows]
    file.write_text(json.dumps({"levels": hexes(levels.view("<u4")), "blocks": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:2]))
