"""A run folder -> what is known of its run, from its files alone. Writes nothing.

    past = open_run(folder)         a PastRun, or an SFramesError that says why not
    past.plan, past.config          what was and is to be drawn, as run.toml and the text say now
    past.statuses[number]           a frame's mark, as in `state.py`
    past.picture(frame)             where its picture lies
    past.takes(frame)               every take that there is of it, by number; `past.take(frame)` is the one that counts
    past.survey                     what would be kept, drawn and put aside; `past.survey.lines(past.plan)` in words
    past.state                      all of it as the `RunState` that front ends show
    past.seconds_for(frames)        about how long drawing these takes; None if nobody knows

Going on is in `run/execute.py`, drawing single frames again in `run/redraw.py`.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sframes_tui.config.config import Config
from sframes_tui.config.file import load_config
from sframes_tui.errors import DiskError, StoryError, UsageError
from sframes_tui.plan.change import Change
from sframes_tui.plan.draft import Draft, make_draft, read_story
from sframes_tui.plan.identity import Identities, model_identity
from sframes_tui.plan.plan import Frame, Plan, frame_seed
from sframes_tui.run.grids import is_right, sheets_of
from sframes_tui.run.record.folder import Layout
from sframes_tui.run.record.header import identity_version, text_copy
from sframes_tui.run.record.plain_folder import require_plain
from sframes_tui.run.record.records import Saved, facts_of
from sframes_tui.run.record.replay import Replay, replay
from sframes_tui.run.record.survey import Survey, survey
from sframes_tui.run.state import DONE, FAILED, SKIPPED, STALE, Marks, Phase, RunState

CONFIG = "run.toml"


@dataclass(frozen=True)
class PastRun:
    """A run that was begun, as its folder tells it."""

    path: Path
    draft: Draft
    plan: Plan
    """As the configuration and the text say now, for the model that drew it; without changes of single frames."""
    identities: Identities
    replay: Replay

    @property
    def config(self) -> Config:
        return self.draft.config

    def planned_by(self, plan: Plan, identities: Identities) -> "PastRun":
        """The same run for a model that turned out otherwise than was known."""
        return replace(self, plan=plan, identities=identities)

    @property
    def layout(self) -> Layout:
        return Layout(self.path, self.plan)

    @cached_property
    def survey(self) -> Survey:
        """What has its picture and what hasn't; reads every picture. Raises `OSError`."""
        if self._is_over:
            found = survey(self.plan, self.identities, self.replay, self.path, hidden_are_gone=True)
            if not found.todo and not self.wrong_grids(found):
                return found
        return survey(self.plan, self.identities, self.replay, self.path)

    @property
    def _is_over(self) -> bool:
        """Whether hidden pictures may have been removed."""
        ended = self.replay.ended
        return ended.how == "completed" and not ended.failed and not ended.skipped

    def wrong_grids(self, found: Survey) -> list[Path]:
        """Grids that aren't there as they should be, of chapters in which nothing is to be drawn."""
        unsettled = {(frame.variant, frame.chapter) for frame in self.plan.frames if frame.number in found.todo}
        wrong: list[Path] = []
        for key in self.plan.chapter_keys:
            if key not in unsettled:
                sheets = sheets_of(self.layout, key, found.kept)
                wrong += [
                    self.path / file
                    for file, shown in sheets.items()
                    if not is_right(self.layout, file, self.replay.grids, shown)
                ]
        return wrong

    def picture(self, frame: Frame) -> Path:
        return self.layout.picture(frame)

    def file(self, frame: Frame) -> str:
        """The picture's name in the journal."""
        return self.layout.picture_file(frame)

    def takes(self, frame: Frame) -> Mapping[int, Saved]:
        """Every take of a frame that was drawn, by its number."""
        return self.replay.takes.drawn.get(self.file(frame), {})

    def take(self, frame: Frame) -> int | None:
        """The take that counts; None where there is no picture."""
        saved = self.replay.takes.saved(self.file(frame))
        return None if saved is None else saved.take

    def take_picture(self, frame: Frame, take: int) -> Path:
        """Where a take lies."""
        return (
            self.picture(frame)
            if take == self.take(frame)
            else self.path / self.layout.take_file(self.file(frame), take)
        )

    def change(self, frame: Frame) -> Change | None:
        """What is wanted of a frame otherwise than planned."""
        return self.replay.takes.change(self.file(frame))

    def changes(self, found: Survey) -> dict[int, Change]:
        """For each frame what is wanted otherwise; for those that may follow a frame drawn again, their next take."""
        changes = {frame.number: change for frame in self.plan.frames if (change := self.change(frame))}
        following = {each.number for each in self.plan.descendants(*(self.plan.frames[each] for each in found.follow))}
        for number in following & found.kept.keys() - found.todo.keys():
            changes[number] = self.same_again(self.plan.frames[number])
        return changes

    def same_again(self, frame: Frame) -> Change:
        """The next take of a frame, drawn with what the last one was drawn with."""
        before = self.change(frame) or Change(0)
        seed = frame_seed(self.plan.seed, frame, before.take) if before.seed is None else before.seed
        return before._replace(take=self.replay.takes.next_number(self.file(frame)), seed=seed)

    @cached_property
    def statuses(self) -> Marks:
        """For each frame its mark."""
        found = self.survey
        reasons = found.todo.items()
        marks = Marks.planned(len(self.plan.frames)).with_marks(found.kept, DONE)
        marks = marks.with_marks((number for number, reason in reasons if reason == "failed"), FAILED)
        marks = marks.with_marks((number for number, reason in reasons if reason == "skipped"), SKIPPED)
        return marks.with_marks(found.stale, STALE)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.survey.todo

    @cached_property
    def state(self) -> RunState:
        """The run as front ends show it."""
        found, ended = self.survey, self.replay.ended
        phase: Phase = "completed" if self.is_finished else "failed" if ended.how == "failed" else "cancelled"
        return RunState(
            phase=phase,
            model=self.draft.model.name,
            frames=len(self.plan.frames),
            steps=sum(self.plan.frames[number].steps for number in found.todo),
            kept=len(found.kept.keys() - found.todo.keys()),
            failed=sum(reason == "failed" for reason in found.todo.values()),
            skipped=sum(reason == "skipped" for reason in found.todo.values()),
            marks=self.statuses,
            error=ended.error,
        )

    def seconds_for(self, frames: Iterable[Frame]) -> float | None:
        """About how long drawing frames takes, from how long the others took; None if none was drawn."""
        known = [saved for takes in self.replay.takes.drawn.values() for saved in takes.values()]
        known = [saved for saved in known if saved.frame < len(self.plan.frames)]
        steps = sum(self.plan.frames[saved.frame].steps for saved in known)
        if not steps:
            return None
        rows = self.config.generation_config.rows or 1
        return sum(saved.seconds for saved in known) / steps / rows * sum(frame.steps for frame in frames)


