"""The golden numbers of every architecture are what transformers and PEFT say today."""

import subprocess
import sys

from conftest import ROOT


def test_golden_architectures_are_current():
    done = subprocess.run(
        [sys.executable, "interop/architectureGoldens.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
