"""The dialogues in which a file is chosen. Must not import torch."""

from collections.abc import Callable
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Input


def pick_file(widget: Widget, folder: Path, value: str, take: Callable[[str], None]) -> None:
    """Lets a person choose a file; `take` gets its path, relative to `folder` where it lies within.

    The dialogue begins at the file that `value` names, if there is one.
    """
    # Loaded only now: the first screen doesn't need it.
    from textual_fspicker import FileOpen

    now = folder / value
    start = now.parent if now.parent.is_dir() else folder

    def chosen(path: Path | None) -> None:
        if path is not None:
            take(str(path.relative_to(folder) if path.is_relative_to(folder) else path))

    widget.app.push_screen(FileOpen(start, "Choose a file", default_file=now.name if now.is_file() else None), chosen)


def pick_name(widget: Widget, start: Path, title: str, take: Callable[[Path], None]) -> None:
    """Lets a person choose a folder and enter a file's name; `start` is what stands there at first."""
    from textual_fspicker import FileSave

    def chosen(path: Path | None) -> None:
        if path is not None:
            take(path)

    dialog = FileSave(start.parent, title, default_file=start.name)
    widget.app.push_screen(dialog, chosen)
    # The name is what is entered; the dialogue itself begins in its list of files.
    dialog.call_after_refresh(lambda: dialog.query_one(Input).focus())
