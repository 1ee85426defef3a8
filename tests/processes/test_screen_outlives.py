"""A run started on the real screen in a real terminal, that goes away, stands still, or is asked to end."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from sframes_tui.run.beside.steering import Steering
from tests.processes.started import FRAMES, ROOT, STEPS, environment, until

START = b"\x12"
"""ctrl+r"""

LEAVE = b"\x11y"
"""ctrl+q, and the answer where it asks"""

HELP = b"\x1bOP"
"""F1"""

SCREEN = b"\x1b[?1049h"


@pytest.fixture
def drawing(stage):
    """The program with its screen up and the first picture drawn."""
    return start(stage)


def start(stage, controlling=True):
    terminal = stage.terminal()
    program = stage.program(stage.config, "--output", stage.output, terminal=terminal, controlling=controlling)
    stage.gate.steps(STEPS)

    def drawn():
        # Keys may come before the screen takes any, and it starts nothing before it knows the story.
        if not terminal.read() and stage.run_folder() is None:
            terminal.typed(START)
        return stage.pictures() or not program.alive

    until(lambda: terminal.shows(SCREEN) or not program.alive, "the screen")
    until(drawn, "the first picture")
    assert program.alive, terminal.seen[-3000:]
    return stage, program, terminal


@pytest.mark.parametrize("how", ["closed", "closed without a signal", "hung up"])
def test_a_terminal_that_goes_away_leaves_the_run_to_its_end(stage, how):
    _, program, terminal = start(stage, controlling=how != "closed without a signal")
    if how == "hung up":
        program.signal(signal.SIGHUP)
    else:
        terminal.close()
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
    until(lambda: steering.status().asked == "finish", "the first signal's effect")
    program.signal(signal.SIGTERM)
    assert program.wait() == 143
    assert len(stage.pictures()) == 1


def test_a_batch_systems_warnings_finish_the_frame_however_often_they_come(drawing):
    stage, program, terminal = drawing
    steering = Steering(stage.run_folder())
    until(lambda: stage.journal().count("running") == 2, "the second picture's begin")
    program.signal(signal.SIGUSR1)
    until(lambda: steering.status().asked == "finish", "the first signal's effect")
    for number in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGXCPU, signal.SIGTERM):
        program.signal(number)
    assert stage.drain(program, terminal) == 128 + signal.SIGUSR1
    assert len(stage.pictures()) == 2


def test_a_configuration_whose_run_is_to_go_on_or_begin_is_drawn_without_a_key(stage):
    terminal = stage.terminal()
    program = stage.program("resume", stage.config, "--or-start", "--output", stage.output, terminal=terminal)
    stage.gate.steps(STEPS)
    until(lambda: not terminal.read() and (stage.pictures() or not program.alive), "the first picture")
    program.end()
    again = stage.terminal()
    program = stage.program("resume", stage.config, "--or-start", "--output", stage.output, terminal=again)
    # What would be kept and drawn is shown before anything is.
    until(lambda: again.shows(b"not drawn yet") or not program.alive, "the question")
    assert program.alive


def test_sigterm_ends_a_screen_without_a_run(stage):
    terminal = stage.terminal()
    program = stage.program(stage.config, terminal=terminal)
    until(lambda: terminal.shows(SCREEN), "the screen")
    program.signal(signal.SIGTERM)
    assert program.wait() == 143


def test_sigcont_opens_the_screen_again_only_after_a_stop(stage):
    terminal = stage.terminal()
    program = stage.program(stage.config, terminal=terminal)
    until(lambda: terminal.shows(SCREEN), "the screen")
    program.signal(signal.SIGCONT)
    # Sent together, the second signal would take the first one back.
    until(lambda: not terminal.read(), "silence")
    until(lambda: terminal.typed(HELP) or terminal.read(), "the answer to a key after the signal")
    program.signal(signal.SIGTSTP)
    until(lambda: not terminal.read() and program.stopped(), "the stop")
    assert terminal.seen.count(SCREEN) == 1
    program.signal(signal.SIGCONT)
    until(lambda: terminal.shows(SCREEN) and terminal.seen.count(SCREEN) == 2, "the screen once more")
    program.signal(signal.SIGTERM)
    until(lambda: not terminal.read() and not program.alive, "the end")
    assert program.wait() == 143


def test_sigterm_does_not_wait_for_a_model_that_loads(stage, monkeypatch):
    monkeypatch.setenv("SFRAMES_LOADS", "/")
    terminal = stage.terminal()
    program = stage.program(stage.config, "--output", stage.output, terminal=terminal)
    until(lambda: terminal.shows(SCREEN), "the screen")
    terminal.type(START)
    until(lambda: terminal.shows(b"loading the model"), "the model being loaded")
    program.signal(signal.SIGTERM)
    until(lambda: not terminal.read() and not program.alive, "the end")
    assert program.wait() == 143
    assert terminal.shows(b"\x1b[?1049l")


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


def test_while_nobody_reads_its_terminal_another_process_steers_the_run(drawing):
    stage, program, terminal = drawing
    while terminal.stuff(program):
        pass
    until(lambda: stage.journal().count("running") == 2, "the second picture's begin")
    steering = Steering(stage.run_folder())
    assert steering.pause().asked == "pause"
    stage.gate.steps(STEPS)
    until(lambda: steering.status().phase == "paused", "the pause")
    until(lambda: len(stage.pictures()) == 2, "the picture in hand")
    steering.resume()
    until(lambda: steering.status().phase == "drawing", "the run going on")
    steering.stop()
    until(lambda: "ended" in stage.journal(), "the run's end")
    # The screen stays, and takes keys again as soon as somebody reads.
    assert program.alive

    def left():
        if not terminal.read():
            terminal.typed(LEAVE)
        return not program.alive

    until(left, "the screen's end")
    assert program.wait() == 0


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
def test_a_tmux_server_that_is_killed_leaves_the_run_to_its_end(stage):
    tmux = ["tmux", "-S", str(stage.folder / "tmux"), "-f", os.devnull]
    command = shlex.join(
        [sys.executable, "-m", "tests.processes.painter", str(stage.config), "--output", str(stage.output)]
    )
    subprocess.run(
        [*tmux, "new-session", "-d", "-x", "120", "-y", "40", command],
        check=True,
        cwd=ROOT,
        env=environment(stage.gate),
    )
    stage.gate.steps(STEPS)
    asked = float("-inf")

    def drawn():
        nonlocal asked
        if stage.run_folder() is None and time.monotonic() - asked > 3:
            subprocess.run([*tmux, "send-keys", "C-r"], check=True)
            asked = time.monotonic()
        return stage.pictures()

    try:
        until(drawn, "the first picture")
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
    watcher, told = stage.watched()
    until(told, "the first word of it")
    stage.gate.open()
    until(lambda: "ended" in stage.journal(), "the run's end")
    assert watcher.wait() == 0
    assert len(stage.pictures()) == FRAMES
