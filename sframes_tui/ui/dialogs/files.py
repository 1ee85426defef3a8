"""Choosing a file. The dialogues take a while to load: whoever needs them imports this file when he does."""

from collections.abc import Callable
from pathlib import Path

from textual.widget import Widget

from sframes_tui.ui.fenced.file_dialogs import OpenDialog, SaveDialog


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
