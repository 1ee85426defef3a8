"""A file system that gives no locks, as some cluster's are: refused before the model loads."""

import shutil
import subprocess

import pytest

from tests.processes.started import STEPS, until

NO_LOCKS = """#include <errno.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
"""


@pytest.fixture
def no_locks(tmp_path, monkeypatch):
    """Makes processes that are started from now on get no lock; their models take for ever to load."""
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("there is no C compiler here")
    (tmp_path / "shim.c").write_text(NO_LOCKS)
    shim = tmp_path / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c"], check=True)

    def preload():
        monkeypatch.setenv("LD_PRELOAD", str(shim))
        monkeypatch.setenv("SFRAMES_LOADS", "/")

    return preload


def told(stage, *arguments):
    """Exit code and stderr of a process that ends by itself."""
    path = stage.folder / "said"
    with path.open("wb") as file:
        program = stage.program(*arguments, stderr=file, stdout=subprocess.DEVNULL)
    return program.wait(), path.read_text().splitlines()


def test_a_new_run_is_refused_in_one_sentence_and_leaves_nothing(stage, no_locks):
    no_locks()
    code, lines = told(stage, stage.config, "--batch", "--output", stage.output)
    assert (code, len(lines)) == (2, 1)
    assert f"{stage.output}: can't make the run folder: No locks available; choose another" in lines[0]
    assert not stage.output.exists()


def test_a_run_that_was_begun_is_refused_in_one_sentence(stage, no_locks):
    program = stage.batch(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stage.gate.steps(STEPS)
    until(stage.pictures, "the first picture")
    program.end()
    no_locks()
    code, lines = told(stage, "resume", stage.run_folder(), "--batch")
    assert (code, len(lines)) == (1, 1)
    assert "can't be locked or written: No locks available; nothing was changed" in lines[0]
