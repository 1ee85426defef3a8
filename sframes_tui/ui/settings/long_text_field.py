"""The control for a text of several lines, and which control fits which option.

Loaded only once fields are made: the first screen doesn't wait for Textual's editor.
"""

from typing import Any

from textual.events import Paste
from textual.widgets import TextArea

from sframes_tui.config.option_text import NUMBERS, placeholder, shown_value, typed_value
from sframes_tui.config.options import Option
from sframes_tui.printable import printable
from sframes_tui.ui.settings.fields import ChoiceField, FieldEdited, FieldLeft, FormField, NumberField, TextField


class LongTextField(TextArea, FormField):
    """A text of several lines; grows with them."""

    DEFAULT_CSS = """
    LongTextField {
        height: auto; max-height: 6; min-height: 1; border: none; padding: 0; background: $surface;
        &:focus { border: none; background: $panel; }
        & .text-area--placeholder { color: $text-muted; text-style: italic; }
    }
    """

    def __init__(self, option: Option, path: str) -> None:
        super().__init__(
            placeholder=placeholder(option), compact=True, soft_wrap=True, tab_behavior="focus",
            highlight_cursor_line=False,
        )  # fmt: skip
        self.option, self.path = option, path

    def show_value(self, value: Any) -> None:
        text = shown_value(self.option, value)
        if text != self.text and typed_value(self.option, self.text) != value:
            with self.prevent(TextArea.Changed):
                self.load_text(text)

    def on_text_area_changed(self, message: TextArea.Changed) -> None:
        message.stop()
        self.post_message(FieldEdited(self.path, typed_value(self.option, self.text), typing=True))

    def on_paste(self, event: Paste) -> None:
        """It may hold control characters, which must not reach the terminal; the text area takes what is left."""
        event.text = printable(event.text)

    def keeps(self, by: int) -> bool:
        return 0 <= self._line + by < self.wrapped_document.height

    @property
    def _line(self) -> int:
        """As the text is wrapped, from 0."""
        return self.wrapped_document.location_to_offset(self.cursor_location).y

    def on_blur(self) -> None:
        self.post_message(FieldLeft(self))


Field = TextField | ChoiceField | LongTextField


def make_field(option: Option, path: str) -> Field:
    """The control that fits an option, for the value at `path`."""
    if option.control in ("switch", "choice"):
        return ChoiceField(option, path)
    if option.control == "long text":
        return LongTextField(option, path)
    return (NumberField if option.control in NUMBERS else TextField)(option, path)
