"""F1: every key and what it does. Must not import torch."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from sframes_tui.ui.commands import COMMANDS, SCOPES, shown_keys
from sframes_tui.ui.keymap import KEYMAP
from sframes_tui.ui.themes import OWN

FIRST_STEPS = (
    "Change the settings at the left; the story in the middle is split anew as you type. Start draws it, the pictures "
    "come up at the right. Tab goes from field to field, the keys below go to the panes. Everything also works with "
    "the mouse."
)


class HelpScreen(ModalScreen[None]):
    """A table of all commands."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss", "Close")]

    def __init__(self, keymap: Mapping[str, str]) -> None:
        """`keymap` holds the user's own keys."""
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc closes"
            with VerticalScroll():
                yield Static(FIRST_STEPS, markup=False)
                for title, text in _sections(self._keymap):
                    yield Static(title, classes="section", markup=False)
                    yield Static(text)
                yield Static("Your own", classes="section")
                yield Static(f'keys: {KEYMAP}, a line for each, such as: start = "f10"\nthemes: {OWN}', markup=False)


def _sections(keymap: Mapping[str, str]) -> Iterator[tuple[str, Text]]:
    for scope, title in SCOPES.items():
        commands = [command for command in COMMANDS if command.scope == scope]
        if commands:
            lines = [_line(shown_keys(each, keymap), each.name, each.help) for each in commands]
            yield title, Text("\n").join(lines)


def _line(keys: str, name: str, help_text: str) -> Text:
    return Text.assemble((f"{keys:>9}  ", "bold"), f"{name:<16} ", (help_text, "dim"))
