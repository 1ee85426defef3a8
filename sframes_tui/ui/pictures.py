"""The pictures: a placeholder with the interface of the pane that takes its place. Must not import torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from sframes_tui.run.state import RunState
from sframes_tui.story.plan import Frame, Plan
from sframes_tui.ui.commands import bindings


class PicturePane(VerticalScroll, can_focus=True):
    """One tile for each style of the prompt that is looked at."""

    BINDINGS = bindings("pictures")

    @dataclass
    class PromptWanted(Message):
        """Somebody walked on to another prompt."""

        variant: int
        chapter: int
        prompt: int

    def __init__(self) -> None:
        super().__init__(Static("no pictures yet", markup=False), id="pictures")
        self.border_title = "Pictures"

    def show_plan(self, plan: Plan, locate: Callable[[Frame], Path]) -> None:
        """Another plan; `locate` says where a frame's picture is or will be."""

    def show_prompt(self, variant: int, chapter: int, prompt: int) -> None:
        """Shows the pictures of this prompt."""

    def show_state(self, state: RunState) -> None:
        """Marks of the tiles."""

    def show_preview(self, frame: int, make: Callable[[], Image.Image]) -> None:
        """What a frame is going to look like; `make` is called in a worker, or not at all."""

    def picture_saved(self, frame: int, path: Path) -> None:
        """A frame's picture is on disk."""
        self.query_one(Static).update(f"{frame}: {path}")

    def use_protocol(self, name: str) -> None:
        """How pictures are shown: a value of `preview_protocol`."""
