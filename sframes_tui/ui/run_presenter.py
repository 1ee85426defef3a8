"""Runs on a screen: begun, watched, steered, gone on with, and drawn again.

The presenter of model-view-presenter: the session has the run, a `RunView` shows it, and what happens when is decided
here, so that neither the threads nor the panes know of each other.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from textual.screen import Screen

from sframes_tui.errors import SFramesError
from sframes_tui.model.source import ModelSource
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import one_line
from sframes_tui.process.workers import IdleWork
from sframes_tui.run import redraw as again
from sframes_tui.run.beside.status import past_runs
from sframes_tui.run.beside.viewer import viewing
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Control, Emit, Event, Level, RunStarted
from sframes_tui.run.execute import execute, go_on
from sframes_tui.run.record.folder import Layout, holder
from sframes_tui.run.record.past_run import PastRun, open_run
from sframes_tui.run.state import RunState
from sframes_tui.ui.dialogs.allowing import allowed_draft
from sframes_tui.ui.dialogs.dialogs import resume_question
from sframes_tui.ui.dialogs.redraw import Choice, RedrawDialog
from sframes_tui.ui.dialogs.runs import RunsDialog
from sframes_tui.ui.opening import Opening
from sframes_tui.ui.run_session import Draw, RunSession

NEWS_SECONDS = 0.1
TICK_SECONDS = 1.0
"""How often rates and time left are told anew while nothing happens."""


class RunView(Protocol):
    """Where a run is shown."""

    def tell(self, level: Level, line: str) -> None:
        """Adds a line to the log."""

    def show_run(self, plan: Plan, locate: Callable[[Frame], Path]) -> None:
        """Shows a run's plan and where its pictures are."""

    def show_event(self, event: Event) -> None:
        """Shows what happened."""

    def show_state(self, state: RunState) -> None:
        """Shows how the run goes."""


