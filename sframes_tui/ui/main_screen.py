"""The main screen: three panes, a log and a foot, and the wires between them. Must not import torch.

Panes don't know each other: they take data by method and speak by messages, and this screen passes both on.
"""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer

from sframes_tui.run.describe import describe
from sframes_tui.run.events import (
    Event,
    FrameCompleted,
    ModelLoadCompleted,
    RunStarted,
)
from sframes_tui.run.state import RunState, fold
from sframes_tui.story.document import Document
from sframes_tui.story.draft import Draft
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.config_form import ConfigForm
from sframes_tui.ui.log_pane import LogPane
from sframes_tui.ui.pictures import PicturePane
from sframes_tui.ui.run_control import MakeEngine, RunControl, RunNews
from sframes_tui.ui.status_line import SessionFacts, StatusLine
from sframes_tui.ui.story_view import StoryView


class MainScreen(Screen[None]):
    """Settings, story, pictures and log."""

    BINDINGS = bindings("main")

    def __init__(self, document: Document, make_engine: MakeEngine, root: Path) -> None:
        super().__init__()
        self.document = document
        self.state, self.facts = RunState(), SessionFacts()
        self.draft: Draft | None = None
        self.problem = ""
        self.run_control = RunControl(lambda: self.post_message(RunNews()))
        self._make_engine, self._root = make_engine, root

    def compose(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield ConfigForm(self.document)
            yield StoryView()
            with Vertical(id="right"):
                yield PicturePane()
                yield LogPane()
        yield StatusLine()
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(StoryView).show_document(self.document)

    @on(ConfigForm.Edited)
    def take_document(self, message: ConfigForm.Edited) -> None:
        self.document = message.document
        self.draft = None
        self.query_one(StoryView).show_document(self.document)

    @on(StoryView.Planned)
    def take_plan(self, message: StoryView.Planned) -> None:
        self.draft, self.problem = message.draft, message.problem

    @on(StoryView.PromptHighlighted)
    def show_prompt(self, message: StoryView.PromptHighlighted) -> None:
        self.query_one(PicturePane).show_prompt(message.variant, message.chapter, message.prompt)

    @on(RunNews)
    def take_news(self) -> None:
        for when, event in self.run_control.mailbox.take():
            self.state = fold(self.state, event, when)
            self._tell(event)
        self.query_one(StatusLine).show_state(self.state, self.facts)
        self.query_one(StoryView).show_state(self.state)
        self.query_one(PicturePane).show_state(self.state)

    def _tell(self, event: Event) -> None:
        level, line = describe(event)
        if line:
            self.query_one(LogPane).add(level, line)
        match event:
            case ModelLoadCompleted(model=model, device=device, dtype=dtype):
                self.facts = SessionFacts(model, device, dtype)
            case FrameCompleted(frame=frame, path=path):
                self.query_one(PicturePane).picture_saved(frame, path)
            case RunStarted():
                pass

    def action_start(self) -> None:
        if self.run_control.running:
            self.notify("A run is under way.", severity="warning")
        elif self.draft is None:
            self.notify(self.problem or "The story is still being read.", severity="error", markup=False)
        else:
            self.state = RunState()
            self.run_control.start(self.draft, self._make_engine, self._root)

    def action_pause(self) -> None:
        self.notify("Can't pause yet.")

    def action_finish(self) -> None:
        self.run_control.finish()

    def action_stop(self) -> None:
        self.run_control.stop()

    def action_save(self) -> None:
        self.document = self.document.save()

    def action_show(self, pane: str) -> None:
        self.query_one(f"#{pane}").focus()
