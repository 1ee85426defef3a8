"""A run folder, one process at a time: who holds it is told, and a holder that was killed is in nobody's way."""

import signal
import subprocess

from tests.processes.started import FRAMES, STEPS, until
from tests.run.story_run import pictures


def whole_run(stage):
    """What an unbroken run holds."""
    program = stage.program(stage.config, "--batch", "--output", stage.folder / "whole", stderr=subprocess.DEVNULL)
    stage.gate.open()
    assert program.wait() == 0
    return pictures(next(path.parent for path in (stage.folder / "whole").rglob("run.toml")))


def resumed(stage):
    """Exit code and what was told of a process that goes on with the run."""
    told = stage.folder / "resumed"
    with told.open("wb") as file:
        program = stage.program("resume", stage.run_folder(), "--batch", stderr=file, stdout=subprocess.DEVNULL)
    return program.wait(), told.read_text()


def test_a_killed_run_is_held_by_nobody_and_ends_with_the_same_bytes(stage):
    whole = whole_run(stage)
    first = stage.batch(stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stage.gate.steps(3 * STEPS)
    until(lambda: len(stage.pictures()) >= 2, "two pictures")
    code, told = resumed(stage)
    assert code == 4
    assert f"in use by process {first.process.pid} on " in told
    assert "attach" in told
    first.signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    stage.gate.open()
    code, told = resumed(stage)
    assert (code, len(stage.pictures())) == (0, FRAMES), told
    assert pictures(stage.run_folder()) == whole
    code, told = resumed(stage)
    assert code == 0
    assert "nothing to do" in told
