"""textual-fspicker's dialogues, made safe for names of any kind.

As they come, they read a folder's path as markup, and send control characters in names to the terminal.
"""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input
from textual_fspicker import FileOpen, FileSave
from textual_fspicker.base_dialog import Dialog, FileSystemPickerScreen, InputBar
from textual_fspicker.parts import CurrentDirectory, DirectoryNavigation


class PlainNames(DirectoryNavigation):
    """Lists no file whose name holds control characters: it couldn't be entered in a field either."""

    def hide(self, path: Path) -> bool:
        return not path.name.isprintable() or super().hide(path)


class _Literal(FileSystemPickerScreen):
    """Lists plain names only. Textual takes styles from the first base alone, so this is the second."""

    def compose(self) -> ComposeResult:
        with Dialog() as dialog:
            dialog.border_title = self._title
            yield from self._header_area()
            with Horizontal():
                yield PlainNames(self._location, double_click_directories=self._double_click_directories)
            with InputBar():
                yield from self._input_bar()
                yield Button(self._label(self._select_button, "Choose"), id="select")
                yield Button(self._label(self._cancel_button, "Cancel"), id="cancel")


class OpenDialog(FileOpen, _Literal):
    """Asks for a file that is there."""

    def _header_area(self) -> ComposeResult:
        yield CurrentDirectory(markup=False)


class SaveDialog(FileSave, _Literal):
    """Asks for a file's name, which is what is entered first."""

    def _header_area(self) -> ComposeResult:
        yield CurrentDirectory(markup=False)

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.query_one(Input).focus())
