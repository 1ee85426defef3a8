"""A draft becomes a run, and a run goes on: folder, model, loop, and one last event whatever happens.

Must not import torch.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from sframes_tui.config.config import Config
from sframes_tui.engine.protocol import Engine, EngineFactory
from sframes_tui.errors import DiskError, InternalError, SFramesError, message_of
from sframes_tui.plan.draft import Draft
from sframes_tui.printable import counted
from sframes_tui.run.beside.notify import Target, telling
from sframes_tui.run.beside.trust import Wishes, asked_for, carry_over, standing
from sframes_tui.run.drawing import Drawing
from sframes_tui.run.events import Control, Emit, Notice, RunCancelled, RunFailed
from sframes_tui.run.record.disk import is_full
from sframes_tui.run.record.folder import RunFolder, lock_folder, room_below
from sframes_tui.run.record.past_run import PastRun, open_run
from sframes_tui.run.record.plain_folder import require_plain
from sframes_tui.run.record.recorder import Recorder
from sframes_tui.run.record.replay import Replay
from sframes_tui.run.record.survey import Survey
from sframes_tui.run.record.tree import Tree
from sframes_tui.run.work import Work


def execute(
    draft: Draft, make_engine: EngineFactory, root: Path, emit: Emit, control: Control, notify: str | None = None
) -> None:
    """Draws a draft into a new run folder below `root`.

    Ends with exactly one `RunCompleted`, `RunCancelled` or `RunFailed`. Raises the `SFramesError` that a `RunFailed`
    tells of, so that a front end knows its kind. A `KeyboardInterrupt` before the first frame is a cancelled run. How
    it ended is told to `notify`, or to whom the configuration names.
    """
    recorded = recording(draft, root, emit, notify, control)
    with recorded as (recorder, tell), room_below(root), Drawing(draft, make_engine, tell, control) as drawing:
        if control.is_ending():
            tell(RunCancelled(None, 0, len(drawing.plan.frames)))
            return
        folder = recorder.own(RunFolder.create(root, drawing.plan, datetime.now(), draft.text_file))
        resolved = draft.run_config(drawing.rows)
        folder.write_config(resolved)
        copied = Wishes.of(folder.path / "run.toml", Config.model_validate(resolved))
        carry_over(Wishes.of(draft.loaded.path, draft.config), copied)
        recorder.open_journal()
        survey = Survey(todo=dict.fromkeys(range(len(drawing.plan.frames)), "new"))
        if drawing.draw(drawing.session(folder, recorder.journal, survey), Replay(), control):
            folder.remove_hidden_pictures()


def go_on(
    path: Path, make_engine: Callable[[Draft], Engine], emit: Emit, control: Control, notify: str | None = None
) -> None:
    """Draws what a run still lacks; says so where that is nothing. Ends and raises as `execute` does.

    First of all, `FolderInUseError` where another process draws into the folder.
    """
    with opened(path, emit, notify, control) as (past, work):
        work.clear_up()
        if past.is_finished:
            work.emit(Notice("info", f"nothing to do: all {counted(len(past.plan.frames), 'picture')} are there"))
        else:
            for line in past.survey.lines(past.plan):
                work.emit(Notice("info", line))
        if past.survey.stale:
            which = counted(len(past.survey.stale), "picture")
            work.emit(Notice("warning", f"{which} out of date; draw again or keep with: redraw RUN --stale, --keep"))
        work.draw(make_engine, control)


@contextlib.contextmanager
def opened(
    path: Path, emit: Emit, notify: str | None = None, control: Control | None = None
) -> "Iterator[tuple[PastRun, Work]]":
    """A run's folder, locked, and what writes there; ends as `execute` does."""
    try:
        require_plain(path)
        past = open_run(path)
        tree = _lock(path)
    except SFramesError as error:
        emit(RunFailed(str(error)))
        raise
    with contextlib.ExitStack() as held:
        held.callback(tree.close)
        recorder, tell = held.enter_context(recording(past.draft, path, emit, notify, control))
        # Once more, since another process may have drawn until it let go of the lock.
        past = open_run(path)
        folder = recorder.own(RunFolder(path, past.plan, tree))
        recorder.open_journal()
        yield past, Work(past, folder, recorder.journal, tell)


def _lock(path: Path) -> Tree:
    try:
        return lock_folder(path)
    except OSError as error:
        raise DiskError(f"{path}: can't be locked or written: {error.strerror}; nothing was changed") from None


@contextlib.contextmanager
def recording(
    draft: Draft, place: Path, emit: Emit, notify: str | None, control: Control | None
) -> Iterator[tuple[Recorder, Emit]]:
    """Where the events of a drawing go: to `emit`, and into the run folder once the recorder has one.

    Whatever goes wrong within is told of by one last event; `place` is where things are written. Where there is a
    `control` to end the waiting, a full disk is waited for.
    """
    with Recorder(emit, control.is_ending if control else None) as recorder:
        tell = telling(notify or _allowed_target(draft, recorder.emit), draft.plan.story.key, recorder.emit)
        with _failures_told(place, len(draft.plan.frames), tell, control):
            yield recorder, tell


def _allowed_target(draft: Draft, emit: Emit) -> Target | None:
    """Who is told of the end by the configuration's wish, if that was allowed: whoever opened it may not have asked."""
    target = draft.config.generation_config.notify
    if target is None:
        return None
    wishes = Wishes.of(draft.loaded.path, draft.config)
    if standing(wishes) == "allowed":
        return wishes.programs.get(target, target)
    wanted = f"{draft.loaded.path} wants to {asked_for(wishes)}"
    emit(Notice("warning", f"{wanted}: nobody allowed that, so it isn't done"))
    return None


@contextlib.contextmanager
def _failures_told(place: Path, frames: int, emit: Emit, control: Control | None) -> Iterator[None]:
    try:
        yield
    except SFramesError as error:
        emit(RunFailed(str(error)))
        raise
    except OSError as error:
        if is_full(error) and control and control.is_ending():
            emit(RunCancelled(None, 0, frames))
            return
        what = f"can't write {error.filename or place}: {error.strerror}; every picture told of is safe"
        emit(RunFailed(what))
        raise DiskError(what) from None
    except KeyboardInterrupt:
        emit(RunCancelled(None, 0, frames))
    except Exception as error:
        what = f"a fault of the program, please report it: {type(error).__name__}: {message_of(error)}"
        emit(RunFailed(what))
        raise InternalError(what) from error