def open_run(path: Path) -> PastRun:
    """Reads a run folder: its `run.toml`, its text or the run's copy of that, its journal.

    Raises an `SFramesError` where this is no run folder, or what it holds can't be used.
    """
    require_run(path)
    return read_run(path)


def read_run(path: Path) -> PastRun:
    """As `open_run`, of what is known to be a run folder."""
    draft = _load_draft(path)
    try:
        known = replay(path)
    except OSError as error:
        raise DiskError(f"{path}: its journal can't be read: {error.strerror}") from None
    version = identity_version(known.header)
    plan, options = draft.plan, draft.config.generation_config
    model = model_identity(draft.model, options, version)
    if known.header:
        facts = facts_of(known.header)
        model = model or known.header["model"]
        guessed = plan.sampling.assumed and options.scheduler is None
        if guessed or facts.sampling.scheduler == plan.sampling.scheduler:
            plan = draft.planned_for(facts.sampling)
    return PastRun(path, draft, plan, Identities(plan, model, version), known)


def with_journal(past: PastRun) -> PastRun:
    """The same run as its journal and its files are now. Raises `OSError`."""
    return replace(past, replay=replay(past.path))


def _load_draft(path: Path) -> Draft:
    config = path / CONFIG
    loaded = load_config(config, follow=False)
    try:
        return make_draft(loaded)
    except StoryError:
        copy = path / text_copy(Path(loaded.config.prompt_config.source))
        # Not by `Path`, which raises where a name is too long for any file.
        if not copy.is_file() or os.path.exists(loaded.config.prompt_config.source):  # noqa: PTH110 -- see above
            raise
    loaded = load_config(config, [("prompt_config.source", str(copy.absolute()))], follow=False)
    return make_draft(loaded, read_story(loaded.config.prompt_config, copy, follow=False))


def require_run(path: Path) -> None:
    """Raises `UsageError` for what is no run folder, or none whose files may be read and written."""
    if not os.path.isfile(path / CONFIG):  # noqa: PTH113 -- `Path` raises for too long a name
        raise UsageError(f"{path}: no run folder, since it has no {CONFIG}; name one of those below output/")
    require_plain(path)
