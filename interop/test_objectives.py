"""Our objectives' losses, gradients and figures beside TRL's own methods, on numbers that change with the seed."""

import json
import subprocess

import objectiveGoldens
import pytest
from conftest import ROOT


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_objectives_are_trls(tmp_path, seed):
    asked, out = tmp_path / "cases.json", tmp_path / "errors.json"
    cases = list(objectiveGoldens.cases(seed))
    asked.write_text(json.dumps(cases))
    words = ["node", "scripts/bundle.mjs", "interop/objectives.ts", str(asked), str(out)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    errors = json.loads(out.read_text())
    assert len(errors) == len(cases)
    worst = {f"{case['kind']}: {case['name']}": max(each.values()) for case, each in zip(cases, errors)}
    assert max(worst.values()) < 1e-5, sorted(worst.items(), key=lambda item: -item[1])[:5]
    print(f"largest relative error {max(worst.values()):.1e}")


def test_goldens_are_as_trl_gives_them(tmp_path):
    made = tmp_path / "objectives.json"
    objectiveGoldens.main(made)
    ours, today = (json.loads(file.read_text()) for file in (objectiveGoldens.FILE, made))
    assert [case["name"] for case in ours] == [case["name"] for case in today]
    for mine, theirs in zip(ours, today):
        assert mine["input"] == theirs["input"], theirs["name"]
        for name, value in theirs["expected"].items():
            assert mine["expected"][name] == pytest.approx(value, rel=1e-8, abs=1e-12), (theirs["name"], name)
