"""The controls of the settings form, each one line high unless its text needs more.

Up and down are the form's, which walks through its fields, unless a field `keeps` them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Key
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive, reactive
from textual.widget import Widget
from textual.widgets import Input

from sframes_tui.config.option_text import placeholder, shown_value, stepped, typed_value
from sframes_tui.config.options import Option
from sframes_tui.printable import one_line, printable
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.fenced.own_keys import OwnKeys

if TYPE_CHECKING:
    from sframes_tui.ui.settings.completion import Completion


@dataclass
class FieldEdited(Message):
    """A person entered another value; None is an absent one."""

    path: str
    value: Any
    typing: bool
    """More of it may follow."""


@dataclass
class FieldLeft(Message):
    """Typing in a field came to an end; all that was typed was told before."""

    field: Widget
    submitted: bool = False
    """By the enter key."""


class FormField(OwnKeys):
    """What a control of the form is asked."""

    option: Option
    path: str
    """Of its value in the document."""

    def show_value(self, value: Any) -> None:
        """Shows the document's value, unless it is what the control stands for already."""
        raise NotImplementedError

    def keeps(self, by: int) -> bool:  # noqa: ARG002 - the longer fields need it
        """Whether up (-1) or down (1) is the control's own."""
        return False


class TextField(Input, FormField):
    """A text on one line."""

    DEFAULT_CSS = """
    TextField { background: $surface; height: 1; border: none; padding: 0; }
    TextField:focus { border: none; background: $panel; }
    TextField > .input--placeholder { color: $text-muted; text-style: italic; }
    """

    # Textual's own arranges every widget of the screen anew at each key.
    virtual_size = Reactive(Size(0, 0))

    def __init__(self, option: Option, path: str) -> None:
        super().__init__(placeholder=placeholder(option), compact=True, select_on_focus=False)
        self.option, self.path = option, path
        self._completion: Completion | None = None
        self._shown = ""
        """The text that was told, or came from the document."""

    def show_value(self, value: Any) -> None:
        text = shown_value(self.option, value)
        if text != self.value and typed_value(self.option, self.value) != value:
            self._shown = text
            self.value = text
            self.cursor_position = len(text)

    def validate_value(self, value: str) -> str:
        """What is pasted may hold control characters, which must not reach the terminal."""
        return printable(value)

    def watch_value(self, value: str) -> None:
        if value != self._shown:
            self._shown = value
            self.post_message(FieldEdited(self.path, typed_value(self.option, value), typing=True))
            if self._completion is not None:
                # Once the cursor stands behind what was typed.
                self.call_later(self._completion.follow)

    def watch_selection(self) -> None:
        if self._completion is not None and self._completion.display:
            self._completion.follow()

    async def on_key(self, event: Key) -> None:
        """The keys of a list that is shown are neither the form's nor the text's."""
        if self._completion is not None and self._completion.display and self._completion.take_key(event.key):
            event.stop()
            event.prevent_default()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.post_message(FieldLeft(self, submitted=True))

    def on_blur(self) -> None:
        if self._completion is not None:
            self._completion.display = False
        self.post_message(FieldLeft(self))

    @property
    def completing(self) -> bool:
        """Whether a list of completions is shown."""
        return self._completion is not None and self._completion.display

    def complete_from(self, folder: Path) -> None:
        """Begins to offer what may be entered; paths are relative to `folder`."""
        paths = self.option.control in ("path", "model")
        if self._completion is None and (paths or self.option.suggestions):
            from sframes_tui.ui.settings.completion import Completion

            self._completion = Completion(self, self.option.suggestions, folder if paths else None)
            self.screen.mount(self._completion)
        elif self._completion is not None and paths:
            self._completion.folder = folder

    def show_completions(self) -> bool:
        """Shows all of them; false if there are none."""
        if self._completion is None:
            return False
        if self._completion.is_mounted:
            self._completion.ask()
        else:
            self.call_after_refresh(self._completion.ask)
        return True

    def keeps(self, by: int) -> bool:  # noqa: ARG002 - either key walks through the list
        return self.completing


class NumberField(TextField):
    """A number; `+` and `-` step it within its bounds."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("number")

    def action_step(self, steps: int) -> None:
        value = stepped(self.option, typed_value(self.option, self.value), steps)
        self.value = shown_value(self.option, value)
        self.cursor_position = len(self.value)


SWITCH = {"on": True, "off": False, "yes": True, "no": False, "true": True, "false": False}
"""Words for a switch, whose first letters set it."""


class ChoiceField(FormField, can_focus=True):
    """One of few values: left and right change it, its first letter picks it, backspace takes it out of the file."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("choice")
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ChoiceField { height: 1; width: 1fr; background: $surface; }
    ChoiceField:focus { background: $panel; text-style: bold; }
    """
    value: reactive[Any] = reactive(None)

    def __init__(self, option: Option, path: str) -> None:
        super().__init__()
        self.option, self.path = option, path
        self.values: tuple[Any, ...] = (False, True) if option.control == "switch" else option.choices

    def show_value(self, value: Any) -> None:
        self.value = value

    def render(self) -> Content:
        absent = self.value is None
        shown = self.option.preset if absent else self.value
        if isinstance(shown, bool):
            quiet = absent or not shown
            text = Content.styled("━━● on" if shown else "○━━ off", "$text-muted" if quiet else "$text-success")
        else:
            colour = "$text-muted" if absent else "" if shown in self.values else "$text-error"
            words = placeholder(self.option) if shown is None else str(shown)
            text = Content.assemble(("◂ ", "$text-muted"), (one_line(words, 40), colour), (" ▸", "$text-muted"))
        return text + Content.styled("  default", "$text-muted italic") if absent and shown is not None else text

    def action_turn(self, steps: int) -> None:
        """To the next value, or the one before; from the last on to the first."""
        now = self.option.preset if self.value is None else self.value
        at = self.values.index(now) + steps if now in self.values else 0
        self._choose(self.values[at % len(self.values)])

    def action_clear(self) -> None:
        self._choose(None)

    async def on_key(self, event: Key) -> None:
        letter = (event.character or "").lower()
        named = SWITCH if self.option.control == "switch" else {each: each for each in self.values}
        found = [value for name, value in named.items() if letter.isalnum() and name.startswith(letter)]
        if found:
            event.stop()
            at = found.index(self.value) + 1 if self.value in found else 0
            self._choose(found[at % len(found)])

    def on_click(self, event: Click) -> None:
        event.stop()
        self.action_turn(1)

    def _choose(self, value: Any) -> None:
        self.value = value
        self.post_message(FieldEdited(self.path, value, typing=False))
