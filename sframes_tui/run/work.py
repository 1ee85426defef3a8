"""What is done to a run that was begun, by whoever holds its lock: clearing up, drawing, choosing. No torch here."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from sframes_tui.engine.protocol import Engine
from sframes_tui.errors import UsageError
from sframes_tui.plan.change import Change
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Frame
from sframes_tui.run.drawing import Drawing
from sframes_tui.run.events import (
    Control,
    Emit,
    FrameCompleted,
    FramesKept,
    FramesStale,
    Notice,
    RunCancelled,
    RunCompleted,
    RunStarted,
)
from sframes_tui.run.grids import Sheets
from sframes_tui.run.record import takes
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.header import facts_of
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.past_run import PastRun, with_journal
from sframes_tui.run.record.plain_folder import HIDDEN
from sframes_tui.run.record.survey import Survey
from sframes_tui.run.record.tree import HALF_WRITTEN
from sframes_tui.run.session import write_wishes


@dataclass
class Work:
    """A past run in this process's hands."""

    past: PastRun
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
            kept = takes.put_aside(self.folder, file)
            self.emit(Notice("info", f"{file} put aside as {kept}"))
        for saved, file in found.misplaced:
            takes.put_back(self.folder, saved, file)
            if file != self.folder.take_file(saved.file, saved.take):
                tree.remove(file)
        self._void(found)

    def _void(self, found: Survey) -> None:
        plan, replay = self.past.plan, self.past.replay
        files = [self.past.file(plan.frames[number]) for number, reason in found.todo.items() if reason != "asked"]
        if void := [file for file in files if replay.saved(file) is not None]:
            self.journal.append_list("void", "files", void)
            self.refresh()

    def draw(
        self, make_engine: Callable[[Draft], Engine], control: Control, only: Collection[int] | None = None
    ) -> None:
        """Draws what is to be drawn, or `only` that of it, and brings the grids up to date.

        Without anything to draw no model is loaded. Raises `SFramesError`, `OSError`.
        """
        past, found = self.past, self.past.survey
        if not (found.todo if only is None else found.todo.keys() & set(only)):
            self._end_without_drawing()
            return
        version = past.identities.version
        with Drawing(past.draft, lambda: make_engine(past.draft), self.emit, control, version) as drawing:
            if control.stop.is_set() or control.finish.is_set():
                self.emit(RunCancelled(past.path, 0, len(found.todo)))
                return
            if drawing.plan != past.plan or drawing.identities.model != past.identities.model:
                self.past = past = past.planned_by(drawing.plan, drawing.identities)
                self.clear_up()
                past, found = self.past, self.past.survey
            changes = past.changes(found)
            found = found if only is None else found.only(only)
            is_whole = drawing.draw(drawing.session(self.folder, self.journal, found, changes), past.replay, control)
        if is_whole:
            self.drop_hidden()

    def _end_without_drawing(self) -> None:
        self.tell_what_is_there()
        self.write_grids()
        self.drop_hidden()
        self.emit(RunCompleted(self.folder.path, 0, 0, 0, 0.0))

    def drop_hidden(self) -> None:
        """Pictures that were kept only for the grids go once nothing of the whole run is to be drawn, or out of date.

        Raises `OSError`.
        """
        if not self.past.config.generation_config.save_individual:
            self.refresh()
            if not (self.past.survey.todo or self.past.survey.stale):
                self.folder.remove_hidden_pictures()

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
        sheets = Sheets(self.folder, self.journal, facts_of(past.replay.header), past.replay.grids)
        unsettled = {(frame.variant, frame.chapter) for frame in past.plan.frames if frame.number in found.todo}
        for key in past.plan.chapter_keys:
            if key not in unsettled and (event := sheets.write(key, found.kept)):
                self.emit(event)

    def wish(self, changes: dict[int, Change], follow: bool) -> None:
        """Writes down takes that are wanted of frames. Raises `OSError`."""
        frames = self.past.plan.frames
        files = {self.past.file(frames[number]): change for number, change in changes.items()}
        write_wishes(self.journal, files, follow)
        self.refresh()

    def choose(self, frame: Frame, take: int) -> None:
        """Makes a take count that was drawn before. Raises `UsageError`, `OSError`."""
        chosen = self.past.takes(frame).get(take)
        if chosen is None:
            known = ", ".join(map(str, sorted(self.past.takes(frame)))) or "none"
            raise UsageError(f"{self.past.plan.name(frame)}: there is no take {take}; there is {known}")
        stale = set(self.past.survey.stale)
        current = self.past.replay.saved(self.past.file(frame))
        if current is not None:
            takes.preserve(self.folder, current)
        self.journal.append("chosen", file=chosen.file, take=take)
        takes.put_back(self.folder, chosen, self.folder.take_file(chosen.file, take))
        self.refresh()
        self.emit(FrameCompleted(frame.number, self.past.picture(frame), 0.0, take))
        self._tell_stale(stale)
        self.write_grids()

    def keep(self, frames: Iterable[int]) -> None:
        """Lets stale pictures count as they are. Raises `OSError`."""
        past, stale = self.past, set(self.past.survey.stale)
        accepted = []
        for number in stale & set(frames):
            base = past.plan.frames[number].base
            assert base is not None
            accepted.append([past.file(past.plan.frames[number]), past.survey.kept[base].sha256])
        self.journal.append_list("kept", "files", accepted)
        self.refresh()
        self._tell_stale(stale)

    def _tell_stale(self, before: set[int]) -> None:
        now = self.past.survey.stale
        if kept := before - now:
            self.emit(FramesKept(tuple(sorted(kept))))
        if stale := now - before:
            self.emit(FramesStale(tuple(sorted(stale))))
