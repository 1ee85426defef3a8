"""The settings: a placeholder with the interface of the form that takes its place. Must not import torch."""

from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from sframes_tui.story.document import Document
from sframes_tui.ui.commands import bindings


class ConfigForm(VerticalScroll):
    """Shows and changes a document; `document` is the newest."""

    BINDINGS = bindings("form")

    @dataclass
    class Edited(Message):
        """The document is another one now."""

        document: Document

    def __init__(self, document: Document) -> None:
        super().__init__(id="form")
        self.document = document
        self.border_title = "Settings"

    def compose(self) -> ComposeResult:
        yield Static(str(self.document.path), markup=False)

    def set_value(self, path: str, value: Any) -> None:
        """Changes an option as if it had been entered."""
        self.document = self.document.with_value(path, value)
        self.post_message(self.Edited(self.document))

    def focus_option(self, path: str) -> None:
        """Puts the cursor into the field of an option, such as "generation_config.eta"."""
