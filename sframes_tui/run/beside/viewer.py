"""External viewers: one shows style 0's picture of every prompt.

Whoever makes a `Viewer` has made sure that its programs are allowed.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue

from sframes_tui.config.address import without_password
from sframes_tui.config.program import Program
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.beside.trust import allowed, start, viewer_commands
from sframes_tui.run.events import Emit, Event, Notice, RunStarted
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed, FrameSkipped
from sframes_tui.run.record.folder import Layout

STOP_SECONDS = 5.0
"""How long `preview_stop` may take."""


class Viewer:
    """Sees every event of a run and opens pictures as prompts are finished."""

    def __init__(self, program: Program, stop: Program | None, max_windows: int, emit: Emit) -> None:
        """`program` gets the picture's path as its last argument; `stop` closes what is open."""
        self._program, self._stop, self._max_windows, self._emit = program, stop, max_windows, emit
        self._settled: Counter[tuple[int, int, int]] = Counter()
        self._shown: dict[tuple[int, int, int], str] = {}
        self._windows: list[subprocess.Popen[bytes]] = []

    def see(self, event: Event, plan: Plan) -> None:
        """Once every style of a prompt is settled, its first style's picture is shown."""
        if isinstance(event, RunStarted):
            self._recall(event, plan)
        if not isinstance(event, FrameCompleted | FrameFailed | FrameSkipped):
            return
        frame = plan.frames[event.frame]
        key = (frame.variant, frame.chapter, frame.prompt)
        if isinstance(event, FrameCompleted) and frame.style == 0:
            self._shown[key] = str(event.path)
        self._settled[key] += 1
        if self._settled[key] == len(plan.tags):
            del self._settled[key]
            self._show(frame, self._shown.pop(key, None))

    def _recall(self, event: RunStarted, plan: Plan) -> None:
        """What a run that goes on has already counts for prompts of which something is still to be drawn."""
        layout = Layout(event.folder, plan)
        for frame in map(plan.frames.__getitem__, event.kept):
            key = (frame.variant, frame.chapter, frame.prompt)
            self._settled[key] += 1
            if frame.style == 0:
                self._shown[key] = str(layout.picture(frame))
        for key in [key for key, count in self._settled.items() if count == len(plan.tags)]:
            # It is shown once more if one of its pictures is drawn again.
            self._settled[key] = len(plan.tags) - 1

    def _show(self, frame: Frame, path: str | None) -> None:
        if frame.prompt % self._max_windows == 0:
            self._close_windows()
        if path is not None:
            self._make_room()
            if window := self._start(self._program, str(Path(path).absolute())):
                self._windows.append(window)

    def _make_room(self) -> None:
        """Prompts that are left out may be those at which windows would have been closed."""
        self._windows = [window for window in self._windows if window.poll() is None]
        while len(self._windows) >= self._max_windows:
            _end([self._windows.pop(0)])

    def _start(self, program: Program, *arguments: str) -> subprocess.Popen[bytes] | None:
        """Starts a program; a bad one is told of."""
        try:
            return start(program, *arguments)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self._emit(Notice("warning", f"can't start {without_password(program.shown)!r}: {reason}"))
            return None

    def _close_windows(self) -> None:
        """Runs `preview_stop` and ends the viewers that this run started."""
        if self._stop and (stopping := self._start(self._stop)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                stopping.wait(STOP_SECONDS)
        _end(self._windows)
        self._windows.clear()


def _end(windows: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends viewers, with what they have started; those that don't heed a word are killed."""
    for window in windows:
        _signal(window, signal.SIGTERM)
    for window in windows:
        try:
            window.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal(window, signal.SIGKILL)
            window.wait()


def _signal(window: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the viewer's whole session; one that has ended by itself has nobody to get it."""
    if window.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(window.pid, number)


@contextlib.contextmanager
def viewing(draft: Draft, emit: Emit) -> Iterator[Emit]:
    """An `emit` whose events the draft's viewer sees too, in a thread of its own: it may take its time.

    What is open at the end stays open, to be looked at; the last pictures are shown before this returns, if that takes
    no longer than `preview_stop` may. Programs that nobody allowed, or that were changed since, are told of instead.
    """
    wanted = viewer_commands(draft.config)
    wishes = allowed(draft.loaded.path, draft.config) if wanted else None
    if wishes is None:
        if wanted:
            emit(Notice("warning", "the viewer isn't started: nobody allowed it as it is now"))
        yield emit
        return
    programs = [wishes.programs[each] for each in wanted]
    stop = programs[1] if len(programs) > 1 else None
    viewer = Viewer(programs[0], stop, draft.config.generation_config.preview_max_windows, emit)
    events: SimpleQueue[Event | None] = SimpleQueue()

    def look() -> None:
        while (event := events.get()) is not None:
            viewer.see(event, draft.plan)

    def emit_both(event: Event) -> None:
        emit(event)
        events.put(event)

    looking = threading.Thread(target=look, name="viewer", daemon=True)
    looking.start()
    try:
        yield emit_both
    finally:
        events.put(None)
        looking.join(STOP_SECONDS)