class RunPresenter:
    """Presents one run at a time: this process's own, or what a run folder tells of one."""

    def __init__(self, screen: Screen[None], view: RunView, opening: Opening) -> None:
        """`screen` lends its timers, workers and dialogues."""
        self._screen, self._view, self._opening = screen, view, opening
        self.session = RunSession(
            lambda: screen.call_later(self.hear_news),
            lambda load: screen.call_later(self.session.take_gpu, load),
            opening.kept,
        )
        self.plan: Plan | None = None
        """Of the run that is shown."""
        self.folder: Path | None = None
        """Where it lies, once it has a folder."""
        self._heard = 0.0
        """When news were taken last."""
        self._ran = False
        """Whether a run was begun whose end no tick has seen."""
        self._idle_work: IdleWork | None = None

    def begin(self) -> None:
        """Once the screen is there: looks at the run folder that it was opened with, if that is one."""
        self._screen.set_interval(TICK_SECONDS, self._tick)
        if self._opening.folder is not None:
            look = self._resume if self._opening.resume else self._open
            self._screen.run_worker(look(self._opening.folder), group="past")

    def refuse(self, sentence: str) -> None:
        """Says why something can't be done, and leaves it in the log."""
        self._view.tell("warning", one_line(sentence, 300))
        self._screen.notify(one_line(sentence, 300), severity="warning", markup=False)

    # Beginning.

    def prepare(self, model: ModelSource) -> None:
        """While nobody does anything, what the first run will need is imported, so that it begins sooner."""
        kept, app = self._opening.kept, self._screen.app
        if kept is not None and self._idle_work is None:
            self._idle_work = IdleWork(partial(kept.prepare, model), lambda: getattr(app, "last_key", 0.0))
            self._idle_work.start()

    def stop_preparing(self) -> None:
        if self._idle_work is not None:
            self._idle_work.end()

    def start(self, draft: Draft) -> None:
        """Draws a draft, whose commands are allowed, into a folder of its own."""
        self._draw(draft, draft.plan, partial(_execute, draft, self._opening))

    def _draw(self, draft: Draft, plan: Plan, draw: Draw) -> None:
        """Draws something of a plan in a thread of its own, seen by the viewer that the draft was allowed to run."""
        self.stop_preparing()
        self.plan = plan
        self.session.start(partial(_viewed, draft, draw))
        self._ran = True
        self._show_state()

    def _show_state(self) -> None:
        self._view.show_state(self.session.state)

    # News.

    def hear_news(self) -> None:
        """Takes news at most ten times a second: each time costs a painting, and keys wait for that."""
        wait = self._heard + NEWS_SECONDS - time.monotonic()
        if wait <= 0:
            self.take_news()
        else:
            self._screen.set_timer(wait, self.take_news)

    def take_news(self) -> None:
        """Everything that has happened since the last time, in one go."""
        self._heard = time.monotonic()
        for event in self.session.take():
            level, line = describe(event)
            if line:
                self._view.tell(level, line)
            if isinstance(event, RunStarted) and self.plan is not None:
                self.folder = event.folder
                self._view.show_run(self.plan, Layout(event.folder, self.plan).picture)
            self._view.show_event(event)
        self._show_state()

    def _tick(self) -> None:
        if self.session.running:
            self._view.show_state(replace(self.session.state, now=time.monotonic()))
        elif self._ran:
            # The last event comes shortly before the run's thread is gone, and with it what can be done next.
            self._ran = False
            self.session.unwatch_gpu()
            self._show_state()

    # Steering.

    def steer(self, action: Callable[[], None]) -> None:
        """Does one of the session's actions on the run that is under way."""
        if self.session.running:
            action()
            self._show_state()
        else:
            self.refuse("There is no run under way.")

    def let_go(self) -> None:
        """Frees the memory of the model that waits for the next run, or for this one to go on."""
        if self.session.holds_memory:
            self._screen.run_worker(self._let_go(), exclusive=True, group="memory")
        else:
            self.refuse("There is no model to let go of: none is loaded, or it is at work.")

    async def _let_go(self) -> None:
        await asyncio.to_thread(self.session.let_go)
        if not self.session.running:
            self._view.tell("info", "the model was let go; the next run loads it again")
        self._show_state()

    # Runs that were begun before.

    async def _open(self, folder: Path) -> PastRun | None:
        """Looks at a run folder and shows it; None where that can't be. To be awaited in a worker."""
        if self.session.running:
            self.refuse("A run is under way: stop it before you look at another one.")
            return None
        try:
            # Every picture is read, to know whether it is whole.
            past, state = await asyncio.to_thread(_opened, folder)
        except SFramesError as error:
            self.refuse(str(error))
            return None
        self.plan, self.folder = past.plan, past.path
        self.session.show(state)
        self._view.show_run(past.plan, past.picture)
        self._view.show_state(state)
        if (who := await asyncio.to_thread(holder, folder)) is None:
            return past
        self._watch(folder, who)
        return None

    def _watch(self, folder: Path, who: str) -> None:
        """Shows a run as another process draws it."""
        self._view.tell("info", f"watching a run that is drawn by {who}; leaving doesn't touch it")
        self.session.attach(folder)
        self._ran = True

    def choose(self) -> None:
        self._screen.run_worker(self._choose(), exclusive=True, group="past")

    async def _choose(self) -> None:
        runs = await asyncio.to_thread(past_runs, self._opening.root)
        if (folder := await self._screen.app.push_screen_wait(RunsDialog(self._opening.root, runs))) is not None:
            await self._open(folder)

    def resume(self) -> None:
        if self.folder is None:
            self.refuse("There is no run to go on with: open one from the list of runs.")
        else:
            self._screen.run_worker(self._resume(self.folder), exclusive=True, group="past")

    async def _resume(self, folder: Path) -> None:
        """Shows what would be kept and drawn before anything is."""
        if (past := await self._open(folder)) is None:
            return
        found = past.survey
        if past.is_finished and not found.stale:
            self._screen.notify("All pictures of this run are there: nothing to do.")
            return
        question = resume_question(found.lines(past.plan), bool(found.todo), bool(found.stale))
        draw = WAYS_ON.get(await self._screen.app.push_screen_wait(question) or "no")
        if draw is not None:
            await self._ask_and_draw(past, partial(draw, folder, self._opening))

    async def _ask_and_draw(self, past: PastRun, draw: Draw) -> None:
        if (allowed := await allowed_draft(self._screen.app, past.draft)) is not None:
            self._draw(allowed, past.plan, draw)

    def redraw(self, frame: Frame) -> None:
        """Asks how a frame is to be drawn again, and draws it."""
        if self.folder is None:
            self.refuse("There is nothing to draw again yet: start a run, or open one from the list of runs.")
        else:
            self._screen.run_worker(self._redraw(self.folder, frame.number), exclusive=True, group="past")

    async def _redraw(self, folder: Path, number: int) -> None:
        if (past := await self._open(folder)) is None:
            return
        choice = await self._screen.app.push_screen_wait(RedrawDialog(past, past.plan.frames[number]))
        if choice is None:
            return
        try:
            if isinstance(choice, again.Request):
                await asyncio.to_thread(again.check, past, choice)
        except SFramesError as error:
            self.refuse(str(error))
        else:
            await self._ask_and_draw(past, partial(_again, folder, number, choice, self._opening))


def _execute(draft: Draft, opening: Opening, emit: Emit, control: Control) -> None:
    execute(draft, opening.make_engine, opening.root, emit, control, opening.notify)


def _viewed(draft: Draft, draw: Draw, emit: Emit, control: Control) -> None:
    with viewing(draft, emit) as emit_both:
        draw(emit_both, control)


def _opened(folder: Path) -> tuple[PastRun, RunState]:
    past = open_run(folder)
    return past, past.state


def _go_on(folder: Path, opening: Opening, emit: Emit, control: Control) -> None:
    go_on(folder, opening.make_engine, emit, control, opening.notify)


def _redraw_stale(folder: Path, opening: Opening, emit: Emit, control: Control) -> None:
    again.redraw_stale(folder, opening.make_engine, emit, control)


def _keep_stale(folder: Path, _: Opening, emit: Emit, __: Control) -> None:
    again.keep(folder, None, emit)


WAYS_ON = {"yes": _go_on, "redraw": _redraw_stale, "keep": _keep_stale}
"""What is done with a run that was begun before, by the answer that was given."""


def _again(folder: Path, number: int, choice: Choice, opening: Opening, emit: Emit, control: Control) -> None:
    if isinstance(choice, again.Request):
        again.redraw(folder, choice, opening.make_engine, emit, control)
    else:
        again.choose(folder, (number,), choice, emit)
