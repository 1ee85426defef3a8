"""One way in: a run folder, its lock, a look at it, the model, the drawing, and one last event whatever happens.

A new run is a run in which nothing is drawn yet. `execute` makes its folder, `go_on` and what `redraw.py` does open
one; from there on all of them do the same to an `OpenRun`. Only the model comes at another moment: before a new run's
folder, which isn't made for a model that doesn't load, and not at all where nothing is to be drawn.
"""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sframes_tui.config.config import Config
from sframes_tui.engine.protocol import EngineFactory
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import DiskError, InternalError, SFramesError, message_of
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.identity import Identities
from sframes_tui.printable import counted
from sframes_tui.run.beside.notify import allowed_target, telling
from sframes_tui.run.beside.steering import steered
from sframes_tui.run.beside.trust import Wishes, carry_over
from sframes_tui.run.drawing import Drawing, ReadyEngine, check_disk, ready_engine
from sframes_tui.run.events import Control, Emit, Notice, RunCancelled, RunCompleted, RunFailed, RunStarted
from sframes_tui.run.frame_events import FramesStale
from sframes_tui.run.grids import Sheets
from sframes_tui.run.loop import Loop
from sframes_tui.run.record.disk import is_full
from sframes_tui.run.record.folder import RunFolder, lock_folder, room_below
from sframes_tui.run.record.header import differences, header, text_copy, write_plan
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.past_run import PastRun, read_run, require_run, with_journal
from sframes_tui.run.record.plain_folder import HIDDEN
from sframes_tui.run.record.recorder import Recorder
from sframes_tui.run.record.records import facts_of
from sframes_tui.run.record.replay import Replay
from sframes_tui.run.record.survey import Survey
from sframes_tui.run.record.tree import HALF_WRITTEN, Tree


def execute(
    draft: Draft, make_engine: EngineFactory, root: Path, emit: Emit, control: Control, notify: str | None = None
) -> None:
    """Draws a draft into a new run folder below `root`.

    Ends with exactly one `RunCompleted`, `RunCancelled` or `RunFailed`. Raises the `SFramesError` that a `RunFailed`
    tells of, so that a front end knows its kind. A `KeyboardInterrupt` before the first frame is a cancelled run. How
    it ended is told to `notify`, or to whom the configuration names.
    """
    recorded = recording(draft, root, emit, notify, control)
    with recorded as (recorder, tell), room_below(root), ready_engine(draft, make_engine, tell, control) as ready:
        if control.is_ending():
            tell(RunCancelled(None, 0, len(ready.plan.frames)))
            return
        folder = recorder.own(RunFolder.create(root, ready.plan, datetime.now(), draft.text_file))
        _write_config(folder, draft, ready.engine.capacity)
        recorder.open_journal()
        past = PastRun(folder.path, draft, ready.plan, ready.identities, Replay())
        OpenRun(past, folder, recorder.journal, tell).draw_with(ready, control)


def _write_config(folder: RunFolder, draft: Draft, rows: int) -> None:
    """The run's own configuration; what the draft's was allowed to do, it is allowed too."""
    config = draft.run_config(rows)
    folder.write_config(config)
    copied = Wishes.of(folder.path / "run.toml", Config.model_validate(config))
    carry_over(Wishes.of(draft.loaded.path, draft.config), copied)


def go_on(path: Path, make_engine: EngineFactory, emit: Emit, control: Control, notify: str | None = None) -> None:
    """Draws what a run still lacks; says so where that is nothing. Ends and raises as `execute` does.

    First of all, `FolderInUseError` where another process draws into the folder.
    """
    with opened(path, emit, notify, control) as run:
        past = run.past
        run.clear_up()
        if past.is_finished:
            run.emit(Notice("info", f"nothing to do: all {counted(len(past.plan.frames), 'picture')} are there"))
        else:
            for line in past.survey.lines(past.plan):
                run.emit(Notice("info", line))
        if past.survey.stale:
            which = counted(len(past.survey.stale), "picture")
            run.emit(Notice("warning", f"{which} out of date; draw again or keep with: redraw RUN --stale, --keep"))
        run.draw(make_engine, control)


@contextlib.contextmanager
def opened(path: Path, emit: Emit, notify: str | None = None, control: Control | None = None) -> "Iterator[OpenRun]":
    """A run that was begun, its folder locked before it is looked at; ends as `execute` does."""
    with contextlib.ExitStack() as held:
        try:
            require_run(path)
            tree = _lock(path)
            held.callback(tree.close)
            past = read_run(path)
        except SFramesError as error:
            emit(RunFailed(str(error)))
            raise
        recorder, tell = held.enter_context(recording(past.draft, path, emit, notify, control))
        folder = recorder.own(RunFolder(path, past.plan, tree))
        recorder.open_journal()
        yield OpenRun(past, folder, recorder.journal, tell)


