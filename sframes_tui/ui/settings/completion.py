"""What a field's text may be completed to: known values, or files. Must not import torch."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from textual.content import Content
from textual.events import Event, Key
from textual.widgets import Input
from textual_autocomplete import AutoComplete, DropdownItem, TargetState

MAX_FILES = 2000
"""Of one folder: looking at more would delay the keys."""


class Completion(AutoComplete):
    """A list below the field while something is typed into it, or when it is asked for."""

    DEFAULT_CSS = """
    Completion { background: $panel; max-height: 9; }
    """

    def __init__(self, target: Input, values: tuple[str, ...], folder: Path | None) -> None:
        """`values` are those to offer, `folder` where the paths to offer are relative to."""
        super().__init__(target, candidates=None)
        self._values = values
        self.folder = folder
        self._typed = self._asked = False
        self._completed = ""

    def ask(self) -> None:
        """Shows all that is on offer."""
        self._typed = self._asked = True
        self._handle_target_update()
        self._asked = False

    def _listen_to_messages(self, event: Event) -> None:
        if isinstance(event, Input.Changed):
            self._typed = event.value != self._completed
        # While nothing is shown, the keys are the form's.
        if self.display or not isinstance(event, Key):
            super()._listen_to_messages(event)

    def should_show_dropdown(self, search_string: str) -> bool:
        if not self._typed or not self.target.has_focus or not self.option_list.option_count:
            return False
        if self._asked:
            return True
        hits = [str(option.prompt) for option in self.option_list.options]
        return bool(search_string) and hits != [search_string]

    def get_candidates(self, target_state: TargetState) -> list[DropdownItem]:
        typed = target_state.text[: target_state.cursor_position]
        return [DropdownItem(Content(value)) for value in (*self._values, *self._files(typed))]

    def get_search_string(self, target_state: TargetState) -> str:
        if self._asked and self.folder is None:
            return ""
        return super().get_search_string(target_state)

    def _files(self, typed: str) -> tuple[str, ...]:
        """Whole paths, folders first, of the folder whose name was typed so far; hidden ones if a dot was typed."""
        if self.folder is None:
            return ()
        head, slash, tail = typed.rpartition("/")
        with suppress(OSError, ValueError, RuntimeError):
            entries = [*_entries((self.folder / f"{head}{slash}").expanduser(), tail.startswith("."))]
            return tuple(f"{head}{slash}{name}" for _, name in sorted(entries))
        return ()

    def post_completion(self) -> None:
        self.action_hide()
        self._completed = self.target.value


def _entries(folder: Path, hidden: bool) -> Iterator[tuple[bool, str]]:
    """(is a file, name) of what can be shown and typed."""
    for number, entry in enumerate(folder.iterdir()):
        if number == MAX_FILES:
            return
        if entry.name.isprintable() and (hidden or not entry.name.startswith(".")):
            is_folder = entry.is_dir()
            yield not is_folder, f"{entry.name}/" if is_folder else entry.name
