"""How one picture is drawn again: with another seed, text or strength, or an older take instead."""

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, RadioButton, RadioSet, Static
from textual.widgets.option_list import Option

from sframes_tui.plan.plan import Frame
from sframes_tui.printable import counted, one_line, printable
from sframes_tui.run.describe import duration
from sframes_tui.run.record.past_run import PastRun
from sframes_tui.run.redraw import Descendants, Request

Choice = Request | int
"""What to draw, or the number of the take that is to count."""
FATES: tuple[tuple[Descendants, str], ...] = (
    ("stale", "decide later: mark them as out of date"),
    ("redraw", "draw them again too"),
    ("keep", "keep them as they are"),
)
MAX_SEED = 2**32 - 1


class RedrawDialog(ModalScreen[Choice | None]):
    """Gives a request, a take's number, or None where it was closed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]
    AUTO_FOCUS = "#seed"

    def __init__(self, past: PastRun, frame: Frame) -> None:
        super().__init__()
        self._past, self._frame = past, frame
        self._change = past.change(frame)
        self._prompt = (self._change and self._change.prompt) or past.plan.prompt(frame)
        self._behind = past.plan.descendants(frame)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Text(f"Draw {one_line(self._past.plan.name(self._frame), 60)} again")
            box.border_subtitle = "enter draws · esc closes"
            with VerticalScroll(can_focus=False):
                yield from self._fields()
                if self._behind:
                    yield Static(self._about_descendants(), classes="section", markup=False)
                    with RadioSet(id="fate"):
                        for number, (_, words) in enumerate(FATES):
                            yield RadioButton(words, value=number == 0)
                if len(self._past.takes(self._frame)) > 1:
                    yield Static("Or take an older one back", classes="section")
                    yield OptionList(*self._takes(), id="takes")
                yield Static("", id="fault", markup=False)
            with Horizontal(classes="answers"):
                yield Button("Draw", id="draw", variant="primary")
                yield Button("Close", id="close")

    def _fields(self) -> ComposeResult:
        yield Static("Seed", classes="section")
        yield Input(placeholder="empty: a new one", id="seed", compact=True, restrict=r"[0-9]*", max_length=10)
        yield Static("Prompt", classes="section")
        yield Input(printable(self._prompt), id="prompt", compact=True)
        if self._frame.strength is not None:
            strength = self._change.strength if self._change else None
            shown = self._frame.strength if strength is None else strength
            yield Static("Strength, 0 to 1", classes="section")
            yield Input(f"{shown}", id="strength", compact=True, restrict=r"[0-9.]*", max_length=8)

    def _about_descendants(self) -> str:
        seconds = self._past.seconds_for(self._behind)
        time = "" if seconds is None else f", about {duration(seconds)} to draw"
        return f"{counted(len(self._behind), 'picture')} were drawn from it{time}"

    def _takes(self) -> Iterator[Option]:
        current = self._past.take(self._frame)
        for number, saved in sorted(self._past.takes(self._frame).items()):
            words = "counts now" if number == current else f"{saved.seconds:.0f} s to draw"
            yield Option(Text(f"take {number}: {words}"), id=f"take-{number}", disabled=number == current)

    @on(OptionList.OptionSelected)
    def take_back(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(int((message.option.id or "").removeprefix("take-")))

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#draw")
    @on(Input.Submitted)
    def answer(self) -> None:
        """The request, unless a field is wrong."""
        try:
            self.dismiss(self._request())
        except ValueError as error:
            self.query_one("#fault", Static).update(str(error))

    def _request(self) -> Request:
        seed, prompt = self.query_one("#seed", Input).value, self.query_one("#prompt", Input).value
        if seed and int(seed) > MAX_SEED:
            raise ValueError(f"The seed is at most {MAX_SEED}.")
        changed = prompt if prompt != printable(self._prompt) else None
        return Request((self._frame.number,), int(seed) if seed else None, changed, self._strength(), self._fate())

    def _strength(self) -> float | None:
        """None where it is as planned."""
        if self._frame.strength is None:
            return None
        field = self.query_one("#strength", Input)
        try:
            value = float(field.value)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise ValueError("The strength is a number from 0 to 1.")
        return None if value == self._frame.strength else value

    def _fate(self) -> Descendants:
        return FATES[max(0, self.query_one(RadioSet).pressed_index)][0] if self._behind else "stale"
