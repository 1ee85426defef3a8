"""What one drawing of a run works with. Must not import torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sframes_tui.engine.protocol import Facts, Fitted
from sframes_tui.plan.change import Change
from sframes_tui.plan.identity import Identities
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.prompts import Prompts
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.survey import Survey


@dataclass(frozen=True)
class Session:
    """A plan on its way into a run folder that this process has locked."""

    plan: Plan
    """With the changes that were asked for."""
    identities: Identities
    """Of the plan without them."""
    folder: RunFolder
    journal: Journal
    survey: Survey
    """What to draw, and what has its picture."""
    facts: Facts
    prompts: Prompts
    fingerprint: str
    """The model's, for recipes."""

    def fitted(self, frame: Frame) -> Fitted:
        """The frame's prompt as the model reads it."""
        return self.prompts[self.plan.prompt(frame), self.plan.style_text(frame)]

    def redo(self, frames: Sequence[Frame]) -> None:
        """Writes down that these get another take, as the plan has it, since their base got one. Raises `OSError`."""
        if frames:
            wishes = {self.folder.picture_file(each): self.plan.changes[each.number] for each in frames}
            write_wishes(self.journal, wishes)


def write_wishes(journal: Journal, changes: Mapping[str, Change], follow: bool = False) -> None:
    """Writes down takes that are wanted of files, and whether what descends from them follows. Raises `OSError`."""
    journal.append_list("changed", "wishes", [[file, *change] for file, change in changes.items()], follow=follow)
