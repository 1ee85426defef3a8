"""What one drawing of a run works with: all that was settled before its first frame, and the files it goes into.

The loop, the archive and the grids take it from here, so that each is handed one thing. How a drawing comes about
is in `execute.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sframes_tui.engine.protocol import Facts, Fitted
from sframes_tui.plan.change import Change
from sframes_tui.plan.identity import Identities
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.preflight import Prompts
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.replay import Sheet
from sframes_tui.run.record.survey import Survey


@dataclass(frozen=True)
class Drawing:
    """A plan on its way into a run folder that this process has locked."""

    plan: Plan
    """As it is drawn now: with what is wanted otherwise of single frames."""
    identities: Identities
    """Of this plan."""
    folder: RunFolder
    journal: Journal
    survey: Survey
    """What to draw, and what has its picture."""
    facts: Facts
    prompts: Prompts
    fingerprint: str
    """The model's, for recipes."""
    grids: Mapping[str, Sheet] = field(default_factory=dict)
    """The grids that the journal tells of, by their files."""

    @property
    def size(self) -> tuple[int, int]:
        """Of every picture: width and height in pixels."""
        return self.facts.width, self.facts.height

    def fitted(self, frame: Frame) -> Fitted:
        """The frame's prompt as the model reads it."""
        return self.prompts[self.plan.prompt(frame), self.plan.style_text(frame)]

    def redo(self, frames: Sequence[Frame]) -> None:
        """Writes down that these get another take, as the plan has it, since their base got one. Raises `OSError`."""
        if frames:
            changes = {self.folder.picture_file(each): self.plan.changes[each.number] for each in frames}
            write_wishes(self.journal, changes)


def write_wishes(journal: Journal, changes: Mapping[str, Change], follow: bool = False) -> None:
    """Writes down takes that are wanted of files, and whether what descends from them follows. Raises `OSError`."""
    journal.append_list("changed", "wishes", [[file, *change] for file, change in changes.items()], follow=follow)
