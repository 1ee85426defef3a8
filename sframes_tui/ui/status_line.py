"""One line on the run: model, frames, steps, rates, time left. Must not import torch."""

from dataclasses import dataclass

from textual.widgets import Static

from sframes_tui.printable import one_line
from sframes_tui.run.describe import duration
from sframes_tui.run.state import RunState


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the model and its device turned out to be; empty where nothing is loaded."""

    model: str = ""
    device: str = ""
    dtype: str = ""
    gpu: str = ""
    """Load, memory, temperature and power in words."""


class StatusLine(Static):
    """The foot of the screen, above the keys."""

    def __init__(self) -> None:
        super().__init__("no run yet: ctrl+r starts", markup=False, id="status")

    def show_state(self, state: RunState, facts: SessionFacts) -> None:
        self.update(status_text(state, facts))


def status_text(state: RunState, facts: SessionFacts) -> str:
    """The line as text."""
    parts = [state.phase, one_line(facts.model or state.model, 30), facts.device, facts.dtype]
    if state.frames:
        parts.append(f"{state.settled}/{state.frames}")
        parts.append(f"{state.steps_per_second:.1f} it/s")
        parts.append(f"{state.pictures_per_minute:.1f} pictures/min")
        if (left := state.seconds_left) is not None:
            parts.append(f"{duration(left)} left")
    return "  ".join(filter(None, [*parts, facts.gpu]))
