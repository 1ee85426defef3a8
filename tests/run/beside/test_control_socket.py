"""What may lie in the place of a run's socket, and who may be at its other end."""

import contextlib
import json
import os
import select
import signal
import socket
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sframes_tui.errors import SteeringError
from sframes_tui.printable import printable
from sframes_tui.run.beside import control_socket, steering
from sframes_tui.run.beside.attach import LOOK_SECONDS
from sframes_tui.run.beside.status import RunSummary
from sframes_tui.run.beside.steering import (
    ANSWER,
    LONGEST_ANSWER,
    LONGEST_REQUEST,
    MOST_CLIENTS,
    Status,
    Steering,
    status_of,
)
from sframes_tui.run.events import Control
from sframes_tui.run.state import InFlight, RunState
from tests.run.beside.steered_folder import steered

NOBODY = 65534
at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TOLD = {
    "process": 1,
    "host": "h",
    "phase": "drawing",
    "model": "m",
    "frames": 8,
    "kept": 0,
    "drawn": 1,
    "failed": 0,
    "skipped": 0,
    "steps": 40,
    "steps_done": 5,
    "pause": "",
    "pictures_per_minute": 1.5,
    "steps_per_second": 0.5,
    "seconds_left": 70.0,
    "paused_seconds": None,
    "asked": None,
    "in_flight": [{"frame": 1, "name": "oil 0-1", "step": 2, "steps": 5}],
}
DEEP = b"[" * 100_000
NO_ANSWERS = {
    "nothing": b"",
    "an empty object": b"{}",
    "no object": b"[1]",
    "no JSON": b"\xff\xfe{",
    "UTF-16": json.dumps(TOLD).encode("utf-16"),
    "depth": DEEP,
    "four million bytes": b" " * 4_000_000,
    "a name that is a number": json.dumps({**TOLD, "model": 5}).encode(),
    "a count that is text": json.dumps({**TOLD, "kept": "\x1b]0;pwned\x07"}).encode(),
    "a count below nothing": json.dumps({**TOLD, "drawn": -1}).encode(),
    "a truth for a count": json.dumps({**TOLD, "drawn": True}).encode(),
    "a rate that is text": json.dumps({**TOLD, "pictures_per_minute": "x"}).encode(),
    "time without end": json.dumps({**TOLD, "seconds_left": float("inf")}).encode(),
    "time that is no number": json.dumps({**TOLD, "paused_seconds": float("nan")}).encode(),
    "frames in flight that are a number": json.dumps({**TOLD, "in_flight": 5}).encode(),
    "frames in flight that are numbers": json.dumps({**TOLD, "in_flight": [1]}).encode(),
    "too many frames in flight": json.dumps({**TOLD, "in_flight": TOLD["in_flight"] * 1000}).encode(),
    "a name of any length": json.dumps({**TOLD, "host": "x" * 5000}).encode(),
    "half a character": json.dumps({**TOLD, "host": "\ud800"}).encode(),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run" / ".sframes").mkdir(parents=True)
    return tmp_path / "run"


@contextlib.contextmanager
def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield server


@pytest.fixture
def answered(folder):
    """Lets a stranger answer once: with what `say` does to the connection."""
    with contextlib.ExitStack() as held:

        def answer(say):
            server = held.enter_context(listening(folder / ".sframes" / "control"))

            def serve():
                with contextlib.suppress(OSError), server.accept()[0] as connection:
                    connection.recv(LONGEST_REQUEST)
                    say(connection)

            thread = threading.Thread(target=serve)
            thread.start()
            held.callback(thread.join)
            return Steering(folder)

        yield answer


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_status_is_one_sentence(answered, answer):
    with pytest.raises(SteeringError, match="its run doesn't answer as S-Frames does"):
        answered(lambda connection: connection.sendall(answer + b"\n")).status()


def test_what_a_later_version_tells_more_is_passed_over(answered):
    later = {**TOLD, "phase": "dreaming", "of": {"what": ["nobody", "knows"]}}
    status = answered(lambda connection: connection.sendall(json.dumps(later).encode() + b"\n")).status()
    assert (status.phase, status.drawn, status.in_flight[0].name) == ("dreaming", 1, "oil 0-1")


def test_a_refusal_is_told(answered):
    with pytest.raises(SteeringError, match="its run answers: never heard of it"):
        answered(lambda connection: connection.sendall(b'{"error": "never heard of it"}\n')).pause()


def drip(connection):
    """Sends a byte now and then, for as long as anybody listens."""
    with contextlib.suppress(OSError):
        while not select.select([connection], [], [], 0.05)[0] or connection.recv(4096):
            connection.sendall(b" ")


def test_a_server_that_drips_is_heard_for_so_long_and_no_longer(answered, monkeypatch):
    monkeypatch.setattr(steering, "PATIENCE", 0.5)
    with pytest.raises(SteeringError, match="doesn't answer: timed out"):
        answered(drip).status()


def test_a_client_that_drips_is_heard_for_so_long_and_no_longer(folder, monkeypatch):
    monkeypatch.setattr(steering, "PATIENCE", 0.5)
    monkeypatch.chdir(folder / ".sframes")
    with steered(folder, Control(), pytest.fail), socket.socket(socket.AF_UNIX) as client:
        client.connect("control")
        drip(client)


def test_who_takes_no_answer_is_not_waited_for():
    one, other = socket.socketpair()
    with one, other, pytest.raises(TimeoutError):
        control_socket.write_line(one, bytes(10_000_000), time.monotonic() + 0.2)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@at_leisure
@given(st.dictionaries(st.sampled_from([*TOLD, "error"]), _json, max_size=4), st.booleans())
def test_any_answer_is_refused_or_can_be_told(changed, whole):
    line = json.dumps({**TOLD, **changed} if whole else changed).encode()
    try:
        answer = ANSWER.validate_json(line, strict=True)
    except ValidationError:
        return
    if isinstance(answer, Status):
        summary = RunSummary(Path("run"), "t", 0.0, "running", "h", 8, 1, 0, live=answer)
        assert all(printable(each) == each and "\n" not in each for each in summary.lines())
        json.dumps(summary.as_json(), allow_nan=False)


_names = st.text() | st.just("\udcff" * 9000) | st.just("\U0001f600" * 9000)
_in_flight = st.lists(st.builds(InFlight, st.integers(0, 2**40), _names, st.integers(0, 9), st.integers(0, 9)))


@at_leisure
@given(
    st.builds(
        RunState,
        model=_names,
        pause=_names,
        steps=st.integers(-5, 10**12),
        drawn=st.integers(0, 10**6),
        started=st.floats(-1e9, 1e9),
        now=st.floats(-1e9, 1e9),
        paused_at=st.none() | st.floats(-1e9, 1e9),
        in_flight=_in_flight.map(tuple),
    ),
)
def test_whatever_the_run_is_its_answer_is_heard(state):
    line = json.dumps(asdict(status_of(state, Control())), allow_nan=False).encode()
    assert len(line) < LONGEST_ANSWER
    assert isinstance(ANSWER.validate_json(line, strict=True), Status)


@pytest.mark.parametrize("kind", ["a link", "a hard link", "no socket"])
def test_what_is_no_socket_of_a_run_is_named_and_gets_no_order(folder, tmp_path, kind):
    control = folder / ".sframes" / "control"
    with listening(tmp_path / "other") as other:
        if kind == "a link":
            control.symlink_to(tmp_path / "other")
        elif kind == "a hard link":
            control.hardlink_to(tmp_path / "other")
        else:
            os.mkfifo(control)
        with pytest.raises(SteeringError, match=f"control is {kind}, so nobody can be asked"):
            Steering(folder).stop()
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_through_a_link_to_another_hidden_folder_nobody_is_asked_and_nothing_made_or_removed(folder, tmp_path):
    (folder / ".sframes").rename(tmp_path / "victim")
    (folder / ".sframes").symlink_to(tmp_path / "victim")
    told = []
    with listening(tmp_path / "victim" / "control") as other:
        with pytest.raises(SteeringError, match=r"\.sframes: a link, or no folder"):
            Steering(folder).stop()
        with steered(folder, Control(), told.append):
            assert "can't be steered from elsewhere" in told[0].text
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()
    assert (tmp_path / "victim" / "control").is_socket()


def test_a_hidden_folder_that_is_exchanged_meanwhile_is_left_alone(folder, tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "control").write_text("mine")
    with steered(folder, Control(), pytest.fail):
        (folder / ".sframes").rename(tmp_path / "moved")
        (folder / ".sframes").symlink_to(tmp_path / "victim")
    assert (tmp_path / "victim" / "control").read_text() == "mine"
    assert not (tmp_path / "moved" / "control").exists()


def test_whatever_takes_the_sockets_place_the_run_ends_well(folder):
    control = folder / ".sframes" / "control"
    with steered(folder, Control(), pytest.fail):
        control.unlink()
        with pytest.raises(SteeringError, match="it has no socket"):
            Steering(folder).status()
        control.mkdir()
    assert control.is_dir()


def test_a_link_left_in_the_sockets_place_is_replaced_not_followed(folder, tmp_path):
    (folder / ".sframes" / "control").symlink_to(tmp_path / "elsewhere")
    with steered(folder, Control(), pytest.fail):
        assert Steering(folder).status().phase == "idle"
    assert not (tmp_path / "elsewhere").exists()


def test_without_proc_a_run_is_steered_by_a_link_for_a_moment(folder, monkeypatch):
    monkeypatch.setattr(control_socket, "DESCRIPTORS", "/nowhere")
    deep = folder / ("a" * 120)
    (deep / ".sframes").mkdir(parents=True)
    control = Control()
    with steered(deep, control, pytest.fail):
        assert Steering(deep).finish().asked == "finish"
        assert control.finish.is_set()


@contextlib.contextmanager
def another_user(work):
    """A child process of nobody's, that does `work` and lives until it is killed."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writing, work() or b"done")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    try:
        yield os.read(reading, 100)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_answer_of_another_user_is_not_heard_but_by_root_of_the_folders_owner(folder):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / ".sframes" / "control"))
        with another_user(server.listen):
            with pytest.raises(SteeringError, match=f"user {NOBODY} answers for its run"):
                Steering(folder).stop()
            os.chown(folder / ".sframes", NOBODY, NOBODY)
            with control_socket.connected(folder, time.monotonic() + 60):
                pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not_answered(folder, monkeypatch):
    monkeypatch.chdir(folder / ".sframes")
    control = Control()

    def stop():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("control")
            with contextlib.suppress(ConnectionError):
                client.sendall(b'{"do": "stop"}\n')
                return client.recv(100) or b"no answer"
        return b"no answer"

    with steered(folder, control, pytest.fail):
        (folder / ".sframes" / "control").chmod(0o666)
        (folder / ".sframes").chmod(0o755)
        with another_user(stop) as answer:
            assert answer == b"no answer"
    assert not control.stop.is_set()


def test_a_crowd_of_clients_takes_few_threads_and_the_run_is_steered_after_it(folder, monkeypatch):
    monkeypatch.chdir(folder / ".sframes")
    before, crowd = threading.active_count(), []
    with steered(folder, Control(), pytest.fail):
        for number in range(20 * MOST_CLIENTS):
            crowd.append(client := socket.socket(socket.AF_UNIX))
            client.connect("control")
            with contextlib.suppress(OSError):
                client.sendall(b'{"do": "st' if number % 2 else b"")
            if number % 3 == 0:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_WR)
        assert threading.active_count() <= before + 1 + MOST_CLIENTS
        for client in crowd:
            client.close()
        status = None
        while status is None:
            with contextlib.suppress(SteeringError):
                status = Steering(folder).status()
            select.select([], [], [], LOOK_SECONDS)
    assert status.asked is None
