"""The line in which a person says what the story's tree shall show.

It only tells what is typed: the search takes a while, and is the planner's.
"""

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from sframes_tui.ui.story.tree_rows import Found


class StoryFilter(Horizontal):
    """Words to look for and how often they were found; hidden until it is wanted."""

    DEFAULT_CSS = """
    StoryFilter { height: 1; }
    StoryFilter #story-query { width: 1fr; border: none; height: 1; padding: 0 1; }
    StoryFilter #story-label { width: auto; color: $accent; }
    StoryFilter #story-count { width: auto; padding: 0 1; color: $text-muted; }
    """

    @dataclass
    class Changed(Message):
        """Other words are looked for; blank for none."""

        words: str

    class Left(Message):
        """Enter or Down: on to what was found."""

    def compose(self) -> ComposeResult:
        yield Static("find", id="story-label")
        yield Input(id="story-query", placeholder="words of a chapter or prompt", compact=True)
        yield Static(id="story-count", markup=False)

    def on_mount(self) -> None:
        self._show(False)

    @property
    def words(self) -> str:
        """What is looked for: nothing before the field is there, which a key may come before."""
        return next((field.value for field in self.query(Input)), "")

    def open(self) -> None:
        self._show(True)
        self.query_one(Input).focus()

    def close(self) -> None:
        self._show(False)
        self.query_one(Input).value = ""

    def _show(self, shown: bool) -> None:
        """Hidden, it is no stop of the Tab key either."""
        self.display, self.disabled = shown, not shown

    def show_count(self, found: Found | None) -> None:
        count = "" if found is None else f"{found.count:,} found"
        self.query_one("#story-count", Static).update(count)

    @on(Input.Changed)
    def _tell_words(self, message: Input.Changed) -> None:
        message.stop()
        self.post_message(self.Changed(message.value))

    @on(Input.Submitted)
    def _tell_left(self, message: Input.Submitted) -> None:
        message.stop()
        self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        if event.key == "down":
            event.stop()
            self.post_message(self.Left())
