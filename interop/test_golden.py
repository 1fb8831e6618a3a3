"""The golden numbers of the engine's parity tests are what transformers and PEFT say today."""

import subprocess
import sys

from conftest import ROOT


def test_golden_numbers_are_current():
    done = subprocess.run(
        [sys.executable, "interop/parity/makeGolden.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
