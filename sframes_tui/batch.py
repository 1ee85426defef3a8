"""The headless front end: finished pictures on stdout, everything else on stderr. Must not import torch or textual."""

import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from sframes_tui.engine.protocol import EngineFactory
from sframes_tui.run.describe import describe, duration
from sframes_tui.run.events import (
    ChapterCompleted,
    Event,
    FrameCompleted,
    FrameStarted,
    RunCancelled,
    RunCompleted,
    RunFailed,
)
from sframes_tui.run.execute import execute
from sframes_tui.run.loop import Control, Emit
from sframes_tui.run.state import RunState, fold
from sframes_tui.run.trust import viewer_commands
from sframes_tui.run.viewer import Viewer
from sframes_tui.story.draft import Draft

COLOURS = {"info": "default", "warning": "yellow", "error": "red"}


def run_batch(draft: Draft, make_engine: EngineFactory, root: Path, as_json: bool, notify: str | None = None) -> int:
    """Draws a draft below `root` and returns the exit code; `notify` is told how it ended.

    Whoever calls this has made sure that the configuration's commands are trusted. Raises what `execute` raises.
    """
    with _interrupts() as (control, received), _Output(draft, as_json) as output:
        execute(draft, make_engine, root, output.emit, control, notify)
    return output.exit_code if received.signal is None or not output.cancelled else 128 + received.signal


class _Output:
    """Tells of a run on the two standard streams."""

    def __init__(self, draft: Draft, as_json: bool) -> None:
        options = draft.config.generation_config
        self._plan, self._json = draft.plan, as_json
        self._keeps_pictures = options.save_individual
        self._stdout, self._stderr = _Sink(sys.stdout), _Sink(sys.stderr)
        self._bar = _Bar() if self._stderr.is_terminal and not as_json else None
        self._viewer = _viewer(draft, self.emit)
        self._state = RunState()
        self.exit_code = 1
        self.cancelled = False

    def __enter__(self) -> "_Output":
        if self._bar:
            self._bar.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.progress.stop()

    def emit(self, event: Event) -> None:
        """The loop's way to this front end."""
        self._state = fold(self._state, event, time.monotonic())
        if isinstance(event, RunCompleted):
            self.exit_code = 1 if event.failed or event.skipped else 0
        self.cancelled = isinstance(event, RunCancelled)
        if self._json:
            self._stdout.write(as_json_line(event))
        else:
            self._tell(event)
        if self._viewer:
            self._viewer.see(event, self._plan)

    def _tell(self, event: Event) -> None:
        for path in self._finished_pictures(event):
            self._show(str(path), self._stdout)
        level, line = describe(event)
        if line and not self._is_told_elsewhere(event):
            self._show(line, self._stderr, COLOURS[level])
        if self._bar:
            self._bar.show(self._state)

    def _is_told_elsewhere(self, event: Event) -> bool:
        """By stdout, by the command line's one error sentence, or by the progress bar."""
        return isinstance(event, FrameCompleted | RunFailed) or (
            self._bar is not None and isinstance(event, FrameStarted)
        )

    def _finished_pictures(self, event: Event) -> tuple[Path, ...]:
        """With `save_individual` off, the grids are what is finished."""
        if isinstance(event, FrameCompleted) and self._keeps_pictures:
            return (event.path,)
        if isinstance(event, ChapterCompleted) and not self._keeps_pictures:
            return event.grids
        return ()

    def _show(self, line: str, sink: "_Sink", colour: str = "default") -> None:
        """Above the progress bar where the line goes to the same terminal, plainly everywhere else."""
        if self._bar and sink.is_terminal:
            self._bar.progress.console.print(Text(line, style=colour), soft_wrap=True)
        else:
            sink.write(line)


class _Sink:
    """A standard stream that may break while the run goes on."""

    def __init__(self, stream: TextIO | None) -> None:
        """`stream` is None where the program was started with it closed."""
        self._stream = stream
        self.is_terminal = stream is not None and stream.isatty()

    def write(self, line: str) -> None:
        if self._stream is None:
            return
        try:
            # As bytes: a path must come out as the file system has it, whatever the stream's own encoding.
            self._stream.buffer.write(os.fsencode(line + "\n"))
            self._stream.flush()
        except (OSError, ValueError):
            _silence(self._stream)
            self._stream = None


def _silence(stream: TextIO) -> None:
    """Lets Python flush a broken stream at its end without a word."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        return


class _Bar:
    """One line on the terminal: frames, steps, rate and time left."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False, markup=False)
        columns = (
            BarColumn(bar_width=24),
            TextColumn("{task.fields[frames]}", markup=False),
            TextColumn("{task.fields[rate]}", markup=False, style="cyan"),
        )
        self.progress = Progress(
            *columns, console=console, redirect_stdout=False, redirect_stderr=False, transient=True
        )
        self._task = self.progress.add_task("", total=None, frames="loading the model", rate="")

    def show(self, state: RunState) -> None:
        if not state.steps:
            return
        where = [f"frame {min(state.settled + 1, state.frames)} of {state.frames}"]
        where += [f"step {each.step} of {each.steps}" for each in state.in_flight[-1:]]
        rate = [f"{state.pictures_per_minute:.1f} pictures/min"]
        rate += [f"{duration(left)} left"] if (left := state.seconds_left) is not None else []
        self.progress.update(
            self._task,
            total=state.steps,
            completed=state.steps_done,
            frames=", ".join(where),
            rate=", ".join(rate),
        )


def as_json_line(event: Event) -> str:
    """An event as one line of JSON: its class as `event`, then its fields, previews left out."""
    fields: dict[str, Any] = {"event": type(event).__name__}
    for each in dataclasses.fields(event):
        if each.name != "preview":
            fields[each.name] = getattr(event, each.name)
    return json.dumps(fields, default=str)


def _viewer(draft: Draft, emit: Emit) -> Viewer | None:
    wanted = viewer_commands(draft.config)
    if not wanted:
        return None
    options = draft.config.generation_config
    return Viewer(wanted[0], options.preview_stop, options.preview_max_windows, emit)


@dataclasses.dataclass
class _Received:
    """The first signal that asked the run to end."""

    signal: int | None = None


@contextmanager
def _interrupts() -> Iterator[tuple[Control, _Received]]:
    """SIGINT and SIGTERM finish the frame in hand, a second one stops within a step; before the first frame at once."""
    control, received = Control(), _Received()

    def handle(number: int, _: FrameType | None) -> None:
        if received.signal is not None:
            control.stop.set()
        received.signal = received.signal or number
        control.finish.set()
        if not control.begun.is_set():
            raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield control, received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
