"""A batch run in a real terminal that goes away or stands still."""

import signal

import pytest

from tests.processes.started import FRAMES, STEPS, until


def begun(stage, program):
    """Waits until the run has drawn its first picture."""
    stage.gate.steps(STEPS)
    until(lambda: stage.pictures() or not program.alive, "the first picture")
    assert program.alive


@pytest.mark.parametrize("controlling", [True, False])
def test_a_terminal_that_closes_does_not_end_the_run(stage, controlling):
    terminal = stage.terminal()
    program = stage.batch(terminal=terminal, controlling=controlling)
    begun(stage, program)
    terminal.close()
    stage.gate.steps(STEPS)
    until(lambda: len(stage.pictures()) == 2, "a picture without a terminal")
    until(program.idle, "a process that waits and doesn't spin")
    stage.gate.open()
    assert program.wait() == 0
    assert len(stage.pictures()) == FRAMES


def test_a_hangup_from_elsewhere_lets_the_terminal_go(stage):
    terminal = stage.terminal()
    program = stage.batch(terminal=terminal)
    begun(stage, program)
    program.signal(signal.SIGHUP)
    until(lambda: not program.holds_terminal(), "the terminal let go")
    stage.gate.open()
    assert program.wait() == 0
    assert len(stage.pictures()) == FRAMES


def test_a_terminal_that_nobody_reads_does_not_stop_the_run(stage):
    terminal = stage.terminal()
    program = stage.batch("--json", terminal=terminal)
    begun(stage, program)
    while terminal.stuff(program):
        pass
    stage.gate.open()
    assert program.wait() == 0
    assert len(stage.pictures()) == FRAMES


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_on_a_terminal_that_nobody_reads_finishes_the_frame(stage, number, code):
    terminal = stage.terminal()
    program = stage.batch(terminal=terminal)
    begun(stage, program)
    while terminal.stuff(program):
        pass
    program.signal(number)
    assert stage.drain(program) == code
    assert 2 <= len(stage.pictures()) < FRAMES


def test_a_second_signal_stops_within_a_step(stage):
    with (stage.folder / "said").open("wb") as said:
        program = stage.batch(stderr=said)
    begun(stage, program)
    program.signal(signal.SIGTERM)
    stage.gate.steps(1)
    until(lambda: "stopping once" in (stage.folder / "said").read_text(), "the sentence that it stops")
    program.signal(signal.SIGTERM)
    assert program.wait() == 143
    assert len(stage.pictures()) == 1


WARNINGS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


@pytest.mark.parametrize("number", WARNINGS)
def test_a_batch_systems_warnings_finish_the_frame_however_often_they_come(stage, number):
    with (stage.folder / "said").open("wb") as said:
        program = stage.batch(stderr=said)
    begun(stage, program)
    program.signal(number)
    stage.gate.steps(1)
    until(lambda: "stopping once" in (stage.folder / "said").read_text(), "the sentence that it stops")
    # As Slurm does it: once more, and SIGTERM at the limit.
    for each in (*WARNINGS, number, signal.SIGTERM):
        program.signal(each)
    assert stage.drain(program) == 128 + number
    assert len(stage.pictures()) == 2
    assert stage.journal()[-1] == "ended"


def test_two_interrupts_after_a_warning_stop_within_a_step(stage):
    with (stage.folder / "said").open("wb") as said:
        program = stage.batch(stderr=said)
    begun(stage, program)
    program.signal(signal.SIGUSR1)
    stage.gate.steps(1)
    until(lambda: "stopping once" in (stage.folder / "said").read_text(), "the sentence that it stops")
    program.signal(signal.SIGTERM)
    program.signal(signal.SIGINT)
    assert program.wait() == 128 + signal.SIGUSR1
    assert len(stage.pictures()) == 1


def test_a_warning_while_the_model_loads_ends_the_run_before_it_began(stage, monkeypatch):
    monkeypatch.setenv("SFRAMES_LOADS", "/")
    said = stage.folder / "said"
    with said.open("wb") as file:
        program = stage.batch(stderr=file)
    until(lambda: "getting" in said.read_text(), "the model being loaded")
    program.signal(signal.SIGUSR1)
    assert program.wait() == 128 + signal.SIGUSR1
    assert "stopped: 0 pictures drawn" in said.read_text().splitlines()[-1]
