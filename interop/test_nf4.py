"""NF4's blocks in src/core/golden/ are what bitsandbytes makes of the same numbers today."""

import json
import pathlib

import nf4Golden


def test_golden_is_as_bitsandbytes_gives_it(tmp_path):
    made = tmp_path / "nf4.json"
    nf4Golden.main(made)
    assert json.loads(made.read_text()) == json.loads(pathlib.Path(nf4Golden.FILE).read_text())
