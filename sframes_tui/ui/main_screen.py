"""The main screen: three panes, a log and a foot, and the wires between them. Must not import torch.

Panes don't know each other: they take data by method and speak by messages, and this screen passes both on.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.message import Message
from textual.screen import Screen

from sframes_tui.printable import one_line
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Event, FrameCompleted, FrameProgress, Level, ModelLoadCompleted, RunStarted
from sframes_tui.run.execute import execute
from sframes_tui.run.loop import Control, Emit
from sframes_tui.run.state import RunState, fold
from sframes_tui.run.trust import commands, is_trusted, trust
from sframes_tui.story.document import Document
from sframes_tui.story.draft import Draft
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.config_form import ConfigForm
from sframes_tui.ui.dialogs import trust_question
from sframes_tui.ui.gpu import GpuLoad, GpuWatch
from sframes_tui.ui.key_bar import KeyBar
from sframes_tui.ui.log_pane import LogPane
from sframes_tui.ui.pictures import PicturePane
from sframes_tui.ui.run_control import MakeEngine, RunControl, RunNews
from sframes_tui.ui.status_line import SessionFacts, StatusLine
from sframes_tui.ui.story_view import StoryView
from sframes_tui.ui.terminal import Terminal
from sframes_tui.ui.title_bar import PANES, TitleBar

LEFT = ("form", "story")
"""Panes that share a column where there are two: the one that was in front last is seen."""
TICK_SECONDS = 1.0
"""How often rates and time left are told anew while nothing happens."""


class MainScreen(Screen[None]):
    """Settings, story, pictures and log: side by side where there is room, behind each other where there isn't."""

    BINDINGS = bindings("main")

    @dataclass
    class GpuRead(Message):
        """What the GPU does, from its watch's thread."""

        load: GpuLoad

    def __init__(
        self,
        document: Document,
        make_engine: MakeEngine,
        root: Path,
        terminal: Terminal | None = None,
        protocol: str | None = None,
    ) -> None:
        super().__init__()
        self._terminal, self._protocol = terminal, protocol
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (96, "-medium"), (120, "-wide")]
        self.document = document
        self.state, self.facts = RunState(), SessionFacts()
        self.draft: Draft | None = None
        """What a start would draw; None while it isn't known, or can't be."""
        self.run_control = RunControl(lambda: self.post_message(RunNews()))
        self._make_engine, self._root = make_engine, root
        self._problem, self._start_wanted = "", False
        self._drawn: Draft | None = None
        self._gpu: GpuWatch | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar()
        with Horizontal(id="panes"):
            yield ConfigForm(self.document)
            yield StoryView()
            with Vertical(id="right"):
                yield PicturePane(self._terminal)
                yield LogPane()
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self._bring_to_front("form")
        self.set_interval(TICK_SECONDS, self._tick)
        self._show_document()
        self.query_one(StoryView).show_document(self.document)
        self._show_state()

    # The settings and the plan they give.

    @on(ConfigForm.Edited)
    def take_document(self, message: ConfigForm.Edited) -> None:
        """While a run is drawn the story shows that run; what was edited is planned before the next start."""
        self.document, self.draft = message.document, None
        self._show_document()
        if not self.run_control.running:
            self.query_one(StoryView).show_document(self.document)

    def _show_document(self) -> None:
        self.query_one(TitleBar).show_document(self.document.title, self.document.unsaved)
        self.query_one(PicturePane).use_protocol(self._protocol or _protocol(self.document))
        self._show_conditions()

    @on(StoryView.Planned)
    def take_plan(self, message: StoryView.Planned) -> None:
        self.draft, self._problem = message.draft, message.problem
        if self.draft is not None and not self.run_control.running:
            self.query_one(PicturePane).show_plan(self.draft.plan, _nowhere)
        if self._start_wanted:
            self._start_wanted = False
            self.action_start()

    # The run.

    def action_start(self) -> None:
        """Starts what is set up, or says why that can't be."""
        if self.run_control.running:
            self._refuse("A run is under way already: pause it or stop it first.")
        elif self.document.problems:
            self._point_at_problem()
        elif self.draft is None and self._problem:
            self._refuse(self._problem)
        elif self.draft is None:
            self._start_wanted = True
            self.query_one(StoryView).show_document(self.document)
        elif is_trusted(self.draft.loaded.path, self.draft.config):
            self._start(self.draft, runs_commands=True)
        else:
            self._ask_trust(self.draft)

    def _refuse(self, sentence: str) -> None:
        self.notify(one_line(sentence, 300), severity="warning", markup=False)

    def _point_at_problem(self) -> None:
        """Names the first field that is wrong, and goes there."""
        self._refuse(f"Can't start: {self.document.problem}")
        self.action_show("form")
        self.query_one(ConfigForm).focus_option(next(iter(self.document.problems)))

    def _ask_trust(self, draft: Draft) -> None:
        def answered(answer: str | None) -> None:
            if answer == "always":
                trust(draft.loaded.path, draft.config)
            if answer:
                self._start(draft, runs_commands=answer != "never")

        question = trust_question(str(draft.loaded.path), commands(draft.config))
        self.app.push_screen(question, answered)

    def _start(self, draft: Draft, *, runs_commands: bool) -> None:  # noqa: ARG002 - for the viewers to come
        # A start without a seed of its own draws other pictures the next time.
        self._drawn, self.draft = draft, None
        self.state, self.facts = RunState(), SessionFacts()
        self.query_one(StoryView).show_run(draft.plan)
        if self.has_class("-narrow"):
            self.action_show("pictures")
        self.run_control.start(partial(_draw, draft, self._make_engine, self._root))
        self._show_conditions()

    def action_pause(self) -> None:
        if not self.run_control.running:
            self._refuse("There is no run to pause.")
        elif self.run_control.pausing:
            self.run_control.resume()
        else:
            self.run_control.pause()
            self.notify("Pausing once the pictures in hand are drawn.")
        self._show_conditions()

    def action_finish(self) -> None:
        if self.run_control.running:
            self.run_control.finish()
            self.notify("Stopping once the pictures in hand are drawn.")
        else:
            self._refuse("There is no run to stop.")

    def action_stop(self) -> None:
        if self.run_control.running:
            self.run_control.stop()
            self.notify("Stopping now.")
        else:
            self._refuse("There is no run to stop.")

    @on(RunNews)
    def take_news(self) -> None:
        """Everything that has happened since the last time, in one go."""
        for when, event in self.run_control.mailbox.take():
            self.state = fold(self.state, event, when)
            self._tell(event)
        self._show_state()

    def tell(self, level: Level, line: str) -> None:
        """Adds a line to the log."""
        self.query_one(LogPane).add(level, line)

    def _tell(self, event: Event) -> None:
        level, line = describe(event)
        if line:
            self.tell(level, line)
        match event:
            case FrameProgress(frame=frame, preview=preview) if preview is not None:
                self.query_one(PicturePane).show_preview(frame, preview)
            case FrameCompleted(frame=frame, path=path):
                self.query_one(PicturePane).picture_saved(frame, path)
            case ModelLoadCompleted(model=model, device=device, dtype=dtype):
                self.facts = SessionFacts(model, device, dtype)
                self._watch_gpu(device)
            case RunStarted():
                self.query_one(StoryView).follow()

    def _show_state(self) -> None:
        self.query_one(StatusLine).show_state(self.state, self.facts)
        self.query_one(StoryView).show_state(self.state)
        self.query_one(PicturePane).show_state(self.state)
        self._show_conditions()

    def _show_conditions(self) -> None:
        """The footer offers what can be done now."""
        running = self.run_control.running
        conditions = {"running"} if running else {"idle"}
        conditions |= {"paused"} if running and self.run_control.pausing else set()
        conditions |= {"changed"} if self.document.unsaved else set()
        self.query_one(KeyBar).show_conditions(frozenset(conditions))

    def _tick(self) -> None:
        if self.run_control.running:
            self.query_one(StatusLine).show_state(self.state, self.facts)
        elif self._gpu is not None:
            self._gpu.close()
            self._gpu = None
        self._show_conditions()

    def _watch_gpu(self, device: str) -> None:
        if device.startswith("cuda") and self._gpu is None:
            self._gpu = GpuWatch(device, lambda load: self.post_message(self.GpuRead(load)))

    @on(GpuRead)
    def take_gpu(self, message: GpuRead) -> None:
        self.facts = SessionFacts(self.facts.model, self.facts.device, self.facts.dtype, str(message.load))

    # What is looked at.

    @on(StoryView.PromptHighlighted)
    def show_prompt(self, message: StoryView.PromptHighlighted) -> None:
        self.query_one(PicturePane).show_prompt(message.variant, message.chapter, message.prompt)

    @on(StoryView.PromptOpened)
    def open_prompt(self, message: StoryView.PromptOpened) -> None:
        self.query_one(PicturePane).show_prompt(message.variant, message.chapter, message.prompt)
        self.action_show("pictures")

    def action_show(self, pane: str) -> None:
        """Brings a pane to the front and gives it the focus."""
        self._bring_to_front(pane)
        if self.focused is None or self.query_one(f"#{pane}") not in self.focused.ancestors_with_self:
            self._focus_first(pane)

    def _focus_first(self, pane: str) -> None:
        """The pane's widget that had the focus last, or its first."""
        inside = [each for each in self.query(f"#{pane}, #{pane} *") if each.focusable]
        if inside:
            inside[0].focus()

    def _bring_to_front(self, pane: str) -> None:
        for each in PANES:
            self.query_one(f"#{each}").set_class(each == pane, "-front")
        self.query_one("#right").set_class(pane in ("pictures", "log"), "-front")
        if pane in LEFT:
            for each in LEFT:
                self.query_one(f"#{each}").set_class(each == pane, "-left")
        self.query_one(TitleBar).show_front(pane)

    @on(DescendantFocus)
    def follow_focus(self, event: DescendantFocus) -> None:
        for widget in event.widget.ancestors_with_self:
            if widget.id in PANES:
                self._bring_to_front(widget.id)

    def action_save(self) -> None:
        self.document = self.document.save()
        self._show_document()


def _draw(draft: Draft, make_engine: MakeEngine, root: Path, emit: Emit, control: Control) -> None:
    execute(draft, lambda: make_engine(draft), root, emit, control)


def _protocol(document: Document) -> str:
    """How the settings want pictures to be shown in the terminal."""
    hidden = document.value("generation_config.preview") in (False, "off")
    return "off" if hidden else str(document.value("generation_config.preview_protocol"))


def _nowhere(_: object) -> Path:
    """Where the pictures of a plan are that nobody has drawn."""
    return Path("not drawn yet")
