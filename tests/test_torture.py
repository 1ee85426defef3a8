"""A little of `make torture`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


NONE = {"kills": 0, "journals": 0, "every": 0, "model": 0}


@pytest.mark.parametrize("few", [{"kills": 14, "journals": 6, "every": 60}, {"model": 1}])
def test_killed_runs_go_on_to_the_same_bytes(few):
    command = [sys.executable, "-m", "tests.torture", *(f"--{key}={value}" for key, value in {**NONE, **few}.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every resumed run holds the same bytes" in done.stdout
    assert "resumed to the end" in done.stdout or "killed before there was a run" in done.stdout
