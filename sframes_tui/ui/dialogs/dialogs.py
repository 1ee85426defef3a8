"""Dialogues: a box above the main screen that is answered by one key or a click.

Escape closes each of them, which is always the answer that changes nothing. Text of others' making is shown literally.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from sframes_tui.printable import printable


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer a question."""

    id: str
    key: str
    words: str
    """What the button says."""


class Question(ModalScreen[str]):
    """Asks something; gives the answer's id, empty where it was closed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "answer('')", "Close")]
    AUTO_FOCUS = ""  # An Enter too much must not answer anything.

    def __init__(self, title: str, paragraphs: Sequence[str], answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title, self._paragraphs, self._answers = title, paragraphs, answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Text(printable(self._title))
            with VerticalScroll(can_focus=False):
                for paragraph in self._paragraphs:
                    yield Static(printable(paragraph), markup=False)
            with Horizontal(classes="answers"):
                for answer in self._answers:
                    yield Button(Text.assemble((answer.key, "bold underline"), f"  {answer.words}"), id=answer.id)

    def on_key(self, event: Key) -> None:
        for answer in self._answers:
            if event.key == answer.key:
                event.stop()
                self.dismiss(answer.id)

    def on_button_pressed(self, message: Button.Pressed) -> None:
        self.dismiss(message.button.id or "")

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


def leave_question(changed: bool, run: str) -> Question:
    """Before something would be lost; `run` tells how far the run under way is, empty where there is none."""
    paragraphs = []
    if changed:
        paragraphs.append("The settings have changes that are not saved.")
    if run:
        paragraphs.append(f"A run is under way: {run}.")
        paragraphs.append("Leaving stops it within a step. What is drawn stays, and `resume` goes on from there.")
    return Question("Leave S-Frames?", paragraphs, (Answer("yes", "y", "leave"), Answer("no", "n", "stay")))


def resume_question(lines: Sequence[str], todo: bool, stale: bool) -> Question:
    """Before a run goes on; `lines` tell what is kept, drawn and out of date."""
    answers = [Answer("yes", "y", "go on")] if todo else []
    if stale:
        answers += [Answer("redraw", "d", "draw what is out of date"), Answer("keep", "k", "keep that")]
    return Question("Go on with this run?", ["\n".join(lines)], [*answers, Answer("no", "n", "not now")])


class ThemeDialog(ModalScreen[str]):
    """Shows each theme as the cursor comes to it; Enter keeps it, Escape takes the old one back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = list(names)

    def compose(self) -> ComposeResult:
        self._before = self.app.theme
        with Vertical(classes="dialog narrow") as box:
            box.border_title = "Colours"
            box.border_subtitle = "enter keeps · esc goes back"
            yield OptionList(*(Option(Text(name), id=name) for name in self._names))

    def on_mount(self) -> None:
        choices = self.query_one(OptionList)
        choices.highlighted = self._names.index(self._before) if self._before in self._names else 0

    def on_option_list_option_highlighted(self, message: OptionList.OptionHighlighted) -> None:
        self.app.theme = message.option.id or self._before

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(message.option.id or "")

    def action_close(self) -> None:
        self.app.theme = self._before
        self.dismiss("")
