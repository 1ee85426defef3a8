"""F1: every key and what it does."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from rich.table import Table
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
                for title, table in _sections(self._keymap):
                    yield Static(title, classes="section", markup=False)
                    yield Static(table)
                yield Static("Your own", classes="section")
                yield Static(f'keys: {KEYMAP}, a line for each, such as: start = "f10"\nthemes: {OWN}', markup=False)


def _sections(keymap: Mapping[str, str]) -> Iterator[tuple[str, Table]]:
    for scope, title in SCOPES.items():
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=11, style="bold")
        table.add_column(width=16)
        table.add_column()
        for command in (each for each in COMMANDS if each.scope == scope):
            table.add_row(Text(shown_keys(command, keymap)), Text(command.name), Text(command.help))
        if table.row_count:
            yield title, table
