"""`python -m bench NAME` finds every bench that lies there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(*words):
    return subprocess.run([sys.executable, "-m", "bench", *words], cwd=ROOT, capture_output=True, text=True)


def test_every_bench_that_lies_there_is_listed():
    benches = {path.stem for path in (ROOT / "bench").glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    benches -= {"start_bare", "start_phases"}  # processes of the bench "start"
    benches |= {path.parent.name for path in (ROOT / "bench").glob("*/__main__.py")}
    listed = bench("--help")
    assert listed.returncode == 0
    assert {line.split()[0] for line in listed.stdout.splitlines()[2:]} == benches - {"__main__"}


def test_an_unknown_bench_is_named():
    answer = bench("nothing")
    assert answer.returncode == 1
    assert "there is no bench 'nothing'" in answer.stderr


def test_without_a_name_the_words_go_to_the_engines():
    answer = bench("--pairs", "none")
    assert answer.returncode == 2
    assert "python -m bench engines: error: argument --pairs" in answer.stderr
