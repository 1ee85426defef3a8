"""The story: a placeholder with the interface of the tree that takes its place. Must not import torch."""

from dataclasses import dataclass

from textual import work
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from sframes_tui.errors import SFramesError
from sframes_tui.run.state import RunState
from sframes_tui.story.document import Document
from sframes_tui.story.draft import Draft, make_draft
from sframes_tui.story.plan import Plan
from sframes_tui.ui.commands import bindings


class StoryView(VerticalScroll, can_focus=True):
    """Chapters and prompts; the plan that a start would draw."""

    BINDINGS = bindings("story")

    @dataclass
    class Planned(Message):
        """The newest document was split and planned, or can't be."""

        draft: Draft | None
        problem: str

    @dataclass
    class PromptHighlighted(Message):
        """The cursor is on another prompt."""

        variant: int
        chapter: int
        prompt: int
        by_user: bool

    @dataclass
    class PromptOpened(Message):
        """Somebody wants to see a prompt's pictures."""

        variant: int
        chapter: int
        prompt: int

    @dataclass
    class LeaveOutChanged(Message):
        """Other chapters and prompts are to be left out."""

        leave_out: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__(Static(markup=False), id="story")
        self.border_title = "Story"

    def show_document(self, document: Document) -> None:
        """Splits and plans anew, in a worker."""
        self._plan(document)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _plan(self, document: Document) -> None:
        if document.loaded is None:
            self.post_message(self.Planned(None, "the settings are not valid"))
            return
        try:
            self.post_message(self.Planned(make_draft(document.loaded), ""))
        except SFramesError as error:
            self.post_message(self.Planned(None, str(error)))

    def show_run(self, plan: Plan) -> None:
        """Shows what a run draws, live or past."""
        self.query_one(Static).update("\n".join(chapter.title for chapter in plan.story.chapters))

    def show_state(self, state: RunState) -> None:
        """Marks and counts."""

    def follow(self) -> None:
        """The cursor goes with the run again."""
