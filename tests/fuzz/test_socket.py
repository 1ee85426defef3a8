"""Both ends of a run's socket: what its server is sent, and what those who ask are answered."""

import fcntl
import json
import socket
import threading
from dataclasses import asdict

import pytest
from hypothesis import given

from sframes_tui.printable import printable
from sframes_tui.run.beside.control_socket import bound
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.beside.steering import WORDS, Steering, _Watched, status_of
from sframes_tui.run.events import Control, Notice
from sframes_tui.run.record.tree import Tree
from sframes_tui.run.state import RunState
from tests.fuzz.held import fuzzed, held
from tests.fuzz.odd import VALUES, changed, mutated
from tests.run.beside.steered_folder import steered
from tests.run.story_run import draw, write_config

SOUND = asdict(status_of(RunState(), Control())) | {
    "in_flight": [{"frame": 1, "name": "oil 0-1", "step": 2, "steps": 5}],
    "seconds_left": 12.5,
    "paused_seconds": 1.0,
}
REQUESTS = mutated(b'{"do": "status"}') | VALUES.map(lambda value: json.dumps({"do": value}).encode())


class Answering:
    """Something that holds a run's lock, binds its socket and answers what it likes."""

    def __init__(self, folder):
        self.folder, self.answer = folder, b""
        self._lock = (folder / ".sframes" / "lock").open("r+")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._bound = bound(Tree(folder))
        self._socket = self._bound.__enter__()
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                try:
                    client.sendall(self.answer + b"\n")
                except OSError:
                    continue  # it has heard enough

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._bound.__exit__(None, None, None)
        self._lock.close()


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    root = tmp_path_factory.mktemp("asked")
    answering = Answering(draw(write_config(root), root / "output")[0])
    yield answering
    answering.close()


def ask(answering, answer):
    """Whatever it answers: what it is asked and `status` end with a value or a sentence."""
    answering.answer = answer
    held(Steering(answering.folder).pause)
    if summary := held(lambda: run_status(answering.folder)):
        lines = held(lambda: list(summary.lines()))
        assert all(printable(line) == line and "\n" not in line for line in lines)
        held(lambda: json.dumps(summary.as_json()))


@fuzzed(60)
@given(mutated(json.dumps(SOUND).encode()))
def test_bytes_of_answers(answering, data):
    ask(answering, data.replace(b"\n", b" "))


@fuzzed(100)
@given((changed(SOUND) | VALUES).map(lambda value: json.dumps(value).encode()))
def test_values_of_answers(answering, data):
    ask(answering, data)


@fuzzed(200)
@given(REQUESTS)
def test_requests(data):
    control = Control()
    watched = _Watched(control, lambda _: None)
    answer = held(lambda: watched.answer(data))
    assert json.dumps(asdict(answer)).isascii()
    asked = {word for word in ("pause", "finish", "stop") if getattr(control, word).is_set()}
    assert len(asked) <= 1
    assert not asked or json.loads(data)["do"] in WORDS


def test_a_server_bears_what_it_is_sent(tmp_path):
    """A few of them by way of the real socket, with nothing read of what it answers."""
    (tmp_path / ".sframes").mkdir()
    told = []
    with steered(tmp_path, Control(), told.append) as emit:
        for data in (b"", b"\xff" * 100_000, b"{" * 5000 + b"\n", b'{"do": "status"}'):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(30)
                with pytest.MonkeyPatch.context() as patched:
                    patched.chdir(tmp_path / ".sframes")
                    client.connect("control")
                try:
                    client.sendall(data)
                except OSError:
                    continue  # it has heard enough
        emit(Notice("info", "on it goes"))
        assert Steering(tmp_path).status().asked is None
    assert told == [Notice("info", "on it goes")]
