"""The foot: how the run goes and what draws it.

It is painted at its own pace, apart from the panes, and in two lines only where one isn't enough.
"""

import time
from typing import ClassVar

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from sframes_tui.printable import one_line
from sframes_tui.run.describe import download_words, duration
from sframes_tui.run.state import RunState
from sframes_tui.ui.bars import active_keys
from sframes_tui.ui.commands import shown_key
from sframes_tui.ui.run_session import SessionFacts

REPAINT_SECONDS = 0.25
BAR, SHORT_BAR = 12, 4
"""Cells of the progress bar, and where there is no room."""
WORDS = {
    "idle": "no run yet",
    "loading": "loading the model",
    "drawing": "drawing",
    "paused": "paused",
    "completed": "done",
    "cancelled": "stopped",
    "failed": "failed",
}
COLOURS = {"drawing": "accent", "paused": "warning", "completed": "success", "failed": "error", "cancelled": "warning"}


class StatusLine(Widget):
    """One line where everything fits, two where it doesn't."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"status-line--{colour}" for colour in (*COLOURS.values(), "quiet")}

    def __init__(self) -> None:
        super().__init__(id="status")
        self._state, self._facts = RunState(), SessionFacts()
        self._outlook = ""
        """What a start would draw."""
        self._since = 0.0
        """When the phase began."""
        self._needed = 1
        """Lines that it has needed in this phase."""
        self._painted: list[Content] = []

    def on_mount(self) -> None:
        self.set_interval(REPAINT_SECONDS, self._repaint)

    def show_state(self, state: RunState, facts: SessionFacts) -> None:
        """Shows how the run goes, a moment later: painted along with a pane, every widget between them would be too."""
        if state.phase != self._state.phase:
            self._since, self._needed = time.monotonic(), 1
        self._state, self._facts = state, facts

    def show_outlook(self, words: str) -> None:
        """What a start would draw, or why it can't: seen where nothing was drawn yet."""
        self._outlook = words

    def _repaint(self) -> None:
        lines = self._lines(self.size.width)
        if lines != self._painted:
            self._painted = lines
            self.refresh(layout=len(lines) != self.size.height)

    def on_resize(self) -> None:
        self._needed = 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        """Two where one isn't enough, and then two until the next phase: another height moves the whole screen."""
        run, session = self._run(width), Content(session_text(self._facts, self._state))
        session = session.stylize(self.get_visual_style("status-line--quiet"))
        if session and run.cell_length + session.cell_length + 3 > width:
            self._needed = 2
        if session and self._needed == 2:
            return [run.truncate(width, ellipsis=True), session.truncate(width, ellipsis=True)]
        run = run.truncate(width, ellipsis=True)
        return [run.pad_right(max(0, width - run.cell_length - session.cell_length)) + session]

    def _run(self, width: int) -> Content:
        colour = COLOURS.get(self._state.phase, "quiet")
        word = Content.styled(self._facts.asked or self._word(), self.get_visual_style(f"status-line--{colour}"))
        parts = [word, *map(Content, run_parts(self._state))]
        if self._state.phase == "idle":
            start = f"{shown_key(active_keys(self.screen).get('start', ''))} starts one"
            parts.append(Content(self._outlook or start))
        if self._state.frames:
            room = width - sum(part.cell_length + 2 for part in parts)
            parts.insert(1, self._bar(max(SHORT_BAR, min(BAR, room))))
        return Content("  ").join(parts)

    def _word(self) -> str:
        phase, far = self._state.phase, self._state.download
        if phase == "loading" and far:
            return download_words(far.done, far.total, far.rate)
        seconds = time.monotonic() - self._since
        return f"{WORDS[phase]}, {duration(seconds)}" if phase == "loading" and seconds >= 1 else WORDS[phase]

    def _bar(self, cells: int) -> Content:
        """Steps that are done of all that are to run."""
        state = self._state
        done = round(cells * state.steps_done / state.steps) if state.steps else cells
        full = Content.styled("━" * done, self.get_visual_style("status-line--accent"))
        return full + Content.styled("─" * (cells - done), self.get_visual_style("status-line--quiet"))


def run_parts(state: RunState) -> list[str]:
    """Frames, step, rates and time left in words, the weightiest first."""
    if not state.frames:
        return []
    parts = [f"{state.settled}/{state.frames}"]
    parts += [f"{state.failed} failed"] if state.failed else []
    parts += [f"step {each.step}/{each.steps}" for each in state.in_flight[-1:]]
    if state.phase in ("drawing", "paused") and (left := state.seconds_left) is not None:
        parts.append(f"{duration(left)} left")
    if state.steps_done:
        parts += [f"{state.steps_per_second:.1f} it/s", f"{state.pictures_per_minute:.1f} pictures/min"]
    return parts


def session_text(facts: SessionFacts, state: RunState) -> str:
    """Model, device, number format and what the GPU does."""
    model = one_line(facts.model or state.model, 32)
    return " · ".join(filter(None, (model, facts.device, facts.dtype, facts.gpu)))
