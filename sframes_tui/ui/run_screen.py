"""A screen with a run: its news, how it is steered, and what is done with one that was begun before. No torch.

`MainScreen` adds the panes; what they are shown is left to it by the four methods that only raise here.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from textual import on
from textual.message import Message
from textual.screen import Screen

from sframes_tui.errors import SFramesError
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import one_line
from sframes_tui.run import redraw as again
from sframes_tui.run.beside.status import past_runs
from sframes_tui.run.beside.viewer import viewing
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Control, Emit, Event, Level, RunStarted
from sframes_tui.run.execute import go_on
from sframes_tui.run.record.folder import Layout, holder
from sframes_tui.run.record.past_run import PastRun, open_run
from sframes_tui.run.state import RunState
from sframes_tui.ui.dialogs.allowing import allowed_draft
from sframes_tui.ui.dialogs.dialogs import resume_question
from sframes_tui.ui.dialogs.redraw import Choice, RedrawDialog
from sframes_tui.ui.dialogs.runs import RunsDialog
from sframes_tui.ui.gpu import GpuLoad
from sframes_tui.ui.opening import Opening
from sframes_tui.ui.run_control import Draw, RunNews
from sframes_tui.ui.session import Session

NEWS_SECONDS = 0.1
TICK_SECONDS = 1.0
"""How often rates and time left are told anew while nothing happens."""


class RunScreen(Screen[None]):
    """Shows one run at a time: this process's own, or what a run folder tells of one."""

    @dataclass
    class GpuRead(Message):
        """What the GPU does, from its watch's thread."""

        load: GpuLoad

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        self.session = Session(
            lambda: self.post_message(RunNews()), lambda load: self.post_message(self.GpuRead(load)), opening.kept
        )
        self.opening = opening
        self.run_plan: Plan | None = None
        """Of the run that is shown."""
        self.run_folder: Path | None = None
        """Where it lies, once it has a folder."""
        self._heard = 0.0
        """When news were taken last."""
        self._ran = False
        """Whether a run was begun whose end no tick has seen."""

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self._tick)
        if self.opening.folder is not None:
            look = self._resume if self.opening.resume else self.open_run
            self.run_worker(look(self.opening.folder), group="past")

    # What the panes show.

    def tell(self, level: Level, line: str) -> None:
        """Adds a line to the log."""
        raise NotImplementedError

    def pass_on(self, event: Event) -> None:
        """Shows what happened."""
        raise NotImplementedError

    def show_run(self, plan: Plan, locate: Callable[[Frame], Path]) -> None:
        """Shows a run's plan and where its pictures are."""
        raise NotImplementedError

    def show_state(self, state: RunState) -> None:
        """Shows how the run goes."""
        raise NotImplementedError

    def refuse(self, sentence: str) -> None:
        """Says why something can't be done, and leaves it in the log."""
        self.tell("warning", one_line(sentence, 300))
        self.notify(one_line(sentence, 300), severity="warning", markup=False)

    # News.

    def draw(self, draft: Draft, plan: Plan, draw: Draw) -> None:
        """Draws something of a plan in a thread of its own, seen by the viewer that the draft was allowed to run."""
        self.run_plan = plan
        self.session.start(partial(_viewed, draft, draw))
        self._ran = True
        self.show_state(self.session.state)

    @on(RunNews)
    def hear_news(self) -> None:
        """Takes news at most ten times a second: each time costs a painting, and keys wait for that."""
        wait = self._heard + NEWS_SECONDS - time.monotonic()
        if wait <= 0:
            self.take_news()
        else:
            self.set_timer(wait, self.take_news)

    def take_news(self) -> None:
        """Everything that has happened since the last time, in one go."""
        self._heard = time.monotonic()
        for event in self.session.take():
            level, line = describe(event)
            if line:
                self.tell(level, line)
            if isinstance(event, RunStarted) and self.run_plan is not None:
                self.run_folder = event.folder
                self.show_run(self.run_plan, Layout(event.folder, self.run_plan).picture)
            self.pass_on(event)
        self.show_state(self.session.state)

    def _tick(self) -> None:
        if self.session.running:
            self.show_state(replace(self.session.state, now=time.monotonic()))
        elif self._ran:
            # The last event comes shortly before the run's thread is gone, and with it what can be done next.
            self._ran = False
            self.session.close()
            self.show_state(self.session.state)

    @on(GpuRead)
    def take_gpu(self, message: GpuRead) -> None:
        self.session.take_gpu(message.load)

    # Steering.

    def action_pause(self) -> None:
        self._steer(self.session.pause_or_resume)

    def action_finish(self) -> None:
        self._steer(self.session.finish)

    def action_stop(self) -> None:
        self._steer(self.session.stop)

    def action_let_go(self) -> None:
        """Frees the memory of the model that waits for the next run, or for this one to go on."""
        if self.session.holds_memory:
            self.run_worker(self._let_go(), exclusive=True, group="memory")
        else:
            self.refuse("There is no model to let go of: none is loaded, or it is at work.")

    async def _let_go(self) -> None:
        await asyncio.to_thread(self.session.let_go)
        if not self.session.running:
            self.tell("info", "the model was let go; the next run loads it again")
        self.show_state(self.session.state)

    def _steer(self, action: Callable[[], None]) -> None:
        if self.session.running:
            action()
            self.show_state(self.session.state)
        else:
            self.refuse("There is no run under way.")

    # Runs that were begun before.

    async def open_run(self, folder: Path) -> PastRun | None:
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
        self.run_plan, self.run_folder = past.plan, past.path
        self.session.show(state)
        self.show_run(past.plan, past.picture)
        self.show_state(state)
        if (who := await asyncio.to_thread(holder, folder)) is None:
            return past
        self._watch(folder, who)
        return None

    def _watch(self, folder: Path, who: str) -> None:
        """Shows a run as another process draws it."""
        self.tell("info", f"watching a run that is drawn by {who}; leaving doesn't touch it")
        self.session.attach(folder)
        self._ran = True

    def action_runs(self) -> None:
        self.run_worker(self._choose_run(), exclusive=True, group="past")

    async def _choose_run(self) -> None:
        runs = await asyncio.to_thread(past_runs, self.opening.root)
        if (folder := await self.app.push_screen_wait(RunsDialog(self.opening.root, runs))) is not None:
            await self.open_run(folder)

    def action_resume(self) -> None:
        if self.run_folder is None:
            self.refuse("There is no run to go on with: open one from the list of runs.")
        else:
            self.run_worker(self._resume(self.run_folder), exclusive=True, group="past")

    async def _resume(self, folder: Path) -> None:
        """Shows what would be kept and drawn before anything is."""
        if (past := await self.open_run(folder)) is None:
            return
        found = past.survey
        if past.is_finished and not found.stale:
            self.notify("All pictures of this run are there: nothing to do.")
            return
        question = resume_question(found.lines(past.plan), bool(found.todo), bool(found.stale))
        draw = WAYS_ON.get(await self.app.push_screen_wait(question) or "no")
        if draw is not None:
            await self._ask_and_draw(past, partial(draw, folder, self.opening))

    async def _ask_and_draw(self, past: PastRun, draw: Draw) -> None:
        if (allowed := await allowed_draft(self.app, past.draft)) is not None:
            self.draw(allowed, past.plan, draw)

    def redraw(self, frame: Frame) -> None:
        """Asks how a frame is to be drawn again, and draws it."""
        if self.run_folder is None:
            self.refuse("There is nothing to draw again yet: start a run, or open one from the list of runs.")
        else:
            self.run_worker(self._redraw(self.run_folder, frame.number), exclusive=True, group="past")

    async def _redraw(self, folder: Path, number: int) -> None:
        if (past := await self.open_run(folder)) is None:
            return
        choice = await self.app.push_screen_wait(RedrawDialog(past, past.plan.frames[number]))
        if choice is None:
            return
        try:
            if isinstance(choice, again.Request):
                await asyncio.to_thread(again.check, past, choice)
        except SFramesError as error:
            self.refuse(str(error))
        else:
            await self._ask_and_draw(past, partial(_again, folder, number, choice, self.opening))


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
