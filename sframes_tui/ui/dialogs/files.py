"""Choosing a file: textual-fspicker's dialogues, made safe for names of any kind.

As they come, they read a folder's path as markup, and send control characters in names to the terminal. They take a
while to load: whoever needs them imports this file when he does.
"""

from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input
from textual_fspicker import FileOpen, FileSave
from textual_fspicker.base_dialog import Dialog, FileSystemPickerScreen, InputBar
from textual_fspicker.parts import CurrentDirectory, DirectoryNavigation


def pick_file(widget: Widget, folder: Path, value: str, take: Callable[[str], None]) -> None:
    """Lets a person choose a file; `take` gets its path, relative to `folder` where it lies within.

    The dialogue begins at the file that `value` names, if there is one.
    """

    def chosen(path: Path | None) -> None:
        if path is not None:
            take(str(path.relative_to(folder) if path.is_relative_to(folder) else path))

    start, name = _start(folder, value)
    widget.app.push_screen(OpenDialog(start, "Choose a file", default_file=name), chosen)


def pick_name(widget: Widget, start: Path, title: str, take: Callable[[Path], None]) -> None:
    """Lets a person choose a folder and enter a file's name; `start` is what stands there at first."""

    def chosen(path: Path | None) -> None:
        if path is not None:
            take(path)

    folder = start.parent if str(start.parent).isprintable() else Path.cwd()
    widget.app.push_screen(SaveDialog(folder, title, default_file=start.name), chosen)


def _start(folder: Path, value: str) -> tuple[Path, str | None]:
    """The folder to begin in, and the file's name if there is that file."""
    try:
        now = folder / value
        if now.is_file():
            return now.parent, now.name
        return (now.parent if now.parent.is_dir() else folder), None
    except (OSError, ValueError):
        return folder, None


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
