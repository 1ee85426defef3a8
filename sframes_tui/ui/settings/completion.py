"""What a field's text may be completed to: known values, or files.

The field owns the keys and hands those over that are the list's while it is seen: nothing else can tell which of two
widgets a key was meant for, since only one of them has the focus.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from textual.content import Content
from textual.geometry import Offset, Region, Spacing
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

MAX_FILES = 2000
"""Of one folder: looking at more would delay the keys."""


class Completion(OptionList, can_focus=False):
    """A list below the field while something is typed into it, or when it is asked for."""

    DEFAULT_CSS = """
    Completion {
        display: none; overlay: screen; width: auto; max-height: 9;
        background: $panel; scrollbar-size-vertical: 1; text-wrap: nowrap;
    }
    """

    def __init__(self, field: Input, values: tuple[str, ...], folder: Path | None) -> None:
        """`values` are those to offer, `folder` where the paths to offer are relative to."""
        super().__init__(compact=True)
        self._field, self._values, self.folder = field, values, folder
        self._taken = ""
        """What was completed last, which nothing more is offered for."""

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._stay_at_cursor())

    def follow(self) -> None:
        """Offers what the text may become, after something was typed or the cursor moved."""
        typed = self._typed
        found = [] if self._field.value == self._taken else best(typed, self._candidates(typed))
        self._show(found if typed and [value for value, _ in found] != [typed] else [])

    def ask(self) -> None:
        """Shows all that is on offer."""
        typed = self._typed
        self._show(best("" if self.folder is None else typed, self._candidates(typed)))

    def take_key(self, key: str) -> bool:
        """Acts on a key of the field, if it is one for a list that is shown."""
        if key in ("up", "down"):
            by = 1 if key == "down" else -1
            self.highlighted = ((self.highlighted or 0) + by) % self.option_count
        elif key in ("enter", "tab"):
            self._complete(self.highlighted or 0)
        elif key == "escape":
            self.display = False
        return key in ("up", "down", "enter", "tab", "escape")

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """By the mouse."""
        message.stop()
        self._complete(message.option_index)

    @property
    def _typed(self) -> str:
        return self._field.value[: self._field.cursor_position]

    def _show(self, found: list[tuple[str, list[int]]]) -> None:
        self.clear_options()
        self.add_options(Option(_marked(value, places)) for value, places in found)
        self.highlighted = 0 if found else None
        self.display = bool(found) and self._field.has_focus
        self._stay_at_cursor()

    def _complete(self, number: int) -> None:
        self._taken = str(self.get_option_at_index(number).prompt)
        self.display = False
        self._field.value = self._taken
        self._field.cursor_position = len(self._taken)

    def _stay_at_cursor(self) -> None:
        """Below the letters that were typed, as far as that is on the screen."""
        if not self.display:
            return
        x, y = self._field.cursor_screen_offset
        wanted = Region(x - 1, y + 1, *self.outer_size)
        place = wanted.constrain("inside", "none", Spacing.all(0), self.screen.scrollable_content_region).offset
        if place != self.absolute_offset:
            self.absolute_offset = Offset(*place)
            self.refresh(layout=True)

    def _candidates(self, typed: str) -> tuple[str, ...]:
        return (*self._values, *self._files(typed))

    def _files(self, typed: str) -> tuple[str, ...]:
        """Whole paths, folders first, of the folder whose name was typed so far; hidden ones if a dot was typed."""
        if self.folder is None:
            return ()
        head, slash, tail = typed.rpartition("/")
        with suppress(OSError, ValueError, RuntimeError):
            entries = [*_entries((self.folder / f"{head}{slash}").expanduser(), tail.startswith("."))]
            return tuple(f"{head}{slash}{name}" for _, name in sorted(entries))
        return ()


def _entries(folder: Path, hidden: bool) -> Iterator[tuple[bool, str]]:
    """(is a file, name) of what can be shown and typed."""
    for number, entry in enumerate(folder.iterdir()):
        if number == MAX_FILES:
            return
        if entry.name.isprintable() and (hidden or not entry.name.startswith(".")):
            is_folder = entry.is_dir()
            yield not is_folder, f"{entry.name}/" if is_folder else entry.name


def _marked(value: str, places: list[int]) -> Content:
    text = Content(value)
    for place in places:
        text = text.stylize("bold", place, place + 1)
    return text


def best(sought: str, values: tuple[str, ...]) -> list[tuple[str, list[int]]]:
    """The values that hold all letters of a text in its order, with their places: best first, else as they came."""
    found = [(value, rank, places) for value in values for rank, places in _match(sought.lower(), value.lower())]
    return [(value, places) for value, _, places in sorted(found, key=lambda each: each[1])]


def _match(sought: str, value: str) -> Iterator[tuple[int, list[int]]]:
    """How well a value holds a text: at its begin, at a word's, within one, or scattered (0 to 3); nothing if not.

    The first places that fit are taken, so that a long name costs no more than its length.
    """
    at = value.find(sought)
    if at >= 0:
        rank = 0 if at == 0 else 1 if not value[at - 1].isalnum() else 2
        yield rank, list(range(at, at + len(sought)))
        return
    places: list[int] = []
    for letter in sought:
        at = value.find(letter, at + 1)
        if at < 0:
            return
        places.append(at)
    yield 3, places
