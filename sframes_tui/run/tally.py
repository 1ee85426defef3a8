"""What a drawing has done and has left to do, in numbers. Plain data; must not import torch."""

from dataclasses import dataclass, field
from pathlib import Path

from sframes_tui.run.events import RunCancelled, RunCompleted

NAMED_FAILURES = 5


@dataclass(slots=True)
class Tally:
    """Counts frames; each that is to be drawn is either left, drawn, failed or skipped."""

    left: int
    drawn: int = 0
    saved: int = 0
    """Of those drawn: whose pictures are on the disk."""
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    """The names of the first that failed."""

    def draw(self) -> None:
        self.left, self.drawn = self.left - 1, self.drawn + 1

    def fail(self, name: str) -> None:
        self.left, self.failed = self.left - 1, self.failed + 1
        if len(self.failures) < NAMED_FAILURES:
            self.failures.append(name)

    def skip(self) -> None:
        self.left, self.skipped = self.left - 1, self.skipped + 1

    def give_up_unsaved(self) -> int:
        """Counts those that didn't get to the disk as still to be drawn; returns how many."""
        lost = self.drawn - self.saved
        self.drawn, self.left = self.saved, self.left + lost
        return lost

    @property
    def is_whole(self) -> bool:
        """Whether every frame has its picture."""
        return not (self.left or self.failed or self.skipped)

    def ending(self, folder: Path, seconds: float) -> RunCompleted | RunCancelled:
        if self.left:
            return RunCancelled(folder, self.drawn, self.left)
        return RunCompleted(folder, self.drawn, self.failed, self.skipped, seconds, tuple(self.failures))
