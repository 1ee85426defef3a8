"""Steering a run from another process, by a socket in its folder. Must not import torch, textual or a front end.

One line of JSON goes in, `{"do": WORD}` with one of `WORDS`; one comes out, the run's status or `{"error": SENTENCE}`.
The socket is its owner's alone. A thread serves it, which sets the run's `Control` and reads its state: whatever is
sent, however slowly, the drawing goes on.
"""

import contextlib
import json
import os
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sframes_tui.errors import SteeringError, message_of
from sframes_tui.run.events import Event, Notice
from sframes_tui.run.folder import HIDDEN
from sframes_tui.run.loop import Control, Emit
from sframes_tui.run.state import RunState, fold

NAME = "control"
WORDS = ("pause", "resume", "finish", "stop", "status")
LONGEST_REQUEST = 4096
"""Bytes of a line; a longer one is not read to its end."""
LONGEST_ANSWER = 4_000_000
MOST_CLIENTS = 16
"""At a time; others are turned away."""
PATIENCE = 5.0
"""Seconds that either side waits for the other's line."""
LOOK_SECONDS = 0.1
"""How soon the server sees that the run has ended."""

Status = dict[str, Any]
"""See `status_of`."""


class Steering:
    """Another process's run. Every method gives the run's status after it and raises `SteeringError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pause(self) -> Status:
        """Draws the pictures in hand, and then none until `resume`."""
        return self._ask("pause")

    def resume(self) -> Status:
        return self._ask("resume")

    def finish(self) -> Status:
        """Draws the pictures in hand, then stops."""
        return self._ask("finish")

    def stop(self) -> Status:
        """Stops within a denoising step."""
        return self._ask("stop")

    def status(self) -> Status:
        return self._ask("status")

    def _ask(self, word: str) -> Status:
        try:
            with _socket() as mine, _short_path(self._folder) as path:
                mine.connect(path)
                mine.sendall(json.dumps({"do": word}).encode() + b"\n")
                answer = json.loads(mine.makefile("rb").readline(LONGEST_ANSWER))
        except (OSError, ValueError, RecursionError) as error:
            raise SteeringError(f"{self._folder}: its run doesn't answer: {message_of(error)}") from None
        if not isinstance(answer, dict) or "error" in answer:
            raise SteeringError(f"{self._folder}: its run answers {answer!r}")
        return answer


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(PATIENCE)
    return made


@contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """The socket's path by way of a link: an address holds about 100 bytes, a run folder's path may be far longer."""
    with tempfile.TemporaryDirectory(prefix="sframes-") as short:
        link = Path(short, "run")
        link.symlink_to((folder / HIDDEN).resolve(), target_is_directory=True)
        yield str(link / NAME)


@contextmanager
def steered(folder: Path, control: Control, emit: Emit) -> Iterator[Emit]:
    """Lets other processes steer a run while the block draws it; its events go through the `emit` that this yields.

    Only for whoever holds the run folder's lock. Where there can be no socket, a notice says so and the run goes on.
    """
    watched = _Watched(control, emit)
    try:
        with _short_path(folder) as path:
            server = _Server(path, watched)
    except OSError as error:
        emit(Notice("warning", f"this run can't be steered from elsewhere: {message_of(error)}"))
        yield emit
        return
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), name="steering", daemon=True)
    thread.start()
    try:
        yield watched.emit
    finally:
        server.shutdown()
        server.server_close()
        (folder / HIDDEN / NAME).unlink(missing_ok=True)


class _Watched:
    """A run as its socket knows it."""

    def __init__(self, control: Control, emit: Emit) -> None:
        self.control, self._emit = control, emit
        self._state, self._lock = RunState(), threading.Lock()

    def emit(self, event: Event) -> None:
        """From any thread: the loop's, the watchdog's, or one that waits for the disk."""
        with self._lock:
            self._state = fold(self._state, event, time.monotonic())
        self._emit(event)

    def answer(self, line: bytes) -> Status:
        """Does what a request says."""
        try:
            word = json.loads(line)["do"]
        except (ValueError, KeyError, TypeError, RecursionError):
            word = None
        if word not in WORDS:
            return {"error": f'send one line such as {{"do": "status"}}; the words are {", ".join(WORDS)}'}
        self._do(word)
        return status_of(self._state, self.control)

    def _do(self, word: str) -> None:
        if word == "resume":
            self.control.pause.clear()
        elif word != "status":
            asked: threading.Event = getattr(self.control, word)
            asked.set()


def status_of(state: RunState, control: Control) -> Status:
    """A run's state as JSON data: phase, counts, rates, the frames in flight, and what the run was asked to do.

    `pause` says why it is paused, `paused_seconds` for how long.
    """
    asked = (word for word in ("stop", "finish", "pause") if getattr(control, word).is_set())
    plain = ("phase", "model", "frames", "kept", "drawn", "failed", "skipped", "steps", "steps_done", "pause")
    rates = ("pictures_per_minute", "steps_per_second", "seconds_left")
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        **{name: getattr(state, name) for name in (*plain, *rates)},
        "paused_seconds": None if state.paused_at is None else time.monotonic() - state.paused_at,
        "asked": next(asked, None),
        "in_flight": [
            {"frame": each.frame, "name": each.name, "step": each.step, "steps": each.steps} for each in state.in_flight
        ],
    }


class _Server(socketserver.ThreadingUnixStreamServer):
    """Serves each client in a thread, up to a number that can't exhaust the process's descriptors."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 4 * MOST_CLIENTS

    def __init__(self, path: str, watched: _Watched) -> None:
        self.watched = watched
        self._room = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__(path, _Client)

    def server_bind(self) -> None:
        path = Path(str(self.server_address))
        # What lies there was left by a process that was killed: the run folder's lock is held.
        path.unlink(missing_ok=True)
        # Before there is a name for it: nobody else may connect in between.
        os.fchmod(self.socket.fileno(), 0o600)
        super().server_bind()
        path.chmod(0o600)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle of a line is nobody's concern."""


class _Client(socketserver.StreamRequestHandler):
    """One line in, one line out."""

    server: _Server
    timeout = PATIENCE

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            line = self.rfile.readline(LONGEST_REQUEST)
            self.wfile.write(json.dumps(self.server.watched.answer(line)).encode() + b"\n")
