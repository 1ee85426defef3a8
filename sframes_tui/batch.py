"""The headless front end: finished pictures on stdout, everything else on stderr."""

import contextlib
import dataclasses
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from sframes_tui.engine.protocol import EngineFactory
from sframes_tui.errors import SFramesError
from sframes_tui.plan.draft import Draft
from sframes_tui.printable import as_path
from sframes_tui.run.beside.hangup import Ending, interrupts
from sframes_tui.run.beside.viewer import viewing
from sframes_tui.run.describe import describe, download_words, duration
from sframes_tui.run.events import Control, Emit, Event, RunCancelled, RunCompleted, RunFailed
from sframes_tui.run.execute import execute
from sframes_tui.run.frame_events import ChapterCompleted, FrameCompleted, FrameStarted
from sframes_tui.run.state import RunState, fold
from sframes_tui.sink import Sink, SinkFile, standard_sinks

COLOURS = {"info": "default", "warning": "yellow", "error": "red"}


def run_batch(draft: Draft, make_engine: EngineFactory, root: Path, as_json: bool, notify: str | None = None) -> int:
    """Draws a draft below `root` and returns the exit code; `notify` is told how it ended.

    Whoever calls this has made sure that the configuration's commands are trusted. Raises what `execute` raises.
    """
    return draw_in_batch(draft, lambda emit, control: execute(draft, make_engine, root, emit, control, notify), as_json)


@contextlib.contextmanager
def failures_as_json(wanted: bool) -> Iterator[None]:
    """With `--json`, what keeps a run from beginning is told as its last event too."""
    try:
        yield
    except SFramesError as error:
        if wanted:
            sink = Sink(sys.stdout)
            sink.line(as_json_line(RunFailed(str(error))))
            sink.close(hurry=False)
        raise


def draw_in_batch(draft: Draft, draw: Callable[[Emit, Control], None], as_json: bool) -> int:
    """Tells of whatever `draw` does for a draft, steered by signals, and returns the exit code. Raises what it does."""
    with (
        interrupts() as (control, ending),
        Output(draft, as_json, ending) as output,
        viewing(draft, output.emit) as emit,
    ):
        draw(emit, control)
    return (ending.exit_code if output.cancelled else None) or output.exit_code


class Output:
    """Tells of a run on the two standard streams."""

    def __init__(self, draft: Draft, as_json: bool, ending: Ending) -> None:
        options = draft.config.generation_config
        self._json, self._ending = as_json, ending
        self._lock = threading.Lock()
        self._keeps_pictures = options.save_individual
        self._stdout, self._stderr = standard_sinks()
        self._bar = _Bar(self._stderr) if self._stderr.is_terminal and not as_json else None
        self._state = RunState()
        self.exit_code = 1
        self.cancelled = False

    def __enter__(self) -> "Output":
        if self._bar:
            self._bar.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.progress.stop()
        for sink in (self._stdout, self._stderr):
            sink.close(hurry=self._ending.signal is not None)

    def emit(self, event: Event, when: float | None = None) -> None:
        """The way to this front end, from any thread; `when` it happened, by `time.monotonic()`, if that isn't now."""
        with self._lock:
            self._take(event, time.monotonic() if when is None else when)

    def _take(self, event: Event, when: float) -> None:
        self._state = fold(self._state, event, when)
        if isinstance(event, RunCompleted):
            self.exit_code = 1 if event.failed or event.skipped else 0
        self.cancelled = self.cancelled or isinstance(event, RunCancelled)
        if self._json:
            self._stdout.line(as_json_line(event))
        else:
            self._tell(event)

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

    def _show(self, line: str, sink: Sink, colour: str = "default") -> None:
        """Above the progress bar where the line goes to the same terminal, plainly everywhere else."""
        if self._bar and sink.is_terminal:
            self._bar.progress.console.print(Text(as_path(line), style=colour), soft_wrap=True)
        else:
            sink.line(line)


class _Bar:
    """One line on the terminal: frames, steps, rate and time left."""

    def __init__(self, sink: Sink) -> None:
        console = Console(file=SinkFile(sink), force_terminal=True, highlight=False, markup=False)
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
        if state.download:
            far = state.download
            words = download_words(far.done, far.total, far.rate)
            self.progress.update(self._task, total=far.total, completed=far.done, frames=words)
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
