"""An engine loaded for a draft, and the loop that it draws in. Must not import torch."""

import contextlib
import time
from collections.abc import Mapping

from sframes_tui.engine.loading.download import waited_for
from sframes_tui.engine.protocol import Engine, EngineFactory
from sframes_tui.engine.resolved import Resolved
from sframes_tui.plan.change import Change
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.identity import VERSION, Identities, model_fingerprint, model_identity
from sframes_tui.plan.plan import Plan
from sframes_tui.run.beside.steering import steered
from sframes_tui.run.events import (
    Control,
    Emit,
    FramesStale,
    ModelDownload,
    ModelLoadCompleted,
    ModelLoadStarted,
    Notice,
    RunStarted,
)
from sframes_tui.run.loop import Loop
from sframes_tui.run.preflight import check_disk, check_model, check_story
from sframes_tui.run.prompts import fit_prompts
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.header import differences, header, text_copy, write_plan
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.replay import Replay
from sframes_tui.run.record.survey import Survey
from sframes_tui.run.row_count import choose_rows
from sframes_tui.run.session import Session


class Drawing:
    """A model ready to draw; a context that frees the device at its end."""

    def __init__(
        self, draft: Draft, make_engine: EngineFactory, emit: Emit, control: Control, version: int = VERSION
    ) -> None:
        """Loads the model; `version` is that of the run's identities. Raises `SFramesError`.

        `KeyboardInterrupt` where the model's download is ended by `control`.
        """
        self._draft, self._emit, self._version = draft, emit, version
        self._told_of_download = False
        emit(ModelLoadStarted(draft.model.name))
        started = time.monotonic()
        with waited_for(self._downloading, control.is_ending):
            self.engine = make_engine()
        facts = self.engine.facts
        took = time.monotonic() - started
        emit(ModelLoadCompleted(facts.model, facts.device, facts.dtype, facts.engine, took, facts.card, facts.kept))

    def _downloading(self, done: int, total: int, rate: float) -> None:
        """Every moment for whoever looks, and a line for the log at its begin."""
        if not self._told_of_download:
            self._emit(Notice("info", f"downloading {self._draft.model.name}, {total / 1e6:,.0f} MB, once"))
        self._told_of_download = True
        self._emit(ModelDownload(done, total, rate))

    def __enter__(self) -> "Drawing":
        with contextlib.ExitStack() as failing:
            failing.callback(self.engine.close)
            self.plan = self._draft.planned_for(self.engine.facts.sampling)
            model = self._draft.model_now
            known_as = model_identity(model, self._draft.config.generation_config, self._version)
            self._fingerprint = model_fingerprint(model)
            self.identities = Identities(self.plan, known_as, self._version)
            self._tell_notes()
            check_story(self.plan, self._emit)
            check_model(self.engine, self._emit)
            # Once for all prompts as they are, so that what is too long is told before anything is made.
            self._prompts = fit_prompts(self.plan, self.engine, self._emit)
            self.engine.use_rows(_rows(self.plan, self.engine, self._emit))
            failing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    @property
    def rows(self) -> int:
        return self.engine.capacity

    def _tell_notes(self) -> None:
        for text in self.engine.facts.notices:
            self._emit(Notice("warning", text))
        for note in (*self._draft.loaded.notes, *self.plan.story.notes, *self.plan.notes):
            self._emit(Notice(note.level, note.text))

    def session(
        self, folder: RunFolder, journal: Journal, survey: Survey, changes: Mapping[int, Change] | None = None
    ) -> Session:
        """What is needed to draw what `survey` found, with single frames changed."""
        plan = self.plan.with_changes(changes or {})
        own = {number: plan.prompt(plan.frames[number]) for number in plan.changes}
        prompts = dict(self._prompts)
        for number, prompt in own.items():
            style = plan.style_text(plan.frames[number])
            if (prompt, style) not in prompts:
                prompts[prompt, style] = self.engine.fit([prompt], style)[0]
        return Session(plan, self.identities, folder, journal, survey, self.engine.facts, prompts, self._fingerprint)

    def draw(self, session: Session, replay: Replay, control: Control) -> bool:
        """Draws what is to be drawn, and tells of it from its begin to its end.

        Returns whether all of that has its picture now. Raises `SFramesError`, `OSError`.
        """
        plan, folder, todo = session.plan, session.folder, session.survey.todo
        if replay.header:
            # A new run may go elsewhere, one that goes on has to wait for space.
            folder.patience(folder.reserve.make)
        check_disk(folder.tree, len(todo), self.engine.facts, self._emit)
        kept = tuple(number for number in session.survey.kept if number not in todo)
        text = self._draft.text_file
        write_plan(folder, plan, text, replay.last_header)
        resolved = Resolved.by(self.engine, plan.config.generation_config)
        counts = (len(plan.frames), len(kept))
        fields = header(resolved, self.identities, *counts, text_copy(text), replay.header)
        session.journal.append("planned", **fields)
        control.begun.set()
        with steered(folder.tree, control, self._emit) as emit:
            folder.patience.tell(emit)
            emit(RunStarted(folder.path, len(plan.frames), sum(plan.frames[each].steps for each in todo), kept))
            if stale := session.survey.stale - todo.keys():
                emit(FramesStale(tuple(sorted(stale))))
            if warning := differences(replay.header, resolved):
                emit(Notice("warning", warning))
            return Loop(session, self.engine, emit, control, replay.grids).run()


def _rows(plan: Plan, engine: Engine, emit: Emit) -> int:
    """As many as were asked for and the engine takes, or what is fastest."""
    wanted = plan.config.generation_config.rows
    if wanted is not None and wanted > engine.max_rows:
        emit(Notice("warning", f"rows = {wanted} has no effect: the {engine.facts.engine} engine draws one by one"))
    return choose_rows(plan, engine) if wanted is None else min(wanted, engine.max_rows)
