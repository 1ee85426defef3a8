"""A run started on the real screen in a real terminal, that goes away, stands still, or is asked to end."""

import signal
import time

import pytest

from sframes_tui.run.steering import Steering
from tests.processes.started import FRAMES, STEPS, until

START = b"\x12"
"""ctrl+r"""

SCREEN = b"\x1b[?1049h"


@pytest.fixture
def drawing(stage):
    """The program with its screen up and the first picture drawn."""
    terminal = stage.terminal()
    program = stage.program(stage.config, "--output", stage.output, terminal=terminal)
    stage.gate.steps(STEPS)

    asked = float("-inf")

    def drawn():
        # Keys may come before the screen takes any, and it starts nothing before it knows the story.
        nonlocal asked
        if not terminal.read() and stage.run_folder() is None and time.monotonic() - asked > 3:
            terminal.type(START)
            asked = time.monotonic()
        return stage.pictures() or not program.alive

    until(lambda: terminal.shows(SCREEN) or not program.alive, "the screen")
    until(drawn, "the first picture")
    assert program.alive, terminal.seen[-3000:]
    return stage, program, terminal


@pytest.mark.parametrize("how", ["closed", "hung up"])
def test_a_terminal_that_goes_away_leaves_the_run_to_its_end(drawing, how):
    stage, program, terminal = drawing
    if how == "closed":
        terminal.close()
    else:
        program.signal(signal.SIGHUP)
    until(lambda: not program.holds_terminal(), "the terminal let go")
    stage.gate.steps(STEPS)
    until(lambda: len(stage.pictures()) == 2, "a picture without a terminal")
    until(program.idle, "a process that waits and doesn't spin")
    stage.gate.open()
    assert program.wait() == 128 + signal.SIGHUP
    assert len(stage.pictures()) == FRAMES


def test_sigterm_finishes_the_frame_and_restores_the_terminal(drawing):
    stage, program, terminal = drawing
    program.signal(signal.SIGTERM)
    assert stage.drain(program, terminal) == 143
    assert 1 <= len(stage.pictures()) < FRAMES
    terminal.read()
    assert terminal.seen.rindex(b"\x1b[?1049l") > terminal.seen.rindex(b"\x1b[?1049h")


def test_a_second_sigterm_stops_without_the_frame(drawing):
    stage, program, _ = drawing
    steering = Steering(stage.run_folder())
    program.signal(signal.SIGTERM)
    until(lambda: steering.status()["asked"] == "finish", "the first signal's effect")
    program.signal(signal.SIGTERM)
    assert program.wait() == 143
    assert len(stage.pictures()) == 1


def test_sigterm_ends_a_screen_without_a_run(stage):
    terminal = stage.terminal()
    program = stage.program(stage.config, terminal=terminal)
    until(lambda: terminal.shows(SCREEN), "the screen")
    program.signal(signal.SIGTERM)
    assert program.wait() == 143


def test_a_link_that_stands_still_stops_neither_the_run_nor_sigterm(drawing):
    stage, program, terminal = drawing
    while terminal.stuff(program):
        pass
    for number in range(2, 6):
        stage.gate.steps(STEPS)
        until(lambda number=number: len(stage.pictures()) == number, "a picture while nobody reads")
    program.signal(signal.SIGTERM)
    assert stage.drain(program) == 143
    assert len(stage.pictures()) < FRAMES
