"""The plan to look at before a start: every picture with its base, strength and steps. Must not import torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sframes_tui.errors import Note
from sframes_tui.plan.plan import Plan
from sframes_tui.plan.plan_text import describe_plan
from sframes_tui.ui.log.lines import TextLines


class PlanScreen(ModalScreen[None]):
    """The words of `--dry-run`, however many lines they are."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close")]
    DEFAULT_CSS = """
    PlanScreen > .dialog { width: 96%; height: 96%; padding: 0 1; }
    """

    def __init__(self, plan: Plan, text_file: Path | None = None, notes: Sequence[Note] = ()) -> None:
        super().__init__()
        self._plan, self._text_file, self._notes = plan, text_file, notes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title, box.border_subtitle = "Plan", "esc closes"
            yield TextLines(lambda: describe_plan(self._plan, self._text_file, self._notes))

    def action_close(self) -> None:
        self.dismiss()
