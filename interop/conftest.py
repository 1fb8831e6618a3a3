"""What the interop tests share: the studio's side of each as a command, and the data beside the checkout."""

import json
import os
import pathlib
import subprocess

import pytest
import torch

ROOT = pathlib.Path(__file__).resolve().parents[1]
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def anneal(tmp_path_factory):
    """anneal(command, *words): runs interop/anneal.ts; words that are lists or dicts are passed as JSON files."""
    url = subprocess.run(
        ["node", "--input-type=module", "-e",
         'import { bundle } from "./scripts/bundle.mjs"; console.log(await bundle("interop/anneal.ts"));'],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.strip()
    folder = tmp_path_factory.mktemp("words")

    def run(*words):
        spoken = []
        for i, word in enumerate(words):
            if isinstance(word, (dict, list)):
                file = folder / f"{len(list(folder.iterdir()))}-{i}.json"
                file.write_text(json.dumps(word))
                word = file
            spoken.append(str(word))
        done = subprocess.run(["node", url.removeprefix("file://"), *spoken], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


@pytest.fixture(scope="session")
def shared():
    folder = pathlib.Path(os.environ.get("ANNEAL_SHARED", ROOT.parent / "shared"))
    if not folder.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is not there")
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="session")
def embedded():
    folder = ROOT / "public" / "embedded"
    if not (folder / "tokenizer.json").exists():
        pytest.skip("public/embedded has no model yet")
    return folder
