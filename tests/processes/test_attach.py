"""Two processes and one run: watched, steered and asked after from outside."""

import json
import signal
import subprocess
import sys

import pytest

from sframes_tui.errors import SteeringError
from sframes_tui.run.beside.steering import Steering
from tests.processes.started import DEADLINE, FRAMES, ROOT, STEPS, until


def tui(*arguments):
    """Another process of the program, to its end."""
    command = [sys.executable, "tui.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE)


@pytest.fixture
def drawing(stage):
    """A batch run with one picture drawn."""
    program = stage.batch(stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stage.gate.steps(STEPS)
    until(lambda: stage.pictures() or not program.alive, "the first picture")
    assert program.alive
    return stage, program


def kinds(events):
    return [event["event"] for event in events]


def test_another_process_sees_the_run_to_its_end(drawing):
    stage, program = drawing
    watcher, told = stage.watched()
    until(lambda: "FrameCompleted" in kinds(told()), "what was drawn before")
    stage.gate.steps(1)
    until(lambda: "FrameProgress" in kinds(told()), "a step of the picture in hand")
    stage.gate.open()
    assert program.wait() == 0
    assert watcher.wait() == 0
    events = told()
    assert kinds(events)[:2] == ["ModelLoadCompleted", "RunStarted"]
    assert kinds(events).count("FrameCompleted") == FRAMES
    assert kinds(events)[-1] == "RunCompleted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watcher_that_is_interrupted_leaves_the_run_alone(drawing, number):
    stage, program = drawing
    watcher, told = stage.watched()
    until(lambda: "FrameCompleted" in kinds(told()), "what was drawn before")
    watcher.signal(number)
    assert watcher.wait() == 128 + number
    stage.gate.open()
    assert program.wait() == 0
    assert len(stage.pictures()) == FRAMES


def test_orders_pause_resume_and_end_the_run(drawing):
    stage, program = drawing
    folder = stage.run_folder()
    steering = Steering(folder)
    until(lambda: stage.journal().count("running") == 2, "the second picture's begin")
    assert tui("attach", folder, "--pause").returncode == 0
    stage.gate.steps(STEPS)
    until(lambda: steering.status().phase == "paused", "the pause")
    until(lambda: len(stage.pictures()) == 2, "the picture in hand")
    assert json.loads(tui("status", folder, "--json").stdout)["phase"] == "paused"
    assert tui("attach", folder, "--resume").returncode == 0
    until(lambda: steering.status().phase == "drawing", "the run going on")
    assert "2 of 8 pictures are there" in tui("attach", folder, "--finish").stdout
    stage.gate.open()
    assert program.wait() == 1
    assert len(stage.pictures()) == 3


def test_a_run_whose_process_is_killed_is_told_of_as_gone(drawing):
    stage, program = drawing
    watcher, told = stage.watched()
    until(lambda: "FrameCompleted" in kinds(told()), "what was drawn before")
    program.end()
    assert watcher.wait() == 1
    assert kinds(told())[-2:] == ["Notice", "RunCancelled"]
    assert "gone without a word" in told()[-2]["text"]
    assert (told()[-1]["drawn"], told()[-1]["left"]) == (1, FRAMES - 1)
    late = tui("attach", stage.run_folder())
    assert (late.returncode, late.stdout) == (1, "")
    assert "1 of 8 pictures are there; go on with: resume" in late.stderr
    with pytest.raises(SteeringError):
        Steering(stage.run_folder()).stop()


def test_status_tells_who_draws_and_how_far(drawing):
    stage, program = drawing
    stage.gate.steps(1)
    folder = stage.run_folder()
    until(lambda: Steering(folder).status().steps_done == STEPS + 1, "a step of the second picture")
    status = json.loads(tui("status", folder, "--json").stdout)
    assert (status["phase"], status["frames"], status["there"], status["left"]) == ("running", FRAMES, 1, FRAMES - 1)
    assert str(program.process.pid) in status["holder"]
    assert status["live"]["in_flight"][-1]["step"] == 1
    assert "1 of 8 pictures there, 7 left" in tui("status", folder).stdout
    program.end()
    assert "go on with: resume" in tui("status", folder).stdout


def test_the_sockets_file_is_its_owners_and_goes_with_the_run(drawing):
    stage, program = drawing
    socket = stage.run_folder() / ".sframes" / "control"
    assert socket.stat().st_mode & 0o777 == 0o600
    stage.gate.open()
    assert program.wait() == 0
    assert not socket.exists()


@pytest.mark.parametrize("command", ["attach", "status"])
def test_what_is_no_run_folder_is_one_sentence(stage, command):
    done = tui(command, stage.folder)
    assert done.returncode == 2
    assert "no run folder" in done.stderr
    assert "Traceback" not in done.stderr
