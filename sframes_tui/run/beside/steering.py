"""Steering a run from another process, by a socket in its folder.

One line of JSON goes in, `{"do": WORD}` with one of `WORDS`; one comes out, the run's `Status` or a `Refusal`. A thread
serves it, which sets the run's `Control` and reads its state: whatever is sent, however slowly, the drawing goes on.
What comes out may be a stranger's, who made the folder: it counts only if it is of the form that is sent.
"""

import contextlib
import json
import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from sframes_tui.errors import NotOursError, SteeringError, message_of
from sframes_tui.printable import one_line
from sframes_tui.run.beside import control_socket
from sframes_tui.run.beside.control_socket import PATIENCE
from sframes_tui.run.events import Control, Emit, Event, Notice
from sframes_tui.run.record.tree import Tree
from sframes_tui.run.state import RunState, fold

WORDS = ("pause", "resume", "finish", "stop", "status")
LONGEST_REQUEST = 4096
"""Bytes of a line; a longer one is not read to its end."""
LONGEST_ANSWER = 1_000_000
"""Bytes; twice what the longest that is sent can have."""
MOST_CLIENTS = 16
"""At a time; others are turned away."""
LOOK_SECONDS = 0.1
"""How soon the server sees that the run has ended."""
LONGEST_TEXT = 600
"""Characters of a name or a sentence; the rest isn't sent."""
MOST_IN_FLIGHT = 64
MOST_SECONDS = 1e15

Count = Annotated[int, Field(ge=0, lt=2**53)]
Words = Annotated[str, Field(max_length=LONGEST_TEXT)]
Rate = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A frame that is being drawn, and how far."""

    frame: Count
    name: Words
    step: Count
    steps: Count


@dataclass(frozen=True, slots=True)
class Status:
    """How a run is, by the process that draws it: phase, counts, rates, frames in flight, and what it was asked."""

    process: Count
    host: Words
    phase: Words
    """One of `state.Phase`, or of a later version's."""
    model: Words
    frames: Count
    kept: Count
    drawn: Count
    failed: Count
    skipped: Count
    steps: Count
    steps_done: Count
    pause: Words
    """Why it is paused."""
    pictures_per_minute: Rate
    steps_per_second: Rate
    seconds_left: Seconds | None
    paused_seconds: Seconds | None
    asked: Words | None
    """The strongest of `stop`, `finish` and `pause` that it was asked."""
    in_flight: Annotated[tuple[Drawn, ...], Field(max_length=MOST_IN_FLIGHT)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered to a word that the other side doesn't know."""

    error: Words


ANSWER: TypeAdapter[Status | Refusal] = TypeAdapter(Status | Refusal)
"""What a line from a socket must hold; keys of later versions are passed over."""


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
        end = time.monotonic() + PATIENCE
        try:
            with control_socket.connected(self._folder, end) as run:
                control_socket.write_line(run, json.dumps({"do": word}).encode(), end)
                answer = ANSWER.validate_json(control_socket.read_line(run, LONGEST_ANSWER, end), strict=True)
        except ValidationError:
            raise NotOursError(f"{self._folder}: its run doesn't answer as S-Frames does") from None
        except FileNotFoundError:
            raise SteeringError(f"{self._folder}: its run doesn't answer: it has no socket (yet)") from None
        except OSError as error:
            why = error.strerror or message_of(error)
            raise SteeringError(f"{self._folder}: its run doesn't answer: {why}") from None
        if isinstance(answer, Refusal):
            raise SteeringError(f"{self._folder}: its run answers: {answer.error}")
        return answer


@contextmanager
def steered(tree: Tree, control: Control, emit: Emit) -> Iterator[Emit]:
    """Lets other processes steer a run while the block draws it; its events go through the `emit` that this yields.

    Only for whoever holds the run folder's lock. Where there can be no socket, a notice says so and the run goes on.
    """
    watched = _Watched(control, emit)
    with contextlib.ExitStack() as served:
        try:
            server = _Server(served.enter_context(control_socket.bound(tree)), watched)
        except (OSError, SteeringError) as error:
            emit(Notice("warning", f"this run can't be steered from elsewhere: {message_of(error)}"))
            yield emit
            return
        served.callback(server.server_close)
        served.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), name="steering", daemon=True).start()
        yield watched.emit


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

    def answer(self, line: bytes) -> Status | Refusal:
        """Does what a request says."""
        try:
            word = json.loads(line)["do"]
        except (ValueError, KeyError, TypeError, RecursionError):
            word = None
        if word not in WORDS:
            return Refusal(f'send one line such as {{"do": "status"}}; the words are {", ".join(WORDS)}')
        self._do(word)
        return status_of(self._state, self.control)

    def _do(self, word: str) -> None:
        if word == "resume":
            self.control.pause.clear()
        elif word != "status":
            asked: threading.Event = getattr(self.control, word)
            asked.set()


def status_of(state: RunState, control: Control) -> Status:
    """A run's state, and what the run was asked to do, as it is sent."""
    asked = (word for word in ("stop", "finish", "pause") if getattr(control, word).is_set())
    counts = ("frames", "kept", "drawn", "failed", "skipped", "steps", "steps_done")
    rates = ("pictures_per_minute", "steps_per_second")
    in_flight = state.in_flight[:MOST_IN_FLIGHT]
    return Status(
        process=os.getpid(),
        host=_words(socket.gethostname()),
        phase=state.phase,
        model=_words(state.model),
        pause=_words(state.pause),
        **{name: max(0, getattr(state, name)) for name in counts},
        **{name: min(getattr(state, name), 1e9) for name in rates},
        seconds_left=_seconds(state.seconds_left),
        paused_seconds=_seconds(None if state.paused_at is None else time.monotonic() - state.paused_at),
        asked=next(asked, None),
        in_flight=tuple(Drawn(each.frame, _words(each.name), each.step, each.steps) for each in in_flight),
    )


def _words(text: str) -> str:
    return one_line(text, LONGEST_TEXT)


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), MOST_SECONDS)


class _Server(socketserver.ThreadingUnixStreamServer):
    """Serves each client in a thread, up to a number that can't exhaust the process's descriptors."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 4 * MOST_CLIENTS

    def __init__(self, bound: socket.socket, watched: _Watched) -> None:
        self.watched = watched
        self._room = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__("", _Client, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.server_activate()

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:
            # No descriptors are left, and the client waits on: it would be tried again at once.
            time.sleep(LOOK_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # there can be no more threads
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle of a line is nobody's concern."""


class _Client(socketserver.BaseRequestHandler):
    """One line in, one line out, in `PATIENCE` seconds; the user's own, and root, who can do as much without it."""

    server: _Server
    request: socket.socket

    def handle(self) -> None:
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):
            if control_socket.user_of_peer(self.request) in (None, os.geteuid(), 0):
                line = control_socket.read_line(self.request, LONGEST_REQUEST, end)
                answer = asdict(self.server.watched.answer(line))
                control_socket.write_line(self.request, json.dumps(answer).encode(), end)