@dataclass
class OpenRun:
    """A run in this process's hands: its folder is locked, its journal open."""

    past: PastRun
    """As it was looked at last."""
    folder: RunFolder
    journal: Journal
    emit: Emit

    def refresh(self) -> None:
        """Looks at the run anew, after something was written."""
        self.past = with_journal(self.past)

    def clear_up(self) -> None:
        """Half-written files go, old takes that count come back to their places, what has no use is put aside.

        From here on what is to be drawn again since its base is counts only beside the same base, even if the drawing
        is interrupted. Raises `OSError`.
        """
        tree = self.folder.tree
        for name in tree.names(HIDDEN):
            if HALF_WRITTEN.fullmatch(name):
                tree.remove(f"{HIDDEN}/{name}")
        found = self.past.survey
        for file in found.orphans:
            kept = self.folder.put_aside(file)
            self.emit(Notice("info", f"{file} put aside as {kept}"))
        for saved, file in found.misplaced:
            self.folder.put_back(saved, file)
            if file != self.folder.take_file(saved.file, saved.take):
                tree.remove(file)
        self._void(found)

    def _void(self, found: Survey) -> None:
        plan, replay = self.past.plan, self.past.replay
        files = [self.past.file(plan.frames[number]) for number, reason in found.todo.items() if reason != "asked"]
        if void := [file for file in files if replay.takes.saved(file) is not None]:
            self.journal.append_list("void", "files", void)
            # All of these are to be drawn already: what was found of the folder stays true.
            replay.void.update(void)

    def draw(self, make_engine: EngineFactory, control: Control, only: Collection[int] | None = None) -> None:
        """Draws what is to be drawn, or `only` that of it, and brings the grids up to date.

        Without anything to draw no model is loaded. Raises `SFramesError`, `OSError`.
        """
        past, todo = self.past, self.past.survey.todo
        if not (todo if only is None else todo.keys() & set(only)):
            self._end_without_drawing()
            return
        draft, version = past.draft, past.identities.version
        with ready_engine(draft, make_engine, self.emit, control, version) as ready:
            if control.is_ending():
                self.emit(RunCancelled(past.path, 0, len(todo)))
                return
            if ready.plan != past.plan or ready.identities.model != past.identities.model:
                self.past = past.planned_by(ready.plan, ready.identities)
                self.clear_up()
            self.draw_with(ready, control, only)

    def draw_with(self, ready: ReadyEngine, control: Control, only: Collection[int] | None = None) -> None:
        """As `draw`, with an engine that is ready for the plan."""
        past, found = self.past, self.past.survey
        plan = ready.plan.with_changes(past.changes(found))
        drawing = Drawing(
            plan,
            Identities(plan, ready.identities.model, ready.identities.version),
            self.folder,
            self.journal,
            found if only is None else found.only(only),
            ready.engine.facts,
            ready.prompts_of(plan),
            ready.fingerprint,
            past.replay.grids,
        )
        with self._begun(drawing, Resolved.by(ready.engine, plan.config.generation_config), control) as emit:
            is_whole = Loop(drawing, ready.engine, emit, control).run()
        if is_whole:
            self.drop_hidden()

    @contextlib.contextmanager
    def _begun(self, drawing: Drawing, resolved: Resolved, control: Control) -> Iterator[Emit]:
        """Writes down that a drawing begins, and tells of it; from then on to its end others may steer it."""
        plan, folder, todo = drawing.plan, self.folder, drawing.survey.todo
        text, first = self.past.draft.text_file, self.past.replay.header
        if first:
            # A new run may go elsewhere, one that goes on has to wait for space.
            folder.patience(folder.reserve.make)
        check_disk(folder.tree, len(todo), drawing.facts, self.emit)
        write_plan(folder, plan, text, self.past.replay.last_header)
        kept = tuple(number for number in drawing.survey.kept if number not in todo)
        counts = (len(plan.frames), len(kept))
        fields = header(resolved, drawing.identities, *counts, text_copy(text), first)
        self.journal.append("planned", **fields)
        control.begun.set()
        with steered(folder.tree, control, self.emit) as emit:
            folder.patience.tell(emit)
            emit(RunStarted(folder.path, len(plan.frames), sum(plan.frames[each].steps for each in todo), kept))
            if stale := drawing.survey.stale - todo.keys():
                emit(FramesStale(tuple(sorted(stale))))
            if warning := differences(first, resolved):
                emit(Notice("warning", warning))
            yield emit

    def _end_without_drawing(self) -> None:
        self.tell_what_is_there()
        self.write_grids()
        self.drop_hidden()
        self.emit(RunCompleted(self.folder.path, 0, 0, 0, 0.0))

    def tell_what_is_there(self) -> None:
        """Begins what is told of a run in which nothing is to be drawn."""
        past, found = self.past, self.past.survey
        self.emit(RunStarted(past.path, len(past.plan.frames), 0, tuple(found.kept)))
        if found.stale:
            self.emit(FramesStale(tuple(sorted(found.stale))))

    def write_grids(self) -> None:
        """Brings the grids of all chapters up to date in which nothing is to be drawn. Raises `OSError`."""
        past, found = self.past, self.past.survey
        if not past.replay.header or not past.wrong_grids(found):
            return
        facts = facts_of(past.replay.header)
        sheets = Sheets(self.folder, self.journal, (facts.width, facts.height), past.replay.grids)
        unsettled = {(frame.variant, frame.chapter) for frame in past.plan.frames if frame.number in found.todo}
        for key in past.plan.chapter_keys:
            if key not in unsettled and (event := sheets.write(key, found.kept)):
                self.emit(event)

    def drop_hidden(self) -> None:
        """Pictures that were kept only for the grids go once nothing of the whole run is to be drawn, or out of date.

        Raises `OSError`.
        """
        if not self.past.config.generation_config.save_individual:
            self.refresh()
            if not (self.past.survey.todo or self.past.survey.stale):
                self.folder.remove_hidden_pictures()


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
        tell = telling(notify or allowed_target(draft, recorder.emit), draft.plan.story.key, recorder.emit)
        with _failures_told(place, len(draft.plan.frames), tell, control):
            yield recorder, tell


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
