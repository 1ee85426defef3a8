"""The socket by which other processes steer a run: who may, and what it bears."""

import contextlib
import json
import socket
import sys
import threading
import time

import pytest

from sframes_tui.errors import SteeringError
from sframes_tui.run.beside.steering import LONGEST_REQUEST, MOST_CLIENTS, Drawn, Steering
from sframes_tui.run.events import Control, RunStarted
from sframes_tui.run.frame_events import FrameCompleted, FrameProgress, FrameStarted
from tests.run.beside.steered_folder import steered


@pytest.fixture
def folder(tmp_path):
    """A run folder whose path is far longer than a socket's address may be."""
    path = tmp_path / ("a" * 120) / ("b" * 120)
    (path / ".sframes").mkdir(parents=True)
    return path


@pytest.fixture
def run(folder):
    control, told = Control(), []
    with steered(folder, control, told.append) as emit:
        emit(RunStarted(folder, 8, 40))
        emit(FrameStarted(2, "oil 0-1", "a [/red] boat", 5))
        emit(FrameProgress(2, 3, 5))
        yield control
    assert len(told) == 3


def connected(folder, monkeypatch):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(30)
    monkeypatch.chdir(folder / ".sframes")
    client.connect("control")
    return client


@pytest.mark.usefixtures("run")
def test_its_owner_alone_may_connect(folder):
    assert (folder / ".sframes" / "control").stat().st_mode & 0o777 == 0o600


def test_words_set_the_runs_control(folder, run):
    steering = Steering(folder)
    assert steering.status().asked is None
    assert steering.pause().asked == "pause"
    assert run.pause.is_set()
    assert steering.resume().asked is None
    assert not run.pause.is_set()
    steering.finish()
    assert run.finish.is_set()
    assert not run.stop.is_set()
    assert steering.stop().asked == "stop"
    assert run.stop.is_set()


@pytest.mark.usefixtures("run")
def test_status_tells_counts_and_what_is_in_flight(folder):
    status = Steering(folder).status()
    assert (status.phase, status.frames, status.steps, status.steps_done) == ("drawing", 8, 40, 3)
    assert status.in_flight == (Drawn(2, "oil 0-1", 3, 5),)


@pytest.mark.parametrize(
    "request_line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"[" * 3000 + b"\n",
        b"\xff\xfe\n",
        b'{"do": "exec"}\n',
        b'{"do": ["stop"]}\n',
        b"x" * 9000,
    ],
)
def test_what_makes_no_sense_is_answered_and_changes_nothing(folder, run, monkeypatch, request_line):
    with connected(folder, monkeypatch) as client:
        client.sendall(request_line[: LONGEST_REQUEST + 1])
        assert "error" in json.loads(client.makefile().readline())
    assert not run.stop.is_set()
    assert not run.finish.is_set()
    assert not run.pause.is_set()
    assert Steering(folder).status().phase == "drawing"


@pytest.mark.usefixtures("run")
def test_of_clients_that_say_nothing_only_so_many_are_borne(folder, monkeypatch):
    silent = [connected(folder, monkeypatch) for _ in range(MOST_CLIENTS)]
    with connected(folder, monkeypatch) as turned_away:
        assert turned_away.recv(1) == b""
    for each in silent:
        each.close()
    assert answer_at_last(folder).phase == "drawing"


def answer_at_last(folder):
    """What the run answers once the server has seen that its clients are gone."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(SteeringError):
            return Steering(folder).status()
    pytest.fail("the run never answered again")


def test_events_of_several_threads_are_all_counted(folder):
    count = 5000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with steered(folder, Control(), lambda _: None) as emit:
            emit(RunStarted(folder, 4, 40))
            drawing = [
                threading.Thread(target=lambda: [emit(FrameCompleted(0, folder, 0.1)) for _ in range(count)])
                for _ in range(4)
            ]
            for thread in drawing:
                thread.start()
            for thread in drawing:
                thread.join()
            assert Steering(folder).status().drawn == 4 * count
    finally:
        sys.setswitchinterval(before)


def test_the_socket_of_a_killed_process_is_replaced_and_goes_at_the_end(folder):
    path = folder / ".sframes" / "control"
    path.write_text("left over")
    with steered(folder, Control(), lambda _: None):
        assert Steering(folder).status().phase == "idle"
    assert not path.exists()
    with pytest.raises(SteeringError, match="doesn't answer"):
        Steering(folder).status()


def test_a_run_goes_on_where_there_can_be_no_socket(folder):
    (folder / ".sframes" / "control").mkdir()
    told = []
    with steered(folder, Control(), told.append) as emit:
        emit(RunStarted(folder, 1, 1))
    assert "can't be steered" in told[0].text
    assert isinstance(told[1], RunStarted)
